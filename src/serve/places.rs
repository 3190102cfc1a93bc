//! The places for connections: a bound on their number, and which connection gives way when all places are taken.

use std::net::{Shutdown, TcpStream};
use std::os::fd::AsFd;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::Waker;
use std::time::{Duration, Instant};

use socket2::SockRef;
use tokio::net::tcp::OwnedWriteHalf;

use crate::counters::Count;
use crate::exchange::Peer;
use crate::log::say;
use crate::serve::departure::has_unread;

/// The places of one door.
pub(crate) struct Places {
    most: usize,
    seats: Mutex<Seats>,
    gave_way: Count,
}

/// The place of one connection, until this value is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    at: usize,
}

#[derive(Default)]
struct Seats {
    all: Vec<Seat>,
    free: Vec<usize>,
    /// Where the next search begins, so that all connections have their turn.
    hand: usize,
    /// Wakes the door, which waits for a place.
    waiting: Option<Waker>,
}

enum Seat {
    Empty,
    /// No head has come yet. Only the door's own thread takes further references to the socket, and keeps none.
    AtDoor {
        socket: Weak<TcpStream>,
        since: Instant,
    },
    Served {
        socket: Weak<OwnedWriteHalf>,
        peer: Weak<Peer>,
        /// When a search last saw that a request had begun.
        used: Option<Instant>,
        stuck: Option<Instant>,
    },
    /// The connection was told to end.
    Leaving,
}

/// How long a connection does not take a byte of its reply before it may have to give way.
const STUCK: Duration = Duration::from_secs(5);

/// How long a connection is idle before it may have to give way: two searches may follow each other at once.
const IDLE: Duration = Duration::from_millis(900);

/// How long a new connection waits between two searches. Longer than [`IDLE`].
pub(crate) const SEARCH_EVERY: Duration = Duration::from_secs(1);

impl Places {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        Arc::new(Self { most, seats: Mutex::default(), gave_way: Count::default() })
    }

    /// A place, if one is free.
    pub(crate) fn try_take(self: &Arc<Self>) -> Option<Place> {
        self.take(&mut self.lock())
    }

    /// A place, if one is free. Else what `waker` gives is woken when one becomes free.
    pub(crate) fn take_or_wait(self: &Arc<Self>, waker: impl FnOnce() -> Waker) -> Option<Place> {
        let mut seats = self.lock();
        let place = self.take(&mut seats);
        if place.is_none() {
            seats.waiting = Some(waker());
        }
        place
    }

    fn take(self: &Arc<Self>, seats: &mut Seats) -> Option<Place> {
        let at = match seats.free.pop() {
            Some(at) => at,
            None if seats.all.len() == self.most => return None,
            None => {
                seats.all.push(Seat::Empty);
                seats.all.len() - 1
            }
        };
        Some(Place { places: Arc::clone(self), at })
    }

    /// Ends the connection that needs its place least, if one may give way.
    pub(crate) fn free_one(&self, now: Instant) {
        if self.lock().free_one(now) {
            self.say();
        }
    }

    /// The log has a line for the first connection that gave way, and one whenever their number has doubled.
    #[cold]
    fn say(&self) {
        let count = self.gave_way.increment();
        if count.is_power_of_two() {
            let most = self.most;
            say::warn(format_args!(
                "all {most} connections are taken: one that was idle, or whose client did not read, was closed for a new \
                 one; closed so far: {count}"
            ));
        }
    }

    fn lock(&self) -> MutexGuard<'_, Seats> {
        self.seats.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Place {
    /// Notes a connection that has sent no head yet.
    pub(crate) fn wait_at_door(&self, socket: &Arc<TcpStream>) {
        self.set(Seat::AtDoor { socket: Arc::downgrade(socket), since: Instant::now() });
    }

    /// Notes a connection that is served.
    pub(crate) fn serve(&self, socket: &Arc<OwnedWriteHalf>, peer: &Arc<Peer>) {
        let (socket, peer) = (Arc::downgrade(socket), Arc::downgrade(peer));
        self.set(Seat::Served { socket, peer, used: None, stuck: None });
    }

    fn set(&self, seat: Seat) {
        if let Some(place) = self.places.lock().all.get_mut(self.at) {
            *place = seat;
        }
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        let mut seats = self.places.lock();
        if let Some(seat) = seats.all.get_mut(self.at) {
            *seat = Seat::Empty;
        }
        seats.free.push(self.at);
        let waiting = seats.waiting.take();
        drop(seats);
        if let Some(waker) = waiting {
            waker.wake();
        }
    }
}

impl Seats {
    /// Ends one connection: one that is idle, else one whose client has not read for long. False if there is none.
    fn free_one(&mut self, now: Instant) -> bool {
        self.search(|seat| seat.is_idle(now)) || self.search(|seat| seat.is_stuck(now))
    }

