//! The socket to a client, which withholds hyper's own replies.

use std::io::{self, IoSlice};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, Ordering};
use std::task::{Context, Poll};

use tokio::io::{AsyncRead, AsyncWrite, ReadBuf};

use super::stream::Stream;

/// The state of one connection, by which the socket knows to whom hyper's bytes belong.
#[derive(Debug, Default)]
pub(crate) struct Turns {
    /// `IDLE`, `ANSWERING` or `ANSWERED`.
    state: AtomicU8,
    /// The status of hyper's own reply. Zero if there is none.
    unread: AtomicU16,
    /// Whether hyper has bytes of a request that has not begun.
    has_part: AtomicBool,
}

/// No request is in flight, and all replies are written.
const IDLE: u8 = 0;
const ANSWERING: u8 = 1;
/// hyper has the whole reply, and may not have flushed the end.
const ANSWERED: u8 = 2;

/// Held while a request is answered, until hyper has the last piece of the reply.
#[derive(Debug)]
pub(crate) struct Turn(Arc<Turns>);

impl Turns {
    pub(crate) fn begin(self: &Arc<Self>) -> Turn {
        self.state.store(ANSWERING, Ordering::Relaxed);
        self.has_part.store(false, Ordering::Relaxed);
        Turn(Arc::clone(self))
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
}

impl Drop for Turn {
    fn drop(&mut self) {
        self.0.state.store(ANSWERED, Ordering::Relaxed);
    }
}

/// A client's socket, which withholds hyper's own replies.
#[derive(Debug)]
pub(crate) struct Socket {
    stream: Stream,
    turns: Arc<Turns>,
}

impl Socket {
    pub(crate) fn new(stream: Stream, turns: &Arc<Turns>) -> Self {
        Socket { stream, turns: Arc::clone(turns) }
    }

    pub(crate) fn into_stream(self) -> Stream {
        self.stream
    }
}

impl AsyncRead for Socket {
    fn poll_read(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        into: &mut ReadBuf<'_>,
    ) -> Poll<io::Result<()>> {
        let before = into.filled().len();
        let read = Pin::new(&mut self.stream).poll_read(context, into);
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
        Pin::new(&mut self.stream).poll_write(context, bytes)
    }

    fn poll_write_vectored(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
        slices: &[IoSlice<'_>],
    ) -> Poll<io::Result<usize>> {
        if slices.first().is_some_and(|first| self.turns.withhold(first)) {
            return Poll::Ready(Ok(slices.iter().map(|slice| slice.len()).sum()));
        }
        Pin::new(&mut self.stream).poll_write_vectored(context, slices)
    }

    fn is_write_vectored(&self) -> bool {
        self.stream.is_write_vectored()
    }

    fn poll_flush(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        self.turns.flushed();
        Pin::new(&mut self.stream).poll_flush(context)
    }

    fn poll_shutdown(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<io::Result<()>> {
        if self.turns.unread().is_some() {
            return Poll::Ready(Ok(()));
        }
        Pin::new(&mut self.stream).poll_shutdown(context)
    }
}
