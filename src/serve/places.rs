//! The places for connections: a bound on their number, and which connection gives way when all places are taken.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::Duration;

use socket2::SockRef;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::Instant;

use crate::counters::Count;
use crate::exchange::Peer;
use crate::log::say;
use crate::serve::departure::has_unread;

/// The places of one door.
pub(crate) struct Places {
    free: Arc<Semaphore>,
    most: usize,
    seats: Mutex<Seats>,
    gave_way: Count,
}

/// The place of one connection, until this value is dropped.
pub(crate) struct Place {
    places: Arc<Places>,
    at: usize,
    _permit: OwnedSemaphorePermit,
}

#[derive(Default)]
struct Seats {
    all: Vec<Seat>,
    free: Vec<usize>,
    /// Where the next search begins, so that all connections have their turn.
    hand: usize,
}

enum Seat {
    Empty,
    /// No head has come yet.
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
const SEARCH_EVERY: Duration = Duration::from_secs(1);

impl Places {
    pub(crate) fn new(most: usize) -> Arc<Self> {
        let most = most.min(Semaphore::MAX_PERMITS);
        let free = Arc::new(Semaphore::new(most));
        Arc::new(Self { free, most, seats: Mutex::default(), gave_way: Count::default() })
    }

    /// A place, if one is free.
    pub(crate) fn try_take(self: &Arc<Self>) -> Option<Place> {
        let permit = Arc::clone(&self.free).try_acquire_owned().ok()?;
        let mut seats = self.lock();
        let at = seats.free.pop().unwrap_or_else(|| {
            seats.all.push(Seat::Empty);
            seats.all.len() - 1
        });
        drop(seats);
        Some(Place { places: Arc::clone(self), at, _permit: permit })
    }

    /// Waits for a place. While none is free, connections that need theirs least give way.
    pub(crate) async fn take(self: &Arc<Self>) -> Place {
        loop {
            if let Some(place) = self.try_take() {
                return place;
            }
            if self.lock().free_one() {
                self.say();
            }
            // The permit is given back at once, and taken with its seat by `try_take`.
            let _ = tokio::time::timeout(SEARCH_EVERY, self.free.acquire()).await;
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
        self.set(Seat::Empty);
        // The permit is released after this, so that a seat is free for each permit.
        self.places.lock().free.push(self.at);
    }
}

impl Seats {
    /// Ends one connection: one that is idle, else one whose client has not read for long. False if there is none.
    fn free_one(&mut self) -> bool {
        self.search(Seat::is_idle) || self.search(Seat::is_stuck)
    }

    fn search(&mut self, gives_way: fn(&mut Seat) -> bool) -> bool {
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
    fn is_idle(&mut self) -> bool {
        match self {
            Self::AtDoor { socket, since } => {
                since.elapsed() >= IDLE && socket.upgrade().is_some_and(|socket| !has_unread(&socket))
            }
            Self::Served { socket, peer, used, .. } => {
                let Some(peer) = peer.upgrade().filter(|peer| peer.is_idle()) else { return false };
                if peer.take_recent() {
                    *used = Some(Instant::now());
                }
                used.is_none_or(|used| used.elapsed() >= IDLE)
                    && socket.upgrade().is_some_and(|socket| !has_unread((*socket).as_ref()))
            }
            Self::Empty | Self::Leaving => false,
        }
    }

    /// Whether the client has not read for [`STUCK`].
    fn is_stuck(&mut self) -> bool {
        let Self::Served { peer, stuck, .. } = self else { return false };
        match peer.upgrade().and_then(|peer| peer.see_stuck()) {
            None => *stuck = None,
            // The client has read since the last search, and is stuck again.
            Some(false) => *stuck = Some(Instant::now()),
            Some(true) => return stuck.is_some_and(|since| since.elapsed() >= STUCK),
        }
        false
    }

    /// Ends the connection: its task sees that the socket is closed.
    fn end(&mut self) {
        match self {
            Self::AtDoor { socket, .. } => socket.upgrade().iter().for_each(|socket| shut(socket)),
            Self::Served { socket, .. } => {
                socket.upgrade().iter().for_each(|socket| shut((**socket).as_ref()));
            }
            Self::Empty | Self::Leaving => {}
        }
        *self = Self::Leaving;
    }
}

fn shut(socket: &TcpStream) {
    // An error means that the socket is closed already.
    let _ = SockRef::from(socket).shutdown(std::net::Shutdown::Both);
}

#[cfg(test)]
mod tests {
    use tokio::net::TcpListener;

    use super::*;
    use crate::budget::Budget;

    /// A socket with its client, and a peer.
    async fn connect() -> (Arc<OwnedWriteHalf>, TcpStream, Arc<Peer>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let address = listener.local_addr().unwrap();
        let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
        let (_, write) = accepted.unwrap().0.into_split();
        (Arc::new(write), client.unwrap(), Arc::new(Peer::with_current(address, Budget::new(0))))
    }

    /// Two new connections may come at once: the second search is right behind the first.
    #[tokio::test(start_paused = true)]
    async fn a_connection_that_was_used_a_moment_ago_does_not_give_way() {
        let places = Places::new(3);
        let [idle, used, new] = [(); 3].map(|()| places.try_take().unwrap());
        assert!(places.try_take().is_none());
        let (idle_socket, _idle_client, idle_peer) = connect().await;
        let (used_socket, _used_client, used_peer) = connect().await;
        idle.serve(&idle_socket, &idle_peer);
        used.serve(&used_socket, &used_peer);
        drop(used_peer.begin());
        let (stream, _new_client) = {
            let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
            let address = listener.local_addr().unwrap();
            let (client, accepted) = tokio::join!(TcpStream::connect(address), listener.accept());
            (Arc::new(accepted.unwrap().0), client.unwrap())
        };
        new.wait_at_door(&stream);
        assert!(places.lock().free_one(), "the idle one");
        assert!(matches!(places.lock().all[idle.at], Seat::Leaving));
        assert!(!places.lock().free_one(), "the others are in use, or new");
        tokio::time::advance(SEARCH_EVERY).await;
        assert!(places.lock().free_one() && places.lock().free_one(), "now they are idle");
        assert!(!places.lock().free_one());
    }
}