    fn search(&mut self, gives_way: impl Fn(&mut Seat) -> bool) -> bool {
        let count = self.all.len();
        for _ in 0..count {
            self.hand = (self.hand + 1) % count;
            if let Some(seat) = self.all.get_mut(self.hand)
                && gives_way(seat)
            {
                seat.end();
                return true;
            }
        }
        false
    }
}

impl Seat {
    /// Whether the connection has no request, and no search has seen one begin for [`IDLE`]. The bytes of one may wait in
    /// the socket.
    fn is_idle(&mut self, now: Instant) -> bool {
        match self {
            Self::AtDoor { socket, since } => {
                now.saturating_duration_since(*since) >= IDLE
                    && socket.upgrade().is_some_and(|socket| !has_unread(&*socket))
            }
            Self::Served { socket, peer, used, .. } => {
                let Some(peer) = peer.upgrade().filter(|peer| peer.is_idle()) else { return false };
                if peer.take_recent() {
                    *used = Some(now);
                }
                used.is_none_or(|used| now.saturating_duration_since(used) >= IDLE)
                    && socket.upgrade().is_some_and(|socket| !has_unread(stream(&socket)))
            }
            Self::Empty | Self::Leaving => false,
        }
    }

    /// Whether the client has not read for [`STUCK`].
    fn is_stuck(&mut self, now: Instant) -> bool {
        let Self::Served { peer, stuck, .. } = self else { return false };
        match peer.upgrade().and_then(|peer| peer.see_stuck()) {
            None => *stuck = None,
            // The client has read since the last search, and is stuck again.
            Some(false) => *stuck = Some(now),
            Some(true) => {
                return stuck.is_some_and(|since| now.saturating_duration_since(since) >= STUCK);
            }
        }
        false
    }

    /// Ends the connection: its task sees that the socket is closed.
    fn end(&mut self) {
        match self {
            Self::AtDoor { socket, .. } => socket.upgrade().iter().for_each(|socket| shut(&**socket)),
            Self::Served { socket, .. } => {
                socket.upgrade().iter().for_each(|socket| shut(stream(socket)));
            }
            Self::Empty | Self::Leaving => {}
        }
        *self = Self::Leaving;
    }
}

fn shut(socket: &impl AsFd) {
    // An error means that the socket is closed already.
    let _ = SockRef::from(socket).shutdown(Shutdown::Both);
}

fn stream(half: &OwnedWriteHalf) -> &tokio::net::TcpStream {
    half.as_ref()
}

#[cfg(test)]
mod tests {
    use tokio::net::{TcpListener, TcpStream};

    use super::*;
    use crate::budget::Budget;
    use crate::test_waker::Woken;

    /// A socket with its client.
    async fn sockets() -> (TcpStream, TcpStream) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        (accepted.unwrap().0, client.unwrap())
    }

    /// A socket with its client, and a peer.
    async fn connect() -> (Arc<OwnedWriteHalf>, TcpStream, Arc<Peer>) {
        let (stream, client) = sockets().await;
        let address = stream.peer_addr().unwrap();
        let (_, write) = stream.into_split();
        (Arc::new(write), client, Arc::new(Peer::with_current(address, Budget::new(0))))
    }

    /// Two new connections may come at once: the second search is right behind the first.
    #[tokio::test]
    async fn a_connection_that_was_used_a_moment_ago_does_not_give_way() {
        let places = Places::new(3);
        let [idle, used, new] = [(); 3].map(|()| places.try_take().unwrap());
        assert!(places.try_take().is_none());
        let (idle_socket, _idle_client, idle_peer) = connect().await;
        let (used_socket, _used_client, used_peer) = connect().await;
        idle.serve(&idle_socket, &idle_peer);
        used.serve(&used_socket, &used_peer);
        drop(used_peer.begin());
        let (stream, _new_client) = sockets().await;
        let stream = Arc::new(stream.into_std().unwrap());
        new.wait_at_door(&stream);
        let now = Instant::now();
        assert!(places.lock().free_one(now), "the idle one");
        assert!(matches!(places.lock().all[idle.at], Seat::Leaving));
        assert!(!places.lock().free_one(now), "the others are in use, or new");
        let later = now + SEARCH_EVERY;
        assert!(places.lock().free_one(later) && places.lock().free_one(later), "now they are idle");
        assert!(!places.lock().free_one(later));
    }

    #[test]
    fn a_place_that_becomes_free_wakes_the_door_once() {
        let (woken, waker) = Woken::new();
        let places = Places::new(2);
        let [first, second] = [(); 2].map(|()| places.try_take().unwrap());
        drop(first);
        let third = places.take_or_wait(|| unreachable!("a place is free")).unwrap();
        assert!(places.take_or_wait(|| waker).is_none());
        assert_eq!(woken.count(), 0);
        drop(second);
        assert_eq!(woken.count(), 1);
        drop(third);
        assert_eq!(woken.count(), 1, "nobody waits");
        assert!(places.try_take().is_some());
    }
}
