//! Counts the connections that have unread bytes and were not polled since, so that log lines share a write.
//!
//! The lines of requests that overlap are written together. While the count is above zero, more requests are expected,
//! and lines are held back. The poll that brings the count to zero flushes them. The platform freezes an instance once
//! all requests are answered. A wake for any other reason, such as the client's leaving, must therefore not count.
//!
//! A turn is one poll of the connection's task.

use std::pin::{Pin, pin};
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Arc, Weak};
use std::task::{Context, Poll, Wake, Waker};

use pin_project_lite::pin_project;
use tokio::io::Interest;
use tokio::net::TcpStream;
use tokio::net::tcp::OwnedWriteHalf;

use crate::log::sink;
use crate::tally::Tally;

pin_project! {
    /// A connection that counts from the arrival of bytes to its next turn. It counts when it is created, because the
    /// head of a request has arrived. Without a tally (the access log is off) it only polls the connection.
    pub(super) struct Turns<F> {
        #[pin]
        connection: F,
        records: Option<Records>,
    }

    impl<F> PinnedDrop for Turns<F> {
        fn drop(this: Pin<&mut Self>) {
            let Some(Records { tally, turn, .. }) = this.project().records else { return };
            match turn {
                Some((turn, _)) => turn.enter(GONE),
                None => tally.turn(),
            }
            sink::settle(|| tally.is_quiet());
        }
    }
}

struct Records {
    tally: Arc<Tally>,
    socket: Arc<OwnedWriteHalf>,
    turn: Option<(Arc<Turn>, Waker)>,
}

impl<F> Turns<F> {
    pub(super) fn new(connection: F, records: Option<(Arc<Tally>, Arc<OwnedWriteHalf>)>) -> Self {
        let records = records.map(|(tally, socket)| {
            tally.wake();
            Records { tally, socket, turn: None }
        });
        Self { connection, records }
    }
}

impl<F: Future> Future for Turns<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(Records { tally, socket, turn }) = this.records else { return this.connection.poll(cx) };
        let (turn, waker) = turn.get_or_insert_with(|| {
            let turn = Arc::new(Turn {
                state: AtomicU8::new(WOKEN),
                task: cx.waker().clone(),
                tally: Arc::clone(tally),
                socket: Arc::downgrade(socket),
            });
            (Arc::clone(&turn), Waker::from(turn))
        });
        turn.enter(RUNNING);
        let polled = this.connection.poll(&mut Context::from_waker(waker));
        turn.leave();
        sink::settle(|| tally.is_quiet());
        polled
    }
}

/// The waker of a connection's task. The executor gives a task one waker for its whole life.
struct Turn {
    state: AtomicU8,
    task: Waker,
    tally: Arc<Tally>,
    /// Weak, because the executor keeps this waker as long as the socket exists.
    socket: Weak<OwnedWriteHalf>,
}

/// Not counted; no bytes have come.
const IDLE: u8 = 0;
/// Counted: bytes have come.
const WOKEN: u8 = 1;
/// Being polled, and not counted: a connection does not hold back the lines of its own requests.
const RUNNING: u8 = 2;
/// Woken during its turn. When the turn ends, the socket is checked for bytes.
const AGAIN: u8 = 3;
/// Dropped: a wake does not count any more.
const GONE: u8 = 4;

impl Turn {
    /// Begins a turn, or ends the connection. If bytes had come, they are no longer counted.
    fn enter(&self, state: u8) {
        if self.state.swap(state, Ordering::AcqRel) == WOKEN {
            self.tally.turn();
        }
    }

