//! What an engine, hyper's connection with its buffers, shares with the connection whose socket it drives.
//!
//! hyper gives no way to exchange its socket. So the socket comes to hyper and leaves it through this link:
//! [`Io`](crate::serve::io::Io) takes it at hyper's next read or write, and lays it back when it is asked to. Requests pass
//! one lock of the link, which nobody else holds for long.

use std::mem::take;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, PoisonError, RwLock, RwLockWriteGuard};
use std::task::Waker;

use crate::exchange::Peer;
use crate::serve::io::Socket;
use crate::serve::looks::{Driven, Looks};

/// Shared by an engine, the reader and writer within it, and the service that it calls.
#[derive(Default)]
pub(crate) struct Link {
    phase: AtomicU8,
    /// Requests read it, which takes a dozen instructions less than a mutex.
    held: RwLock<Held>,
    /// `None` if the socket never leaves its engine.
    looks: Option<Arc<Looks>>,
}

/// Empty while the engine has no connection.
#[derive(Default)]
struct Held {
    /// On its way to the engine or from it.
    socket: Option<Socket>,
    /// Whose requests the engine reads.
    peer: Option<Arc<Peer>>,
    /// The connection's task.
    task: Option<Waker>,
    _driven: Option<Driven>,
}

/// The engine has no connection.
const FREE: u8 = 0;
/// A request came since the last look.
const USED: u8 = 1;
/// None came since.
const QUIET: u8 = 2;
/// The engine may have bytes of the next request. The connection is asked again after that one.
const KEPT: u8 = 3;
/// From here on the engine may give the socket back in its next poll.
const LOOSE: u8 = 4;
/// It was given a connection, and hyper has read nothing. The request that woke the connection is no use.
const FRESH: u8 = 4;
/// The connection was told to give the engine up.
const ASKED: u8 = 5;
/// The socket is laid back at the next read that finds nothing.
const GIVING: u8 = 6;
/// From here on the engine has answered.
const ANSWERED: u8 = 7;
/// The socket was laid back, and the engine is as good as new.
const CLEAN: u8 = 7;
/// The socket was laid back, and the engine is not used again.
const SPENT: u8 = 8;
/// The client had left before it sent a byte. The socket was laid back, and the engine is as good as new.
const LEFT: u8 = 9;
/// The socket was not laid back: the engine may have bytes of the next request.
const UNSURE: u8 = 10;

/// How an engine answered.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Given {
    /// The socket was laid back.
    Back,
    /// The same, and the client has left.
    Left,
    /// The engine has the socket. Its parts say whether it has bytes of the next request.
    Unsure,
}

impl Link {
    pub(crate) fn new(looks: Arc<Looks>) -> Self {
        Self { looks: Some(looks), ..Self::default() }
    }

    /// For a socket that never leaves its engine.
    #[cfg(feature = "http2")]
    pub(crate) fn of(peer: Arc<Peer>) -> Self {
        let held = Held { peer: Some(peer), ..Held::default() };
        Self { phase: AtomicU8::new(USED), held: RwLock::new(held), looks: None }
    }

    /// Gives the engine a socket, and the task to wake when it should be given up.
    pub(crate) fn couple(&self, socket: Socket, task: Waker) {
        let (peer, driven) = (Some(socket.peer()), self.looks.as_ref().map(Looks::drive));
        *self.lock() = Held { socket: Some(socket), peer, task: Some(task), _driven: driven };
        self.enter(FRESH);
    }

    /// Takes the socket that the connection or the engine laid here.
    pub(crate) fn take_socket(&self) -> Option<Socket> {
        self.lock().socket.take()
    }

    /// Ends the connection's part in this link, and gives the socket if it was laid back.
    pub(crate) fn uncouple(&self) -> Option<Socket> {
        // Dropped after the lock is released: the peer's end gives its share of the budget back.
        let held = take(&mut *self.lock());
        self.phase.store(FREE, Ordering::SeqCst);
        held.socket
    }

    /// Notes a request, and gives the peer that sent it.
    pub(crate) fn begin(&self) -> Option<Arc<Peer>> {
        if self.phase.load(Ordering::Relaxed) != USED {
            self.note_use();
        }
        self.held.read().unwrap_or_else(PoisonError::into_inner).peer.clone()
    }

