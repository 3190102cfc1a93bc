//! A connection's turns: from its task's wake to its next poll, a request may wait in its socket.
//!
//! Records of requests that come together are written together. What tells that more are to come is the count of
//! connections that were woken and have had no turn since; who has had the last turn lets the records go.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll, Wake, Waker};

use pin_project_lite::pin_project;

use crate::log::sink;
use crate::tally::Tally;

pin_project! {
    /// A connection that counts while it waits for its turn, from the moment it is made. Without a tally, where there are
    /// no records, only the connection.
    pub(super) struct Turns<F> {
        #[pin]
        connection: F,
        tally: Option<Arc<Tally>>,
        turn: Option<(Arc<Turn>, Waker)>,
    }

    impl<F> PinnedDrop for Turns<F> {
        fn drop(this: Pin<&mut Self>) {
            let this = this.project();
            let Some(tally) = this.tally else { return };
            match this.turn {
                Some((turn, _)) => turn.enter(GONE),
                None => tally.turn(),
            }
            sink::settle(|| tally.is_quiet());
        }
    }
}

impl<F> Turns<F> {
    pub(super) fn new(connection: F, tally: Option<Arc<Tally>>) -> Self {
        if let Some(tally) = &tally {
            tally.wake();
        }
        Self { connection, tally, turn: None }
    }
}

impl<F: Future> Future for Turns<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        let this = self.project();
        let Some(tally) = this.tally else { return this.connection.poll(cx) };
        let (turn, waker) = this.turn.get_or_insert_with(|| {
            let turn = Arc::new(Turn {
                state: AtomicU8::new(WOKEN),
                task: cx.waker().clone(),
                tally: Arc::clone(tally),
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

/// What wakes a connection's task. A task of an executor has one waker all its life.
struct Turn {
    state: AtomicU8,
    task: Waker,
    tally: Arc<Tally>,
}

const IDLE: u8 = 0;
/// Counted.
const WOKEN: u8 = 1;
/// In its turn, and not counted: a connection does not wait for itself with the records of its requests.
const RUNNING: u8 = 2;
/// Woken in its turn, and counted when that ends.
const AGAIN: u8 = 3;
/// Wakes count no more.
const GONE: u8 = 4;

impl Turn {
    /// What was waited for is here.
    fn enter(&self, state: u8) {
        if self.state.swap(state, Ordering::AcqRel) == WOKEN {
            self.tally.turn();
        }
    }

    fn leave(&self) {
        if self.state.compare_exchange(RUNNING, IDLE, Ordering::AcqRel, Ordering::Relaxed).is_err() {
            self.tally.wake();
            self.state.store(WOKEN, Ordering::Release);
        }
    }
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.wake_by_ref();
    }

    fn wake_by_ref(self: &Arc<Self>) {
        let woken = self.state.fetch_update(Ordering::AcqRel, Ordering::Relaxed, |state| match state {
            IDLE => Some(WOKEN),
            RUNNING => Some(AGAIN),
            _ => None,
        });
        if woken == Ok(IDLE) {
            self.tally.wake();
        }
        self.task.wake_by_ref();
    }
}

#[cfg(test)]
mod tests {
    use std::future::{pending, ready};
    use std::pin::pin;

    use super::*;

    struct Nobody;

    impl Wake for Nobody {
        fn wake(self: Arc<Self>) {}
    }

    fn poll<F: Future>(turns: Pin<&mut Turns<F>>) -> Poll<F::Output> {
        turns.poll(&mut Context::from_waker(&Waker::from(Arc::new(Nobody))))
    }

    fn waker<F>(turns: &Turns<F>) -> Waker {
        turns.turn.as_ref().unwrap().1.clone()
    }

    #[test]
    fn a_connection_may_bring_something_until_its_first_turn() {
        let tally = Arc::new(Tally::default());
        assert!(tally.is_quiet());
        let mut turns = pin!(Turns::new(pending::<()>(), Some(Arc::clone(&tally))));
        assert!(!tally.is_quiet());
        assert!(poll(turns.as_mut()).is_pending());
        assert!(tally.is_quiet());
    }

    #[test]
    fn and_from_each_wake_to_the_next_turn() {
        let tally = Arc::new(Tally::default());
        let mut turns = pin!(Turns::new(pending::<()>(), Some(Arc::clone(&tally))));
        assert!(poll(turns.as_mut()).is_pending());
        let waker = waker(&turns);
        waker.wake_by_ref();
        waker.wake_by_ref();
        assert!(!tally.is_quiet());
        assert!(poll(turns.as_mut()).is_pending());
        assert!(tally.is_quiet(), "two wakes are one turn");
    }

    #[test]
    fn one_that_is_woken_in_its_turn_waits_for_the_next() {
        let tally = Arc::new(Tally::default());
        let during = Arc::clone(&tally);
        let connection = std::future::poll_fn(move |cx| {
            cx.waker().wake_by_ref();
            assert!(during.is_quiet(), "it does not wait for itself");
            Poll::<()>::Pending
        });
        let mut turns = pin!(Turns::new(connection, Some(Arc::clone(&tally))));
        for _ in 0..2 {
            assert!(poll(turns.as_mut()).is_pending());
            assert!(!tally.is_quiet());
        }
    }

    #[test]
    fn one_that_is_gone_brings_nothing_whoever_wakes_it() {
        let tally = Arc::new(Tally::default());
        let waker = {
            let mut turns = pin!(Turns::new(pending::<()>(), Some(Arc::clone(&tally))));
            assert!(poll(turns.as_mut()).is_pending());
            let waker = waker(&turns);
            waker.wake_by_ref();
            assert!(!tally.is_quiet());
            waker
        };
        assert!(tally.is_quiet());
        waker.wake();
        assert!(tally.is_quiet());
        drop(Turns::new(ready(()), Some(Arc::clone(&tally))));
        assert!(tally.is_quiet(), "it never had a turn");
    }

    #[test]
    fn without_records_nothing_counts() {
        let mut turns = pin!(Turns::new(ready(7), None));
        assert_eq!(poll(turns.as_mut()), Poll::Ready(7));
    }
}