    fn leave(&self) {
        if self.state.compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            self.state.store(IDLE, Ordering::Release);
            self.count();
        }
    }

    /// Counts the connection, if it is not counted and has unread bytes.
    fn count(&self) {
        if self.has_bytes()
            && self.state.compare_exchange(IDLE, WOKEN, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        {
            self.tally.wake();
        }
    }

    /// Whether there are unread bytes. The executor's readiness is read, without a system call. Bytes of a client that
    /// has left do not count, which can cost one more write.
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

    /// A client, and the two halves of the accepted socket.
    async fn sockets() -> (TcpStream, OwnedReadHalf, Arc<OwnedWriteHalf>) {
        let listener = TcpListener::bind(("127.0.0.1", 0)).await.unwrap();
        let (client, accepted) =
            tokio::join!(TcpStream::connect(listener.local_addr().unwrap()), listener.accept());
        let (read, write) = accepted.unwrap().0.into_split();
        // A new socket counts as ready until a read was tried.
        read.try_read(&mut [0]).unwrap_err();
        (client.unwrap(), read, Arc::new(write))
    }

    fn turns<F>(connection: F, tally: &Arc<Tally>, socket: &Arc<OwnedWriteHalf>) -> Turns<F> {
        Turns::new(connection, Some((Arc::clone(tally), Arc::clone(socket))))
    }

    fn poll<F: Future>(turns: Pin<&mut Turns<F>>) -> Poll<F::Output> {
        turns.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn waker<F>(turns: &Turns<F>) -> Waker {
        turns.records.as_ref().unwrap().turn.as_ref().unwrap().1.clone()
    }

    #[tokio::test]
    async fn a_connection_brings_something_until_its_first_turn() {
        let (tally, (_client, _read, socket)) = (Arc::new(Tally::default()), sockets().await);
        assert!(tally.is_quiet());
        let mut turns = pin!(turns(pending::<()>(), &tally, &socket));
        assert!(!tally.is_quiet());
        assert!(poll(turns.as_mut()).is_pending());
        assert!(tally.is_quiet());
    }

    #[tokio::test]
    async fn and_from_a_wake_by_bytes_to_the_next_turn() {
        let (tally, (mut client, read, socket)) = (Arc::new(Tally::default()), sockets().await);
        let mut turns = pin!(turns(pending::<()>(), &tally, &socket));
        assert!(poll(turns.as_mut()).is_pending());
        let waker = waker(&turns);
        client.write_all(b"GET").await.unwrap();
        read.readable().await.unwrap();
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert!(!tally.is_quiet());
        assert!(poll(turns.as_mut()).is_pending());
        assert!(tally.is_quiet(), "two wakes are one turn");
    }

    #[tokio::test]
    async fn nothing_else_that_wakes_it_is_waited_for() {
        let (tally, (mut client, read, socket)) = (Arc::new(Tally::default()), sockets().await);
        let mut turns = pin!(turns(pending::<()>(), &tally, &socket));
        assert!(poll(turns.as_mut()).is_pending());
        let waker = waker(&turns);
        waker.wake_by_ref();
        assert!(tally.is_quiet(), "a timer, for one");
        client.shutdown().await.unwrap();
        read.readable().await.unwrap();
        waker.wake_by_ref();
        assert!(tally.is_quiet(), "its client has left");
    }

    #[tokio::test]
    async fn one_that_is_woken_in_its_turn_waits_for_the_next() {
        let (tally, (mut client, read, socket)) = (Arc::new(Tally::default()), sockets().await);
        client.write_all(b"GET").await.unwrap();
        read.readable().await.unwrap();
        let during = Arc::clone(&tally);
        let connection = std::future::poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            assert!(during.is_quiet(), "it does not wait for itself");
            Poll::<()>::Pending
        });
        let mut turns = pin!(turns(connection, &tally, &socket));
        for _ in 0..2 {
            assert!(poll(turns.as_mut()).is_pending());
            assert!(!tally.is_quiet());
        }
    }

    #[tokio::test]
    async fn one_that_is_gone_brings_nothing_whoever_wakes_it() {
        let (tally, (mut client, read, socket)) = (Arc::new(Tally::default()), sockets().await);
        client.write_all(b"GET").await.unwrap();
        read.readable().await.unwrap();
        let waker = {
            let mut turns = pin!(turns(pending::<()>(), &tally, &socket));
            assert!(poll(turns.as_mut()).is_pending());
            let waker = waker(&turns);
            waker.wake_by_ref();
            assert!(!tally.is_quiet());
            waker
        };
        assert!(tally.is_quiet());
        waker.wake();
        assert!(tally.is_quiet());
        drop(turns(ready(()), &tally, &socket));
        assert!(tally.is_quiet(), "it never had a turn");
    }

    #[test]
    fn without_records_nothing_counts() {
        let mut turns = pin!(Turns::new(ready(7), None));
        assert_eq!(poll(turns.as_mut()), Poll::Ready(7));
    }
}
