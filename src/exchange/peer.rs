//! The peer of a connection, with the state that its requests and its driver share.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::exchange::Call;
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
    /// The request in flight, if the roll lists this connection in place of its requests.
    current: Option<Current>,
}

/// The request in flight of a connection that has one at a time.
#[derive(Default)]
struct Current(Mutex<Option<Arc<Call>>>);

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
            stuck: AtomicBool::new(false),
            next: Slot::default(),
            current: None,
        }
    }

    /// A peer that keeps its request in flight, for a connection that the roll lists. The connection outlives the
    /// records of its requests.
    pub(crate) fn with_current(address: SocketAddr) -> Self {
        Self { current: Some(Current::default()), ..Self::new(address) }
    }

    /// Sets the request in flight. False if this peer keeps none, or has one already.
    pub(crate) fn set_current(&self, call: &Arc<Call>) -> bool {
        let Some(mut current) = self.current.as_ref().map(Current::lock) else { return false };
        let is_free = current.is_none();
        if is_free {
            *current = Some(Arc::clone(call));
        }
        is_free
    }

    /// Ends what `set_current` began.
    pub(crate) fn clear_current(&self) {
        let before = self.current.as_ref().and_then(|current| current.lock().take());
        // Dropped after the lock is released, because it may be the last reference.
        drop(before);
    }

    /// The request in flight, if this peer keeps it.
    pub(crate) fn current(&self) -> Option<Arc<Call>> {
        self.current.as_ref().and_then(|current| current.lock().clone())
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

    /// Whether a head has begun and is not complete.
    pub(crate) fn is_mid_head(&self) -> bool {
        self.heard.load(Ordering::Relaxed) && !self.is_busy()
    }
}

impl Current {
    fn lock(&self) -> MutexGuard<'_, Option<Arc<Call>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl fmt::Debug for Current {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Current")
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exchange::{Arrival, Payload};
    use crate::platform::RequestId;

    fn call() -> Arc<Call> {
        let (head, ()) = http::Request::new(()).into_parts();
        let (id, body) = (RequestId::generate(), Payload::taken());
        Arc::new(Call::new(id, head, body, None, None, Arrival::default()))
    }

    #[test]
    fn one_request_at_a_time_is_current() {
        let address = SocketAddr::from(([127, 0, 0, 1], 80));
        let (first, second) = (call(), call());
        let peer = Peer::with_current(address);
        assert!(peer.set_current(&first) && !peer.set_current(&second));
        assert!(peer.current().is_some_and(|current| Arc::ptr_eq(&current, &first)));
        peer.clear_current();
        assert!(peer.current().is_none() && peer.set_current(&second));
        assert_eq!(Arc::strong_count(&first), 1);
        assert!(!Peer::new(address).set_current(&first), "HTTP/2 has many at a time");
    }
}
