//! The peer of a connection, with the state that its requests and its driver share.

use std::fmt;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, AtomicU8, AtomicU16, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, OnceLock, PoisonError};

use crate::budget::{Account, Budget, Held, SMALL, TINY};
use crate::exchange::Call;
use crate::exchange::attached::{NextProtocol, Slot};
use crate::exchange::bulk::Bulk;

/// The client end of one connection.
#[derive(Debug)]
pub(crate) struct Peer {
    pub(crate) address: SocketAddr,
    /// The number of requests in progress, and of their bodies that are not read to the end. The socket is watched for a
    /// hang-up only while there are any.
    busy: AtomicUsize,
    /// Whether bytes of the next head have come.
    heard: AtomicBool,
    /// Whether a request has ever begun: zero, or `BEGUN` with or without `RECENT`.
    begun: AtomicU8,
    /// Whether bytes were read or written since the last `has_moved`.
    moved: AtomicBool,
    /// Whether the process stops. Replies to later requests then say `connection: close`.
    leaving: AtomicBool,
    /// Whether bytes wait for the client to read: `NOT_STUCK`, `STUCK` or `SEEN_STUCK`. The end of a reply may still wait
    /// when its request is over.
    stuck: AtomicU8,
    /// The state of the reply of an HTTP/1 connection: `NO_REPLY`, `REPLYING` or `REPLIED`. In the end `UPGRADED`.
    reply: AtomicU8,
    /// The status of hyper's own reply to a head that hyper could not parse. Zero if there was none.
    unread: AtomicU16,
    /// The protocol after HTTP.
    pub(crate) next: Slot<NextProtocol>,
    /// The large piece of a reply that is sent from where it is.
    pub(crate) bulk: Bulk,
    /// Whether the requests of this connection overlap.
    pub(crate) is_http2: bool,
    budget: Budget,
    /// Created when the connection first counts memory. Most connections never do.
    account: OnceLock<Arc<Account>>,
    /// The request in flight, if the roll lists this connection in place of its requests.
    current: Option<Current>,
}

/// The only request in flight of an HTTP/1 connection.
#[derive(Default)]
struct Current(Mutex<Option<Arc<Call>>>);

/// hyper has written all replies.
const NO_REPLY: u8 = 0;
/// hyper has the head of a reply; the body may go on.
const REPLYING: u8 = 1;
/// hyper has the whole reply, and may not have flushed the end.
const REPLIED: u8 = 2;
/// The connection speaks another protocol, and hyper writes nothing any more.
#[cfg(any(feature = "tower", feature = "websocket"))]
const UPGRADED: u8 = 3;

const NOT_STUCK: u8 = 0;
const STUCK: u8 = 1;
/// Stuck since the last call of [`Peer::see_stuck`] or longer.
const SEEN_STUCK: u8 = 2;

const BEGUN: u8 = 1;
/// A request has begun since the last call of [`Peer::take_recent`].
const RECENT: u8 = 2;

/// The most that one request adds to `busy`: one for the reply, and one for a body with an unread rest.
const ONE: usize = 2;

/// Held while a request is in progress: until its reply has been sent and its body has been read.
#[derive(Debug)]
pub(crate) struct Busy(Arc<Peer>);

/// Held by the body of a reply, until hyper has taken the last piece.
#[derive(Debug)]
pub(crate) struct Replying(Busy);

impl Peer {
    pub(crate) fn new(address: SocketAddr, is_http2: bool, budget: Budget) -> Self {
        budget.connect();
        Self {
            address,
            busy: AtomicUsize::new(0),
            heard: AtomicBool::new(false),
            begun: AtomicU8::new(0),
            moved: AtomicBool::new(false),
            leaving: AtomicBool::new(false),
            stuck: AtomicU8::new(NOT_STUCK),
            reply: AtomicU8::new(NO_REPLY),
            unread: AtomicU16::new(0),
            next: Slot::default(),
            bulk: Bulk::default(),
            is_http2,
            budget,
            account: OnceLock::new(),
            current: None,
        }
    }

