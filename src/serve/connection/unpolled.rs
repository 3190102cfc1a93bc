//! Counts the connections that have unread bytes and were not polled since, so that log lines share a write.
//!
//! The lines of requests that overlap are written together. While the count is above zero, more requests are expected,
//! and lines are held back. The poll that brings the count to zero flushes them.
//!
//! The platform freezes an instance once all requests are answered. A wake for any other reason, such as the client's
//! leaving, must therefore not count.

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
    /// A connection that counts from the arrival of bytes to its next poll. It counts when it is created, because the
    /// head of a request has arrived. Without counters (the access log is off) it only polls the connection.
    pub(super) struct CountUnpolled<F> {
        #[pin]
        connection: F,
        records: Option<Records>,
    }

    impl<F> PinnedDrop for CountUnpolled<F> {
        fn drop(this: Pin<&mut Self>) {
            let Some(Records { counts, bytes_waker, .. }) = this.project().records else { return };
            match bytes_waker {
                Some((bytes_waker, _)) => bytes_waker.enter(GONE),
                None => counts.take_unpolled(),
            }
            sink::flush_if(|| counts.is_quiet());
        }
    }
}

struct Records {
    counts: Arc<LiveCounters>,
    socket: Arc<OwnedWriteHalf>,
    bytes_waker: Option<(Arc<BytesWaker>, Waker)>,
}

impl<F> CountUnpolled<F> {
    pub(super) fn new(connection: F, records: Option<(Arc<LiveCounters>, Arc<OwnedWriteHalf>)>) -> Self {
        let records = records.map(|(counts, socket)| {
            counts.add_unpolled();
            Records { counts, socket, bytes_waker: None }
        });
        Self { connection, records }
    }
}

impl<F: Future> Future for CountUnpolled<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(Records { counts, socket, bytes_waker }) = this.records else {
            return this.connection.poll(cx);
        };
        let (bytes_waker, waker) = bytes_waker.get_or_insert_with(|| {
            let bytes_waker = Arc::new(BytesWaker {
                state: AtomicU8::new(WOKEN),
                task: cx.waker().clone(),
                counts: Arc::clone(counts),
                socket: Arc::downgrade(socket),
            });
            (Arc::clone(&bytes_waker), Waker::from(bytes_waker))
        });
        bytes_waker.enter(RUNNING);
        let polled = this.connection.poll(&mut Context::from_waker(waker));
        bytes_waker.leave();
        sink::flush_if(|| counts.is_quiet());
        polled
    }
}

/// The waker of a connection's task. The executor gives a task one waker for its whole life.
struct BytesWaker {
    state: AtomicU8,
    task: Waker,
    counts: Arc<LiveCounters>,
    /// Weak, because the executor keeps this waker as long as the socket exists.
    socket: Weak<OwnedWriteHalf>,
}

/// Not counted. A wake without bytes leaves this state as it is.
const IDLE: u8 = 0;
/// Counted: bytes have come.
const WOKEN: u8 = 1;
/// Being polled, and not counted: a connection does not hold back the lines of its own requests.
const RUNNING: u8 = 2;
/// Woken during its poll. After the poll it counts if bytes have come.
const AGAIN: u8 = 3;
/// Dropped: a wake does not count any more.
const GONE: u8 = 4;

impl BytesWaker {
    /// Begins a poll, or ends the connection. If it was counted, the count is taken back.
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

