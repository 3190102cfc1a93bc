//! A connection's turns: from its task's wake to its next poll, a request may wait in its socket.
//!
//! Records of requests that come together are written together. What tells that more are to come is the count of
//! connections to which bytes came that have had no turn since; who has had the last turn lets the records go. An instance
//! is frozen when nothing has been asked that is not answered, so a connection that was woken by anything else, such as
//! its client's leaving, must not be waited for.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use pin_project_lite::pin_project;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use crate::counters::LiveCounters;
use crate::log::sink;

pin_project! {
    /// A connection that counts while something has come and waits for its turn; when it is made, the head of a request
    /// has. Without a counts, where there are no records, only the connection.
    pub(super) struct Turns<F> {
        #[pin]
        connection: F,
        records: Option<Records>,
    }

    impl<F> PinnedDrop for Turns<F> {
        fn drop(this: Pin<&mut Self>) {
            let Some(Records { counts, turn, .. }) = this.project().records else { return };
            match turn {
                Some((turn, _)) => turn.enter(GONE),
                None => counts.take_unpolled(),
            }
            sink::settle(|| counts.is_quiet());
        }
    }
}

struct Records {
    counts: Arc<LiveCounters>,
    socket: Arc<OwnedWriteHalf>,
    turn: Option<(Arc<Turn>, Waker)>,
}

impl<F> Turns<F> {
    pub(super) fn new(connection: F, records: Option<(Arc<LiveCounters>, Arc<OwnedWriteHalf>)>) -> Self {
        let records = records.map(|(counts, socket)| {
            counts.add_unpolled();
            Records { counts, socket, turn: None }
        });
        Self { connection, records }
    }
}

impl<F: Future> Future for Turns<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(Records { counts, socket, turn }) = this.records else { return this.connection.poll(cx) };
        let (turn, waker) = turn.get_or_insert_with(|| {
            let turn = Arc::new(Turn {
                state: AtomicU8::new(WOKEN),
                task: cx.waker().clone(),
                counts: Arc::clone(counts),
                socket: Arc::downgrade(socket),
            });
            (Arc::clone(&turn), Waker::from(turn))
        });
        turn.enter(RUNNING);
        let polled = this.connection.poll(&mut Context::from_waker(waker));
        turn.leave();
        sink::settle(|| counts.is_quiet());
        polled
    }
}

/// What wakes a connection's task. A task of an executor has one waker all its life.
struct Turn {
    state: AtomicU8,
    task: Waker,
    counts: Arc<LiveCounters>,
    /// Not held: the executor keeps the waker of a socket as long as there is the socket.
    socket: Weak<OwnedWriteHalf>,
}

/// Not counted, whether or not something has woken it.
const IDLE: u8 = 0;
/// Woken by bytes that came, and counted.
const WOKEN: u8 = 1;
/// In its turn, and not counted: a connection does not wait for itself with the records of its requests.
const RUNNING: u8 = 2;
/// Woken in its turn, when it is looked at what for.
const AGAIN: u8 = 3;
/// Wakes count no more.
const GONE: u8 = 4;

impl Turn {
    /// What was waited for is here.
    fn enter(&self, state: u8) {
        if self.state.swap(state, Ordering::AcqRel) == WOKEN {
            self.counts.take_unpolled();
        }
    }