    /// A peer that keeps the request in flight, for a connection that the roll lists. The connection outlives the
    /// records of its requests.
    pub(crate) fn with_current(address: SocketAddr, budget: Budget) -> Self {
        let mut peer = Self::new(address, false, budget);
        peer.current = Some(Current::default());
        peer
    }

    /// Sets the request in flight. False if this peer keeps none (HTTP/2), or already has one.
    pub(crate) fn set_current(&self, call: &Arc<Call>) -> bool {
        let Some(mut current) = self.current.as_ref().map(Current::lock) else { return false };
        let is_free = current.is_none();
        if is_free {
            *current = Some(Arc::clone(call));
        }
        is_free
    }

    /// Clears the request that `set_current` has set.
    pub(crate) fn clear_current(&self) {
        let before = self.current.as_ref().and_then(|current| current.lock().take());
        // Dropped after the lock is released: the drop of the last reference runs other code.
        drop(before);
    }

    /// The request in flight, if this peer keeps one.
    pub(crate) fn current(&self) -> Option<Arc<Call>> {
        self.current.as_ref().and_then(|current| current.lock().clone())
    }

    /// Begins a request, whose head is complete.
    pub(crate) fn begin(self: &Arc<Self>) -> Busy {
        self.busy.fetch_add(1, Ordering::Relaxed);
        self.heard.store(false, Ordering::Relaxed);
        self.begun.store(BEGUN | RECENT, Ordering::Relaxed);
        Busy(Arc::clone(self))
    }

    pub(crate) fn is_busy(&self) -> bool {
        self.busy.load(Ordering::Relaxed) > 0
    }

    /// The account of this connection.
    pub(crate) fn account(&self) -> &Arc<Account> {
        self.account.get_or_init(|| self.budget.account())
    }

    /// Whether the stream of a reply has to wait for room before its first piece. Only HTTP/2 connections count
    /// replies.
    pub(crate) fn is_full(&self) -> bool {
        self.is_http2 && self.account.get().is_some_and(|account| !account.has_room(true))
    }

    /// Counts a body or message of `length` bytes, if it is large or one of many. False if the budget has no room.
    pub(crate) fn hold_body(&self, held: &mut Option<Held>, length: usize) -> bool {
        if length <= TINY || length <= SMALL && !self.may_have_many() {
            return true;
        }
        let length = length.next_multiple_of(if length <= SMALL { SMALL / 4 } else { SMALL });
        if let Some(held) = held {
            return held.grow_to(length);
        }
        *held = self.hold(length);
        held.is_some()
    }

    /// Whether there may be many bodies or messages: of this connection, or of the connections together.
    fn may_have_many(&self) -> bool {
        self.is_http2 && self.busy.load(Ordering::Relaxed) > ONE || self.budget.has_many_connections()
    }

    /// Counts `bytes` for this connection. `None` if the budget has no room.
    pub(crate) fn hold(&self, bytes: usize) -> Option<Held> {
        self.account().take(bytes)
    }

    pub(crate) fn has_begun(&self) -> bool {
        self.begun.load(Ordering::Relaxed) != 0
    }

    /// Makes the next reply say `connection: close`. True at the first call.
    pub(crate) fn leave(&self) -> bool {
        !self.leaving.swap(true, Ordering::Relaxed)
    }

    pub(crate) fn moves(&self) {
        self.moved.store(true, Ordering::Relaxed);
    }

    /// Notes that the client has taken bytes.
    pub(crate) fn set_unstuck(&self) {
        self.stuck.store(NOT_STUCK, Ordering::Relaxed);
    }

    /// Notes that bytes wait for the client.
    pub(crate) fn set_stuck(&self) {
        if !self.is_stuck() {
            self.stuck.store(STUCK, Ordering::Relaxed);
        }
    }

