//! The other end of a connection, as far as requests and the connection's driver both have to know it.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};

use crate::exchange::attached::{NextProtocol, Slot};

/// One per connection, shared by its requests.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// How many requests are not over: only while there are some is the socket watched.
    busy: AtomicUsize,
    /// Whether bytes came in that belong to no request yet: the beginning of a head.
    heard: AtomicBool,
    /// Whether a request has ever begun.
    begun: AtomicBool,
    /// Whether bytes went either way since somebody asked.
    moved: AtomicBool,
    /// Whether bytes wait for the client to read: the last of a reply may, when its request is over.
    stuck: AtomicBool,
    /// What takes the connection over when HTTP has left it.
    pub(crate) next: Slot<NextProtocol>,
}

/// Held while a request is not over: until its reply has been sent, and until its body has been read.
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
            stuck: AtomicBool::new(false),
            next: Slot::default(),
        }
    }

    /// A head is complete, and its request begins.
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

    /// Blank lines between requests are allowed, and are not the beginning of one.
    pub(crate) fn hear(&self, bytes: &[u8]) {
        if bytes.iter().any(|byte| !matches!(byte, b'\r' | b'\n')) {
            self.heard.store(true, Ordering::Relaxed);
        }
    }

    /// Whether a head has begun that is not complete.
    pub(crate) fn is_mid_head(&self) -> bool {
        self.heard.load(Ordering::Relaxed) && !self.is_busy()
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
        // What was heard meanwhile was the body.
        self.0.heard.store(false, Ordering::Relaxed);
    }
}