    fn leave(&self) {
        if self.state.compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            self.state.store(IDLE, Ordering::Release);
            self.count();
        }
    }

    /// Counts it, if it is not counted and something has come.
    fn count(&self) {
        if self.has_bytes()
            && self.state.compare_exchange(IDLE, WOKEN, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        {
            self.counts.add_unpolled();
        }
    }

    /// As the executor knows it, without a system call. One whose client has left may have bytes too: they are not waited
    /// for, which costs a write.
    fn has_bytes(&self) -> bool {
        let Some(socket) = self.socket.upgrade() else { return false };
        let stream: &TcpStream = (*socket).as_ref();
        let ready = pin!(stream.ready(Interest::READABLE)).poll(&mut Context::from_waker(Waker::noop()));
        matches!(ready, Poll::Ready(Ok(ready)) if ready.is_readable() && !ready.is_read_closed())
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        if self.state.compare_exchange(RUNNING, AGAIN, Ordering::AcqRel, Ordering::Relaxed) == Err(IDLE) {
            self.count();
        }
        self.task.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};

    use tokio::io::AsyncWriteExt;
    use tokio::net::TcpListener;
    use tokio::net::tcp::OwnedReadHalf;

    use super::*;

    /// A client, and the two halves of our end.
    async fn sockets() -> (TcpStream, OwnedReadHalf, Arc<OwnedWriteHalf>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (client, accepted) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (read, write) = accepted.unwrap().0.into_split();
        // A new socket is said to be ready until it was tried.
        read.try_read(&mut [0]).unwrap_err();
        (client.unwrap(), read, Arc::new(write))
    }

    fn turns<F>(connection: F, counts: &Arc<LiveCounters>, socket: &Arc<OwnedWriteHalf>) -> Turns<F> {
        Turns::new(connection, Some((Arc::clone(counts), Arc::clone(socket))))
    }

    fn poll<F: Future>(turns: Pin<&mut Turns<F>>) -> Poll<F::Output> {
        turns.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn waker<F>(turns: &Turns<F>) -> Waker {
        turns.records.as_ref().unwrap().turn.as_ref().unwrap().1.clone()
    }

    #[tokio::test]
    async fn a_connection_brings_something_until_its_first_turn() {
        let (counts, (_client, _read, socket)) = (Arc::new(LiveCounters::default()), sockets().await);
        assert!(counts.is_quiet());
        let mut turns = pin!(turns(pending::<()>(), &counts, &socket));
        assert!(!counts.is_quiet());
        assert!(poll(turns.as_mut()).is_pending());
        assert!(counts.is_quiet());
    }

    #[tokio::test]
    async fn and_from_a_wake_by_bytes_to_the_next_turn() {
        let (counts, (mut client, read, socket)) = (Arc::new(LiveCounters::default()), sockets().await);
        let mut turns = pin!(turns(pending::<()>(), &counts, &socket));
        assert!(poll(turns.as_mut()).is_pending());
        let waker = waker(&turns);
        client.write_all(b"GET").await.unwrap();
        read.readable().await.unwrap();
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert!(!counts.is_quiet());
        assert!(poll(turns.as_mut()).is_pending());
        assert!(counts.is_quiet(), "two wakes are one turn");
    }

    #[tokio::test]
    async fn nothing_else_that_wakes_it_is_waited_for() {
        let (counts, (mut client, read, socket)) = (Arc::new(LiveCounters::default()), sockets().await);
        let mut turns = pin!(turns(pending::<()>(), &counts, &socket));
        assert!(poll(turns.as_mut()).is_pending());
        let waker = waker(&turns);
        waker.wake_by_ref();
        assert!(counts.is_quiet(), "a timer, for one");
        client.shutdown().await.unwrap();
        read.readable().await.unwrap();
        waker.wake_by_ref();
        assert!(counts.is_quiet(), "its client has left");
    }

    #[tokio::test]
    async fn one_that_is_woken_in_its_turn_waits_for_the_next() {
        let (counts, (mut client, read, socket)) = (Arc::new(LiveCounters::default()), sockets().await);
        client.write_all(b"GET").await.unwrap();
        read.readable().await.unwrap();
        let during = Arc::clone(&counts);
        let connection = std::future::poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            assert!(during.is_quiet(), "it does not wait for itself");
            Poll::<()>::Pending
        });
        let mut turns = pin!(turns(connection, &counts, &socket));
        for _ in 0..2 {
            assert!(poll(turns.as_mut()).is_pending());
            assert!(!counts.is_quiet());
        }
    }

    #[tokio::test]
    async fn one_that_is_gone_brings_nothing_whoever_wakes_it() {
        let (counts, (mut client, read, socket)) = (Arc::new(LiveCounters::default()), sockets().await);
        client.write_all(b"GET").await.unwrap();
        read.readable().await.unwrap();
        let waker = {
            let mut turns = pin!(turns(pending::<()>(), &counts, &socket));
            assert!(poll(turns.as_mut()).is_pending());
            let waker = waker(&turns);
            waker.wake_by_ref();
            assert!(!counts.is_quiet());
            waker
        };
        assert!(counts.is_quiet());
        waker.wake();
        assert!(counts.is_quiet());
        drop(turns(ready(()), &counts, &socket));
        assert!(counts.is_quiet(), "it never had a turn");
    }

    #[test]
    fn without_records_nothing_counts() {
        let mut turns = pin!(Turns::new(ready(7), None));
        assert_eq!(poll(turns.as_mut()), Poll::Ready(7));
    }
}
