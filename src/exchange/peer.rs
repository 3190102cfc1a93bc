//! The peer of a connection, with the state that its requests and its driver share.

use std::net::SocketAddr;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicUsize, Ordering};

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
    /// How far the reply of an HTTP/1 connection is: `NO_REPLY`, `REPLYING` or `REPLIED`.
    reply: AtomicU8,
    /// The status with which hyper would have answered a head that it cannot read. Zero if there is none.
    unread: AtomicU16,
    /// The protocol after HTTP.
    pub(crate) next: Slot<NextProtocol>,
}

/// All replies so far have been written.
const NO_REPLY: u8 = 0;
/// hyper has a reply, whose body may go on.
const REPLYING: u8 = 1;
/// hyper has the whole reply, and may not have written the end of it.
const REPLIED: u8 = 2;

/// Held while a request is in progress: until its reply has been sent and its body has been read.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Peer>);

/// Held by the body of a reply, until hyper has taken the last of it.
#[derive(Debug)]
pub(crate) struct Replying(Busy);

impl Peer {
    pub(crate) fn new(address: SocketAddr) -> Self {
        Self {
            address,
            busy: AtomicUsize::new(0),
            heard: AtomicBool::new(false),
            begun: AtomicBool::new(false),
            moved: AtomicBool::new(false),
            stuck: AtomicBool::new(false),
            reply: AtomicU8::new(NO_REPLY),
            unread: AtomicU16::new(0),
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

    /// Whether bytes that hyper writes belong to no request. Then hyper answers a head that it cannot read.
    pub(crate) fn is_unasked(&self) -> bool {
        self.reply.load(Ordering::Relaxed) == NO_REPLY && !self.is_busy()
    }

    /// Notes that hyper has nothing left to write.
    pub(crate) fn flushed(&self) {
        if self.reply.load(Ordering::Relaxed) == REPLIED {
            self.reply.store(NO_REPLY, Ordering::Relaxed);
        }
    }

    /// Notes the status for a head that is not read.
    pub(crate) fn set_unread(&self, status: u16) {
        self.unread.store(status, Ordering::Relaxed);
    }

    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed) != 0
    }

    /// Takes the status for a head that was not read. Zero if there is none.
    pub(crate) fn take_unread(&self) -> u16 {
        self.unread.swap(0, Ordering::Relaxed)
    }

    /// Whether a head has begun and is not complete.
    pub(crate) fn is_mid_head(&self) -> bool {
        self.heard.load(Ordering::Relaxed) && !self.is_busy()
    }
}

impl Busy {
    /// Notes that hyper has the reply.
    pub(crate) fn replying(self) -> Replying {
        self.0.reply.store(REPLYING, Ordering::Relaxed);
        Replying(self)
    }
}

impl Drop for Replying {
    fn drop(&mut self) {
        self.0.0.reply.store(REPLIED, Ordering::Relaxed);
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
