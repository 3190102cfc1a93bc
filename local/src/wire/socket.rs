//! The socket to a client, which withholds hyper's own replies, writes interim ones, and ends replies that a client does
//! not take.

use std::io::{self, IoSlice};
use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Buf, Bytes};
use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};
use tokio::sync::Notify;
use tokio::time::{Sleep, sleep, timeout};

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
    /// The requests so far.
    begun: AtomicUsize,
    /// The head of an interim reply, which is to be written.
    early: Mutex<Bytes>,
    /// Whether somebody waits until hyper and the socket have nothing left to write.
    awaits_flush: AtomicBool,
    flush: Notify,
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
        self.begun.fetch_add(1, Ordering::Relaxed);
        Turn { turns: Arc::clone(self), is_stream: false }
    }

    /// Whether a part of a request's head was read.
    pub(crate) fn has_part(&self) -> bool {
        self.has_part.load(Ordering::Relaxed)
    }

    /// Waits until there has been no request for so long, or somewhat longer. A part of a head is no request.
    pub(crate) async fn idle(&self, length: Duration) {
        const LOOKS: u32 = 3;
        let (mut looks, mut before) = (0, None);
        // The first look may come at once after a request.
        while looks <= LOOKS {
            sleep(length / LOOKS).await;
            let begun = Some(self.begun.load(Ordering::Relaxed));
            let is_idle = self.state.load(Ordering::Relaxed) == IDLE && begun == before;
            (looks, before) = (if is_idle { looks + 1 } else { 0 }, begun);
        }
    }

    /// Waits until what hyper has to write was written. A client that takes nothing is given up after a while.
    pub(crate) async fn drained(&self) {
        _ = timeout(STALL_MAX, self.flushed_by(|| ())).await;
    }

    /// Sends the head of an interim reply, and waits until it was written.
    pub(super) async fn send(&self, head: Bytes) {
        self.flushed_by(|| *self.early() = head).await;
    }

    async fn flushed_by(&self, begin: impl FnOnce()) {
        let mut flushed = pin!(self.flush.notified());
        flushed.as_mut().enable();
        begin();
        self.awaits_flush.store(true, Ordering::SeqCst);
        flushed.await;
    }

    fn early(&self) -> MutexGuard<'_, Bytes> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn awaits_flush(&self) -> bool {
        self.awaits_flush.load(Ordering::SeqCst)
    }

    fn flushed(&self) {
        _ = self.state.compare_exchange(ANSWERED, IDLE, Ordering::Relaxed, Ordering::Relaxed);
    }

    fn tell_flush(&self) {
        if self.awaits_flush() {
            self.awaits_flush.store(false, Ordering::SeqCst);
            self.flush.notify_waiters();
        }
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
            let early = std::mem::take(&mut *self.turns.early());
            self.early = early;
        }
        ready!(self.poll_early(context))?;
        self.turns.flushed();
        let flushed = Pin::new(&mut self.stream).poll_flush(context);
        let flushed = self.watch(flushed, context);
        if flushed.is_ready() {
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