    pub(crate) fn is_stuck(&self) -> bool {
        self.stuck.load(Ordering::Relaxed) != NOT_STUCK
    }

    /// Whether the client has taken nothing since the last call. `None` if no bytes wait for the client.
    pub(crate) fn see_stuck(&self) -> Option<bool> {
        let stuck = |stuck| (stuck != NOT_STUCK).then_some(SEEN_STUCK);
        let before = self.stuck.fetch_update(Ordering::Relaxed, Ordering::Relaxed, stuck);
        before.ok().map(|before| before == SEEN_STUCK)
    }

    /// Whether the connection waits for its next request, and nothing is lost if it closes.
    pub(crate) fn is_idle(&self) -> bool {
        let is_sent = self.is_http2 || self.reply.load(Ordering::Relaxed) == NO_REPLY;
        // Frames of HTTP/2 between requests are no beginning of a head.
        let is_mid_head = !self.is_http2 && self.is_mid_head();
        is_sent && !self.is_busy() && !is_mid_head && !self.is_stuck()
    }

    /// Whether a request has begun since the last call.
    pub(crate) fn take_recent(&self) -> bool {
        self.begun.fetch_and(!RECENT, Ordering::Relaxed) & RECENT != 0
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

    /// Whether hyper writes without a request: hyper's own reply to a head that hyper could not parse.
    pub(crate) fn is_unasked(&self) -> bool {
        self.reply.load(Ordering::Relaxed) == NO_REPLY && !self.is_busy()
    }

    /// Notes that hyper has flushed its buffer.
    pub(crate) fn flushed(&self) {
        if self.reply.load(Ordering::Relaxed) == REPLIED {
            self.reply.store(NO_REPLY, Ordering::Relaxed);
        }
    }

    /// Notes that the connection speaks another protocol from now on. hyper must have ended.
    #[cfg(any(feature = "tower", feature = "websocket"))]
    pub(crate) fn upgraded(&self) {
        self.reply.store(UPGRADED, Ordering::Relaxed);
    }

    /// Sets the status for a head that was not parsed.
    pub(crate) fn set_unread(&self, status: u16) {
        self.unread.store(status, Ordering::Relaxed);
    }

    pub(crate) fn is_unread(&self) -> bool {
        self.unread.load(Ordering::Relaxed) != 0
    }

    /// Takes the status for a head that was not parsed. Zero if there is none.
    pub(crate) fn take_unread(&self) -> u16 {
        self.unread.swap(0, Ordering::Relaxed)
    }

    /// Whether a head has begun and is not complete.
    pub(crate) fn is_mid_head(&self) -> bool {
        self.heard.load(Ordering::Relaxed) && !self.is_busy()
    }
}

impl Drop for Peer {
    fn drop(&mut self) {
        self.budget.disconnect();
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

impl Busy {
    /// Whether the connection closes after this request.
    pub(crate) fn is_leaving(&self) -> bool {
        self.0.leaving.load(Ordering::Relaxed)
    }

    /// Notes that hyper has the head of the reply.
    pub(crate) fn replying(self) -> Replying {
        self.0.reply.store(REPLYING, Ordering::Relaxed);
        Replying(self)
    }

    pub(crate) fn peer(&self) -> &Peer {
        &self.0
    }
}

impl Replying {
    pub(crate) fn peer(&self) -> &Peer {
        self.0.peer()
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
        let peer = Peer::with_current(address, Budget::new(0));
        assert!(peer.set_current(&first) && !peer.set_current(&second));
        assert!(peer.current().is_some_and(|current| Arc::ptr_eq(&current, &first)));
        peer.clear_current();
        assert!(peer.current().is_none() && peer.set_current(&second));
        assert_eq!(Arc::strong_count(&first), 1);
        assert!(!Peer::new(address, true, Budget::new(0)).set_current(&first), "HTTP/2 has many at a time");
    }
}
