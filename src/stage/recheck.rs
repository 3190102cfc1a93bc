//! A last look for the client, after a handler that may have held its thread.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::Duration;

use tokio::task::yield_now;

use crate::exchange::Call;

/// Who takes longer may have kept its thread from seeing a client leave. A look costs a turn of the executor.
const LONG: Duration = Duration::from_millis(5);

/// Lets the executor look at its sockets before a reply is made: what waits there concerns this request too. Dropped
/// while it waits, it belongs to a client that has left.
pub(crate) struct Recheck {
    turn: Arc<Turn>,
    /// In the first turn the sockets tell; in the second those that are told have had theirs.
    left: u8,
}

/// Woken behind the executor's look at its sockets. Its task may be woken by others before that.
struct Turn {
    is_over: AtomicBool,
    task: Waker,
}

impl Wake for Turn {
    fn wake(self: Arc<Self>) {
        self.is_over.store(true, Ordering::Release);
        self.task.wake_by_ref();
    }
}

impl Turn {
    fn begin(cx: &Context<'_>) -> Arc<Self> {
        let turn = Arc::new(Self { is_over: AtomicBool::new(false), task: cx.waker().clone() });
        let waker = Waker::from(Arc::clone(&turn));
        // It asks to be woken, and that is all.
        let _ = pin!(yield_now()).poll(&mut Context::from_waker(&waker));
        turn
    }
}

impl Recheck {
    /// `None` for a request that was handled in no time, as far as anybody has looked at the clock.
    pub(crate) fn begin(call: &Call, cx: &Context<'_>) -> Option<Self> {
        let is_long = call.peer.is_some() && call.started_before().is_some_and(|at| at.elapsed() >= LONG);
        is_long.then(|| Self { turn: Turn::begin(cx), left: 1 })
    }

    pub(crate) fn poll(&mut self, cx: &Context<'_>) -> Poll<()> {
        while self.turn.is_over.load(Ordering::Acquire) {
            match self.left.checked_sub(1) {
                None => return Poll::Ready(()),
                Some(left) => (self.left, self.turn) = (left, Turn::begin(cx)),
            }
        }
        Poll::Pending
    }
}

/// The same for who is a future of its own.
pub(crate) async fn recheck(call: &Call) {
    let mut recheck = None;
    poll_fn(|cx| {
        let begun = recheck.get_or_insert_with(|| Recheck::begin(call, cx));
        begun.as_mut().map_or(Poll::Ready(()), |recheck| recheck.poll(cx))
    })
    .await;
}
