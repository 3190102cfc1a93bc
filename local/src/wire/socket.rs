//! The socket to a client, which withholds hyper's own replies, and ends replies that a client does not take.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering};
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::gather;
use super::stream::Stream;

/// How long a client may take nothing of a whole reply. A stream ends with the function's time.
pub(crate) const STALL_MAX: Duration = Duration::from_secs(75);

/// The state of one connection, by which the socket knows to whom hyper's bytes belong.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// `IDLE`, `ANSWERING` or `ANSWERED`.
    state: AtomicU8,
    /// The status of hyper's own reply. Zero if there is none.
    unread: AtomicU16,
    /// Whether hyper has bytes of a request that has not begun.
    has_part: AtomicBool,
    /// Whether the reply has a time of its own, as a stream and a WebSocket have.
    has_own_time: AtomicBool,
}

/// No request is in flight, and all replies are written.
const IDLE: u8 = 0;
const ANSWERING: u8 = 1;
/// hyper has the whole reply, and may not have flushed the end.
const ANSWERED: u8 = 2;

/// Held while a request is answered, until hyper has the last piece of the reply.
#[derive(Debug)]
pub(crate) struct Turn {
    turns: Arc<Turns>,
    is_stream: bool,
}

impl Turns {
    pub(crate) fn begin(self: &Arc<Self>) -> Turn {
        self.state.store(ANSWERING, Ordering::Relaxed);
        self.has_part.store(false, Ordering::Relaxed);
        Turn { turns: Arc::clone(self), is_stream: false }
    }

    /// Whether a part of a request's head was read.
    pub(crate) fn has_part(&self) -> bool {
        self.has_part.load(Ordering::Relaxed)
    }

    fn flushed(&self) {
        _ = self.state.compare_exchange(ANSWERED, IDLE, Ordering::Relaxed, Ordering::Relaxed);
    }

    /// Withholds hyper's own reply, and keeps the status.
    fn withhold(&self, bytes: &[u8]) -> bool {
        if self.state.load(Ordering::Relaxed) != IDLE {
            return false;
        }
        let status = bytes.strip_prefix(b"HTTP/1.").and_then(|rest| rest.get(2..5));
        let status = status.and_then(|digits| std::str::from_utf8(digits).ok()?.parse().ok());
        let Some(status) = status.filter(|status| (400..500).contains(status)) else { return false };
        self.unread.store(status, Ordering::Relaxed);
        true
    }

    /// The status of the withheld reply.
    pub(crate) fn unread(&self) -> Option<u16> {
        Some(self.unread.load(Ordering::Relaxed)).filter(|status| *status > 0)
    }

    /// The head of the withheld reply is read once more.
    pub(crate) fn retry(&self) {
        self.unread.store(0, Ordering::Relaxed);
    }
}

impl Turn {
    /// The reply is a stream, which has a time of its own.
    pub(crate) fn begin_stream(&mut self) {
        self.is_stream = true;
        self.turns.has_own_time.store(true, Ordering::Relaxed);
    }

    /// The connection becomes a WebSocket, and never again takes requests.
    pub(crate) fn begin_socket(&self) {
        self.turns.has_own_time.store(true, Ordering::Relaxed);
    }
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.turns.state.store(ANSWERED, Ordering::Relaxed);
        if self.is_stream {
            self.turns.has_own_time.store(false, Ordering::Relaxed);
        }
    }
}

/// A client's socket, which withholds hyper's own replies.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Stream,
    /// What was read before and is read once more.
    again: Bytes,
    turns: Arc<Turns>,
    /// Ends the wait for a client that takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    patience: Duration,
}

impl Socket {
    pub(crate) fn new(stream: Stream, turns: &Arc<Turns>) -> Self {
        Socket { stream, again: Bytes::new(), turns: Arc::clone(turns), stalled: None, patience: STALL_MAX }
    }

