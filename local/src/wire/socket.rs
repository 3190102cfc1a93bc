//! The socket to a client, which withholds hyper's own replies, writes interim ones, and ends replies that a client does
//! not take.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::time::{Sleep, sleep};

use super::gather;
use super::stream::Stream;
use super::turns::Turns;

/// How long a client may take nothing of a whole reply. A stream ends with the function's time.
pub(crate) const STALL_MAX: Duration = Duration::from_secs(75);

/// A client's socket, which withholds hyper's own replies.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Stream,
    /// What was read before and is read once more.
    again: Bytes,
    turns: Arc<Turns>,
    /// The rest of an interim reply.
    early: Bytes,
    /// Ends the wait for a client that takes nothing.
    stalled: Option<Pin<Box<Sleep>>>,
    patience: Duration,
}

impl Socket {
    pub(crate) fn new(stream: Stream, turns: &Arc<Turns>) -> Self {
        let (again, early, turns) = (Bytes::new(), Bytes::new(), Arc::clone(turns));
        Socket { stream, again, turns, early, stalled: None, patience: STALL_MAX }
    }

    /// The outcome of a write, or an error once the client has taken nothing for too long.
    fn watch<T>(&mut self, written: Poll<io::Result<T>>, context: &mut Context<'_>) -> Poll<io::Result<T>> {
        if written.is_ready() || self.turns.has_own_time() {
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

    /// Writes the rest of an interim reply.
    fn poll_early(&mut self, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        while !self.early.is_empty() {
            let written = Pin::new(&mut self.stream).poll_write(context, &self.early);
            match ready!(self.watch(written, context))? {
                0 => return Poll::Ready(Err(io::ErrorKind::WriteZero.into())),
                length => self.early.advance(length),
            }
        }
        Poll::Ready(Ok(()))
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
        if into.filled().len() > before {
            self.turns.take_part();
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
        ready!(self.poll_early(context))?;
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
        ready!(self.poll_early(context))?;
        let written = gather::write(Pin::new(&mut self.stream), context, slices);
        self.watch(written, context)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        // hyper has nothing left to write when it flushes, so this is behind whole replies.
        if self.turns.awaits_flush() && self.early.is_empty() {
            let early = self.turns.take_early();
            self.early = early;
        }
        ready!(self.poll_early(context))?;
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        let flushed = self.watch(flushed, context);
        if flushed.is_ready() {
            self.turns.flushed();
            self.turns.tell_flush();
        }
        flushed
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
    async fn a_connection_is_idle_only_between_requests() {
        let (_client, mut socket, turns) = pair().await;
        let turn = turns.begin();
        assert!(timeout(PATIENCE * 4, turns.idle(PATIENCE)).await.is_err(), "a request is in flight");
        drop(turn);
        assert!(timeout(PATIENCE * 4, turns.idle(PATIENCE)).await.is_err(), "its reply is not written");
        socket.flush().await.unwrap();
        turns.idle(PATIENCE).await;
    }

    #[tokio::test]
    async fn a_connection_rests_when_nothing_of_a_request_has_come() {
        let (_client, mut socket, turns) = pair().await;
        assert_eq!(turns.rests(PATIENCE).await, PATIENCE / 4);
        let turn = turns.begin();
        assert!(timeout(PATIENCE * 4, turns.rests(PATIENCE)).await.is_err(), "a request is in flight");
        drop(turn);
        assert!(timeout(PATIENCE * 4, turns.rests(PATIENCE)).await.is_err(), "its reply is not written");
        socket.flush().await.unwrap();
        turns.take_part();
        assert!(timeout(PATIENCE * 4, turns.rests(PATIENCE)).await.is_err(), "a part of the next has come");
        drop(turns.begin());
        socket.flush().await.unwrap();
        let in_use = async {
            loop {
                drop(turns.begin());
                socket.flush().await.unwrap();
                sleep(PATIENCE / 20).await;
            }
        };
        tokio::select! {
            // On a machine that stood still both are due, and there was a request.
            biased;
            () = in_use => {}
            _ = turns.rests(PATIENCE) => panic!("it is in use"),
            () = sleep(PATIENCE * 4) => {}
        }
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
