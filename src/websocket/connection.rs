//! A WebSocket connection: the socket, its protocol engine, and the phase of its close.

use std::io;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use tokio::io::ReadBuf;

use crate::exchange::Peer;
use crate::exchange::upgrade::UpgradedIo;
use crate::platform::limits::KIB;
use crate::timer::Timer;
use crate::websocket::engine::{Engine, Incoming};
use crate::websocket::mailbox::Mail;
use crate::websocket::outbox::Outbox;

pub(super) struct Connection {
    io: Box<dyn UpgradedIo>,
    engine: Engine,
    phase: Phase,
    /// Whether the last flush left bytes, because the kernel's buffer was full.
    is_stalled: bool,
    /// Whether the client has read more since the last `has_moved`.
    has_read: bool,
    quiet: Timer,
}

/// How long a client must be silent: a refused one before our side is closed, any other before the socket is dropped.
/// A proxy takes an earlier close for the end of both sides, and drops the client's remaining bytes and the reason.
const QUIET: Duration = Duration::from_millis(300);

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Phase {
    Open,
    /// Our close frame is queued.
    Closing,
    /// Both close frames are there. The rest of the outbox is to be sent.
    Answered,
    /// The client broke the protocol. Its bytes are read and dropped: after a reset it might never read the reason.
    Broken,
    /// The reason was sent.
    Refused,
    /// The reason was sent and our side is closed.
    Said,
    /// Both close frames were sent and our side is closed. The client has [`QUIET`] to close its own.
    Ended,
}

impl Connection {
    pub(super) fn new(
        io: Box<dyn UpgradedIo>,
        max_message: usize,
        read_buf: &Bytes,
        peer: Arc<Peer>,
    ) -> Self {
        let engine = Engine::new(max_message, read_buf, Some(peer));
        Self { io, engine, phase: Phase::Open, is_stalled: false, has_read: false, quiet: Timer::default() }
    }

    pub(super) fn is_closing(&self) -> bool {
        self.phase != Phase::Open
    }

    /// Whether the client has sent or read bytes since the last call.
    pub(super) fn has_moved(&mut self) -> bool {
        self.engine.has_moved() | std::mem::take(&mut self.has_read)
    }

    /// Called after a silence: queues a ping, and gives up an unused buffer.
    pub(super) fn ping(&mut self) {
        self.engine.give_up_buffer();
        self.engine.ping();
    }

    /// Queues a requested close, and then the protocol's own frames, behind the messages.
    #[inline]
    pub(super) fn prepare(&mut self, mail: &mut Mail) {
        // Every message comes here several times, mostly with nothing to queue.
        if mail.close.is_some() || !self.engine.replies.is_empty() {
            self.queue(mail);
        }
    }

    fn queue(&mut self, mail: &mut Mail) {
        if let (Phase::Open, Some(close)) = (self.phase, &mail.close) {
            self.engine.close(close);
            self.phase = Phase::Closing;
        }
        if !self.engine.replies.is_empty() && !mail.is_held() {
            mail.outbox.push_frames(&self.engine.replies);
            self.engine.replies = Vec::new();
        }
    }

    /// Reads the next event. A large message is read only if `is_wanted`: see [`Connection::is_parked`].
    pub(super) fn poll_read(&mut self, cx: &mut Context<'_>, is_wanted: bool) -> Poll<Incoming> {
        match self.phase {
            Phase::Open | Phase::Closing => {}
            Phase::Answered | Phase::Ended => return Poll::Pending,
            Phase::Broken | Phase::Refused | Phase::Said => return self.poll_gone(cx),
        }
        let incoming = ready!(self.engine.poll_read(&mut *self.io, cx, is_wanted));
        match &incoming {
            Incoming::Close(_) => self.phase = Phase::Answered,
            Incoming::Broken(close) => {
                self.engine.close(close);
                self.phase = Phase::Broken;
            }
            Incoming::Message(_) | Incoming::Gone | Incoming::Replies => {}
        }
        Poll::Ready(incoming)
    }

    /// Whether reading waits until the closure wants a message.
    pub(super) fn is_parked(&self) -> bool {
        matches!(self.phase, Phase::Open | Phase::Closing) && self.engine.is_parked()
    }

    fn poll_gone(&mut self, cx: &mut Context<'_>) -> Poll<Incoming> {
        // A client that has closed its side may still read the reason, which is not sent yet in `Broken`.
        if self.poll_away(cx).is_ready() && self.phase != Phase::Broken {
            return Poll::Ready(Incoming::Gone);
        }
        if self.phase == Phase::Refused && self.quiet.poll(cx, QUIET).is_ready() {
            // An error means that the socket was closed already.
            let _ = ready!(Pin::new(&mut *self.io).poll_shutdown(cx));
            self.phase = Phase::Said;
        }
        Poll::Pending
    }

    /// Reads and drops bytes, because unread bytes would make the kernel reset the connection. Ready when no more bytes
    /// can come.
    fn poll_away(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        let mut away = [0; 4 * KIB];
        loop {
            let mut away = ReadBuf::new(&mut away);
            match ready!(Pin::new(&mut *self.io).poll_read(cx, &mut away)) {
                Ok(()) if !away.filled().is_empty() => self.quiet.stop(),
                _ => return Poll::Ready(()),
            }
        }
    }

    /// Ready when the outbox is empty. True once both sides have closed and every byte is sent.
    pub(super) fn poll_flush(&mut self, outbox: &mut Outbox, cx: &mut Context<'_>) -> Poll<io::Result<bool>> {
        let before = outbox.sent();
        let flushed = outbox.poll_flush(&mut *self.io, cx);
        // A client that reads is alive, even if it sends nothing.
        self.has_read |= self.is_stalled && outbox.sent() > before;
        self.is_stalled = flushed.is_pending();
        ready!(flushed)?;
        if self.phase == Phase::Broken {
            self.phase = Phase::Refused;
            // The next poll has to start the timer of the silence.
            cx.waker().wake_by_ref();
        }
        if self.phase == Phase::Answered && self.engine.replies.is_empty() {
            // A client may send a ping after its close. If the socket were closed by then, the kernel would reset the
            // connection, and the client would lose bytes that are still under way.
            let _ = ready!(Pin::new(&mut *self.io).poll_shutdown(cx));
            self.phase = Phase::Ended;
        }
        let is_over = self.phase == Phase::Ended
            && (self.poll_away(cx).is_ready() || self.quiet.poll(cx, QUIET).is_ready());
        Poll::Ready(Ok(is_over))
    }
}