    /// The outcome of a write, or an error once the client has taken nothing for too long.
    fn watch<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() || self.turns.has_own_time.load(Ordering::Relaxed) {
            self.stalled = None;
            return written;
        }
        let patience = self.patience;
        let stalled = self.stalled.get_or_insert_with(|| Box::pin(sleep(patience)));
        match stalled.as_mut().poll(context) {
            Poll::Ready(()) => Poll::Ready(Err(io::ErrorKind::TimedOut.into())),
            Poll::Pending => written,
        }
    }

    /// Gives `bytes` to the next reader, before what comes.
    #[must_use]
    pub(crate) fn reading_again(self, bytes: Bytes) -> Self {
        Socket { again: bytes, ..self }
    }

    pub(crate) fn into_stream(self) -> Stream {
        self.stream
    }

    /// The connection, and what is still to be read again.
    pub(crate) fn into_parts(self) -> (Stream, Bytes) {
        (self.stream, self.again)
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = if self.again.is_empty() {
            Pin::new(&mut self.stream).poll_read(context, into)
        } else {
            let length = self.again.len().min(into.remaining());
            into.put_slice(&self.again.split_to(length));
            Poll::Ready(Ok(()))
        };
        if into.filled().len() > before && self.turns.state.load(Ordering::Relaxed) == IDLE {
            self.turns.has_part.store(true, Ordering::Relaxed);
        }
        read
    }
}

impl AsyncWrite for Socket {
    fn poll_write(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        bytes: &[u8],
    ) -> Poll<io::Result<usize>> {
        if self.turns.withhold(bytes) {
            return Poll::Ready(Ok(bytes.len()));
        }
        let written = Pin::new(&mut self.stream).poll_write(context, bytes);
        self.watch(written, context)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if slices.first().is_some_and(|first| self.turns.withhold(first)) {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        let written = gather::write(Pin::new(&mut self.stream), context, slices);
        self.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.turns.flushed();
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        self.watch(flushed, context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.turns.unread().is_some() {
            return Poll::Ready(Ok(()));
        }
        let ended = Pin::new(&mut self.stream).poll_shutdown(context);
        self.watch(ended, context)
    }
}

#[cfg(test)]
mod tests {
    use tokio::io::{AsyncReadExt, AsyncWriteExt};
    use tokio::net::{TcpListener, TcpStream};
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_millis(50);

    async fn pair() -> (TcpStream, Socket, Arc<Turns>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let client = TcpStream::connect(listener.local_addr().unwrap()).await.unwrap();
        let turns = Arc::new(Turns::default());
        let socket = Socket::new(listener.accept().await.unwrap().0.into(), &turns);
        (client, Socket { patience: PATIENCE, ..socket }, turns)
    }

    /// More than the kernel takes for a client that does not read.
    const LONG: usize = 64 * 1024 * 1024;

    #[tokio::test]
    async fn a_client_that_takes_nothing_of_a_whole_reply_is_given_up() {
        let (_client, mut socket, turns) = pair().await;
        let _turn = turns.begin();
        let error = socket.write_all(&vec![0; LONG]).await.unwrap_err();
        assert_eq!(error.kind(), io::ErrorKind::TimedOut);
    }

    #[tokio::test]
    async fn a_stream_and_a_websocket_end_with_their_own_time() {
        let (mut client, mut socket, turns) = pair().await;
        let mut turn = turns.begin();
        turn.begin_stream();
        let bytes = vec![0; LONG];
        let mut all = std::pin::pin!(socket.write_all(&bytes));
        assert!(timeout(PATIENCE * 4, &mut all).await.is_err(), "it is waited for");
        let mut read = vec![0; LONG];
        let (written, _) = tokio::join!(all, client.read_exact(&mut read));
        written.unwrap();

        // What hyper still has of the stream is as any reply.
        drop(turn);
        assert_eq!(socket.write_all(&bytes).await.unwrap_err().kind(), io::ErrorKind::TimedOut);

        let (_client, mut socket, turns) = pair().await;
        turns.begin().begin_socket();
        assert!(timeout(PATIENCE * 4, socket.write_all(&bytes)).await.is_err(), "it is waited for");
    }
}
