//! A round of the executor between a handler and its reply: a second check for a client's leaving, after a handler that may
//! have blocked its thread, or the moment in which hyper writes `100 Continue`.

use std::future::poll_fn;
use std::pin::pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, Wake, Waker};
use std::time::{Duration, Instant};

use tokio::task::yield_now;

use crate::exchange::Call;

/// A handler that took at least this long may have kept its thread from noticing that the client left. A check costs
/// one round of the executor.
const LONG: Duration = Duration::from_millis(5);

/// Lets the executor poll its sockets before a reply is sent. If the client has left, the request's future is dropped
/// during this wait.
pub(crate) struct Recheck {
    turn: Arc<Turn>,
    /// The rounds that are left. In the first round the sockets report; in the second the tasks that they woke are
    /// polled.
    left: u8,
}

/// A waker that the executor wakes after it has polled its sockets. Other wakes of the request's task may come earlier.
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
        // The poll only registers the wake.
        let _ = pin!(yield_now()).poll(&mut Context::from_waker(&waker));
        turn
    }
}

impl Recheck {
    /// `None` if the handler was fast, or if the start time was never read. A reply that streams the body of a client that
    /// waits for `100 Continue` waits for a round too: hyper writes no 100 behind the head of a reply.
    #[inline]
    pub(crate) fn begin(call: &Call, is_stream: bool, cx: &Context<'_>) -> Option<Self> {
        let started = call.started_before();
        if started.is_none() && !is_stream { None } else { Self::begin_if_late(call, started, is_stream, cx) }
    }

    fn begin_if_late(
        call: &Call,
        started: Option<Instant>,
        is_stream: bool,
        cx: &Context<'_>,
    ) -> Option<Self> {
        let late = started.filter(|_| call.peer.is_some()).and_then(|at| at.checked_add(LONG));
        let is_long = late.is_some_and(|late| Instant::now() >= late);
        let is_awaited = is_stream && call.expects_continue() && call.body_state().is_taken();
        (is_long || is_awaited).then(|| Self { turn: Turn::begin(cx), left: 1 })
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

/// The same check as an `async` function.
pub(crate) async fn recheck(call: &Call, is_stream: bool) {
    let mut recheck = None;
    poll_fn(|cx| {
        let begun = recheck.get_or_insert_with(|| Recheck::begin(call, is_stream, cx));
        begun.as_mut().map_or(Poll::Ready(()), |recheck| recheck.poll(cx))
    })
    .await;
}
