//! The peer of a connection, with the state that its requests and its driver share.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, OnceLock};

use crate::budget::{Account, Budget, Held, SMALL};
use crate::exchange::attached::{NextProtocol, Slot};

/// The client end of one connection.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// The number of requests in progress. The socket is watched for a hang-up only while there are any.
    busy: AtomicUsize,
    /// Whether bytes of the next head have come.
    heard: AtomicBool,
    /// Whether a request has ever begun.
    begun: AtomicBool,
    /// Whether bytes were read or written since the last `has_moved`.
    moved: AtomicBool,
    /// Whether bytes wait for the client to read. The end of a reply may still wait when its request is over.
    stuck: AtomicBool,
    /// The protocol after HTTP.
    pub(crate) next: Slot<NextProtocol>,
    /// Whether the requests of this connection overlap.
    pub(crate) is_http2: bool,
    budget: Budget,
    /// Created when something large is counted.
    account: OnceLock<Arc<Account>>,
}

/// The number of requests at a time, on one connection, of which none is counted for being one more.
const FEW: usize = 32;

/// The most that one request counts for: a body that is not read to its end counts too.
const ONE: usize = 2;

/// Held while a request is in progress: until its reply has been sent and its body has been read.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Peer>);

impl Peer {
    pub(crate) fn new(address: SocketAddr, is_http2: bool, budget: Budget) -> Self {
        Self {
            address,
            busy: AtomicUsize::new(0),
            heard: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            moved: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            next: Slot::default(),
            is_http2,
            budget,
            account: OnceLock::new(),
        }
    }

    /// Begins a request, whose head is complete.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        self.heard.store(false, Ordering::Relaxed);
        self.begun.store(true, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    /// Whether many requests of this connection are in progress; more than one is many while the whole process is busy.
    pub(crate) fn is_crowded(&self, is_busy: impl FnOnce() -> bool) -> bool {
        let requests = self.busy.load(Ordering::Relaxed);
        requests > ONE && (requests > FEW || is_busy())
    }

    /// The memory that this connection holds.
    pub(crate) fn account(&self) -> &Arc<Account> {
        self.account.get_or_init(|| self.budget.account())
    }

    /// Whether the stream of a reply has to wait before its first piece. The replies of HTTP/1 never do.
    pub(crate) fn is_full(&self) -> bool {
        self.is_http2 && self.account.get().is_some_and(|account| !account.has_room(true))
    }

    /// Counts a body or message of this length, if it is large. False if that is too much.
    pub(crate) fn hold_body(&self, held: &mut Option<Held>, length: usize) -> bool {
        if length <= SMALL {
            return true;
        }
        let length = length.next_multiple_of(SMALL);
        if let Some(held) = held {
            return held.grow_to(length);
        }
        *held = self.hold(length);
        held.is_some()
    }

    /// Counts memory that this connection is to hold. `None` if that is too much.
    pub(crate) fn hold(&self, bytes: usize) -> Option<Held> {
        self.account().take(bytes)
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    pub(crate) fn moves(&self) {
        self.moved.store(true, Ordering::Relaxed);
    }

    pub(crate) fn set_stuck(&self, stuck: bool) {
        self.stuck.store(stuck, Ordering::Relaxed);
    }

    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed)
    }

    pub(crate) fn has_moved(&self) -> bool {
        self.moved.swap(false, Ordering::Relaxed)
    }

    /// Notes bytes of the next head. Blank lines are allowed between requests, and do not begin one.
    pub(crate) fn hear(&self, bytes: &[u8]) {
        if bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
            self.heard.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a head has begun and is not complete.
    pub(crate) fn is_mid_head(&self) -> bool {
        self.heard.load(Ordering::Relaxed) && !self.is_busy()
    }
}

impl Busy {
    pub(crate) fn peer(&self) -> &Peer {
        &self.0
    }
}

impl Clone for Busy {
    fn clone(&self) -> Self {
        self.0.begin()
    }
}

impl Drop for Busy {
    fn drop(&mut self) {
        self.0.busy.fetch_sub(1, Ordering::Relaxed);
        // Bytes that came during the request were its body.
        self.0.heard.store(false, Ordering::Relaxed);
    }
}
