//! Whose turn it is on a connection of HTTP/1: the client's to send a request, or this side's to answer.

use std::pin::pin;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use tokio::sync::Notify;
use tokio::time::{sleep, timeout};

use super::socket::STALL_MAX;

/// The pause before a connection rests that had one request or few.
const REST: Duration = Duration::from_millis(250);

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

    /// Bytes were read. Between two requests they are a part of the next one.
    pub(super) fn take_part(&self) {
        if self.is_idle() {
            self.has_part.store(true, Ordering::Relaxed);
        }
    }

    /// Whether the reply has a time of its own.
    pub(super) fn has_own_time(&self) -> bool {
        self.has_own_time.load(Ordering::Relaxed)
    }

    fn is_idle(&self) -> bool {
        self.state.load(Ordering::Relaxed) == IDLE
    }

    /// Waits until there has been no request for so long, or somewhat longer. A part of a head is no request.
    pub(crate) async fn idle(&self, length: Duration) {
        const LOOKS: u32 = 3;
        let (mut looks, mut before) = (0, None);
        // The first look may come at once after a request.
        while looks <= LOOKS {
            sleep(length / LOOKS).await;
            let begun = Some(self.begun.load(Ordering::Relaxed));
            let is_idle = self.is_idle() && begun == before;
            (looks, before) = (if is_idle { looks + 1 } else { 0 }, begun);
        }
    }

    /// Whether there is neither a request nor a part of one now.
    pub(crate) fn rest(&self) -> bool {
        self.is_idle() && !self.has_part()
    }

    /// Waits until there has been neither a request nor a part of one for a moment, and tells for how long at least. A connection
    /// that is in use is looked at less and less often, at last every fourth of `most`: each look is a timer.
    pub(crate) async fn rests(&self, most: Duration) -> Duration {
        const LOOKS: u32 = 4;
        let (mut pause, mut before) = (REST.min(most / LOOKS), None);
        loop {
            sleep(pause).await;
            let begun = self.begun.load(Ordering::Relaxed);
            let is_idle = self.rest();
            match (is_idle, before) {
                (true, Some(before)) if before == begun => return pause,
                // This look may come at once after a request.
                (true, None) => {}
                _ => pause = (pause * 2).min(most / LOOKS),
            }
            before = is_idle.then_some(begun);
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

    /// Takes the head of an interim reply that is to be written.
    pub(super) fn take_early(&self) -> Bytes {
        std::mem::take(&mut *self.early())
    }

    fn early(&self) -> MutexGuard<'_, Bytes> {
        self.early.lock().unwrap_or_else(PoisonError::into_inner)
    }

    pub(super) fn awaits_flush(&self) -> bool {
        self.awaits_flush.load(Ordering::SeqCst)
    }

    pub(super) fn flushed(&self) {
        _ = self.state.compare_exchange(ANSWERED, IDLE, Ordering::Relaxed, Ordering::Relaxed);
    }

    pub(super) fn tell_flush(&self) {
        if self.awaits_flush() {
            self.awaits_flush.store(false, Ordering::SeqCst);
            self.flush.notify_waiters();
        }
    }

    /// Withholds hyper's own reply, and keeps the status.
    pub(super) fn withhold(&self, bytes: &[u8]) -> bool {
        if !self.is_idle() {
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