    /// Counts the connection, if it is not counted and has unread bytes.
    fn count(&self) {
        if self.has_bytes()
            && self.state.compare_exchange(IDLE, WOKEN, Ordering::AcqRel, Ordering::Relaxed).is_ok()
        {
            self.counts.add_unpolled();
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

impl Wake for BytesWaker {
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

    fn counted<F>(
        connection: F,
        counts: &Arc<LiveCounters>,
        socket: &Arc<OwnedWriteHalf>,
    ) -> CountUnpolled<F> {
        CountUnpolled::new(connection, Some((Arc::clone(counts), Arc::clone(socket))))
    }

    fn poll<F: Future>(counted: Pin<&mut CountUnpolled<F>>) -> Poll<F::Output> {
        counted.poll(&mut Context::from_waker(Waker::noop()))
    }

    fn waker<F>(counted: &CountUnpolled<F>) -> Waker {
        counted.records.as_ref().unwrap().bytes_waker.as_ref().unwrap().1.clone()
    }

    #[tokio::test]
    async fn a_connection_counts_until_its_first_poll() {
        let (counts, (_client, _read, socket)) = (Arc::new(LiveCounters::default()), sockets().await);
        assert!(counts.is_quiet());
        let mut counted = pin!(counted(pending::<()>(), &counts, &socket));
        assert!(!counts.is_quiet());
        assert!(poll(counted.as_mut()).is_pending());
        assert!(counts.is_quiet());
    }

    #[tokio::test]
    async fn and_from_a_wake_by_bytes_to_the_next_poll() {
        let (counts, (mut client, read, socket)) = (Arc::new(LiveCounters::default()), sockets().await);
        let mut counted = pin!(counted(pending::<()>(), &counts, &socket));
        assert!(poll(counted.as_mut()).is_pending());
        let waker = waker(&counted);
        client.write_all(b"GET").await.unwrap();
        read.readable().await.unwrap();
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert!(!counts.is_quiet());
        assert!(poll(counted.as_mut()).is_pending());
        assert!(counts.is_quiet(), "two wakes are one poll");
    }

    #[tokio::test]
    async fn nothing_else_that_wakes_it_is_waited_for() {
        let (counts, (mut client, read, socket)) = (Arc::new(LiveCounters::default()), sockets().await);
        let mut counted = pin!(counted(pending::<()>(), &counts, &socket));
        assert!(poll(counted.as_mut()).is_pending());
        let waker = waker(&counted);
        waker.wake_by_ref();
        assert!(counts.is_quiet(), "a timer, for one");
        client.shutdown().await.unwrap();
        read.readable().await.unwrap();
        waker.wake_by_ref();
        assert!(counts.is_quiet(), "its client has left");
    }

    #[tokio::test]
    async fn one_that_is_woken_while_polled_counts_until_the_next() {
        let (counts, (mut client, read, socket)) = (Arc::new(LiveCounters::default()), sockets().await);
        client.write_all(b"GET").await.unwrap();
        read.readable().await.unwrap();
        let during = Arc::clone(&counts);
        let connection = std::future::poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            assert!(during.is_quiet(), "it does not wait for itself");
            Poll::<()>::Pending
        });
        let mut counted = pin!(counted(connection, &counts, &socket));
        for _ in 0..2 {
            assert!(poll(counted.as_mut()).is_pending());
            assert!(!counts.is_quiet());
        }
    }

    #[tokio::test]
    async fn one_that_is_gone_does_not_count_whatever_wakes_it() {
        let (counts, (mut client, read, socket)) = (Arc::new(LiveCounters::default()), sockets().await);
        client.write_all(b"GET").await.unwrap();
        read.readable().await.unwrap();
        let waker = {
            let mut counted = pin!(counted(pending::<()>(), &counts, &socket));
            assert!(poll(counted.as_mut()).is_pending());
            let waker = waker(&counted);
            waker.wake_by_ref();
            assert!(!counts.is_quiet());
            waker
        };
        assert!(counts.is_quiet());
        waker.wake();
        assert!(counts.is_quiet());
        drop(counted(ready(()), &counts, &socket));
        assert!(counts.is_quiet(), "it was never polled");
    }

    #[test]
    fn without_records_nothing_counts() {
        let mut counted = pin!(CountUnpolled::new(ready(7), None));
        assert_eq!(poll(counted.as_mut()), Poll::Ready(7));
    }
}
