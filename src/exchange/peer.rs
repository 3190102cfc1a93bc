//! The peer of a connection, with the state that its requests and its driver share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

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
    /// Whether the process stops: the reply to a request that still comes says `connection: close`.
    leaving: AtomicBool,
    /// Whether bytes wait for the client to read. The end of a reply may still wait when its request is over.
    stuck: AtomicBool,
    /// The protocol after HTTP.
    pub(crate) next: Slot<NextProtocol>,
}

/// Held while a request is in progress: until its reply has been sent and its body has been read.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Peer>);

impl Peer {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            busy: AtomicUsize::new(0),
            heard: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            moved: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            next: Slot::default(),
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

    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed)
    }

    /// Has the next reply say `connection: close`. True if that is new.
    pub(crate) fn leave(&self) -> bool {
        !self.leaving.swap(true, Ordering::Relaxed)
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
    /// Whether the connection is closed after this request.
    pub(crate) fn is_leaving(&self) -> bool {
        self.0.leaving.load(Ordering::Relaxed)
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