    #[cold]
    fn note_use(&self) {
        // A look may come in between, and then finds the connection busy.
        let is_first = self.phase.load(Ordering::Relaxed) == FRESH;
        self.enter(if is_first { QUIET } else { USED });
    }

    /// Enters a phase that the next look is to end.
    fn enter(&self, phase: u8) {
        self.phase.store(phase, Ordering::SeqCst);
        if let Some(looks) = &self.looks {
            looks.want();
        }
    }

    /// Looks once whether the engine's connection is idle. One that was idle since the look before is told to give the
    /// engine up if it `may`; true then.
    pub(crate) fn look(&self, may: bool) -> bool {
        match self.phase.load(Ordering::SeqCst) {
            FRESH => _ = self.change(FRESH, QUIET),
            USED => _ = self.change(USED, QUIET),
            QUIET if may => {
                let held = self.lock();
                // The end of a long request is no request: it is looked at again.
                let next = if held.peer.as_ref().is_some_and(|peer| peer.is_idle()) { ASKED } else { USED };
                if self.change(QUIET, next) && next == ASKED {
                    held.task.iter().for_each(Waker::wake_by_ref);
                    return true;
                }
            }
            _ => {}
        }
        false
    }

    /// Whether the engine may give the socket back in its next poll.
    #[inline]
    pub(crate) fn is_loose(&self) -> bool {
        self.phase.load(Ordering::Relaxed) >= LOOSE
    }

    /// Whether the connection was told to give its engine up.
    pub(crate) fn is_asked(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == ASKED
    }

    /// Has the socket laid back at the next read that finds nothing, if no request begins before. If it `may` not be, it
    /// is asked for once more later.
    pub(crate) fn answer(&self, may: bool) {
        if may {
            self.change(ASKED, GIVING);
        } else if self.change(ASKED, USED) {
            self.enter(USED);
        }
    }

    /// Whether a read that found nothing lays the socket back.
    #[inline]
    pub(crate) fn is_giving(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == GIVING
    }

    /// Whether the engine was given its connection, and has read nothing since.
    pub(crate) fn is_fresh(&self) -> bool {
        self.phase.load(Ordering::Relaxed) == FRESH
    }

    /// Lays the socket back. The engine is used again if it is as good as new.
    pub(crate) fn lay_back(&self, socket: Socket, is_as_new: bool) {
        self.lock().socket = Some(socket);
        self.phase.store(if is_as_new { CLEAN } else { SPENT }, Ordering::Relaxed);
    }

    /// Lays the socket of a client back that has left, before the engine has seen it.
    pub(crate) fn lay_down(&self, socket: Socket) {
        self.lock().socket = Some(socket);
        self.phase.store(LEFT, Ordering::Relaxed);
    }

    /// Keeps the socket, because the engine may have bytes of the next request.
    pub(crate) fn keep(&self) {
        self.phase.store(UNSURE, Ordering::Relaxed);
    }

    /// Whether the engine has answered, for [`given`](Self::given).
    pub(crate) fn has_given(&self) -> bool {
        self.phase.load(Ordering::Relaxed) >= ANSWERED
    }

    /// The engine's answer.
    pub(crate) fn given(&self) -> Given {
        match self.phase.load(Ordering::Relaxed) {
            CLEAN | SPENT => Given::Back,
            LEFT => Given::Left,
            _ => Given::Unsure,
        }
    }

    /// Whether the engine has given a socket back, and may have another one.
    pub(crate) fn is_as_new(&self) -> bool {
        matches!(self.phase.load(Ordering::Relaxed), CLEAN | LEFT)
    }

    /// Has nobody ask for the engine before its next request.
    pub(crate) fn stay(&self) {
        self.phase.store(KEPT, Ordering::SeqCst);
    }

    fn change(&self, from: u8, to: u8) -> bool {
        self.phase.compare_exchange(from, to, Ordering::SeqCst, Ordering::SeqCst).is_ok()
    }

    fn lock(&self) -> RwLockWriteGuard<'_, Held> {
        self.held.write().unwrap_or_else(PoisonError::into_inner)
    }
}
