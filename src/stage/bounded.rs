//! Runs a handler under the panic guard and its deadline. Used for requests and event calls.

use std::future::poll_fn;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use http::StatusCode;

use crate::error::Error;
use crate::exchange::{Call, Shared};
use crate::stage::{Begin, PanicGuard};
use crate::timer::Deadline;

/// A handler, before or during its run. Its owner ends it with [`Bounded::end`], because `PanicGuard` needs the call
/// for that.
pub(crate) struct Bounded<F, T> {
    guard: PanicGuard<F, T>,
    deadline: Deadline,
}

/// Why a handler gave no value.
pub(crate) enum Failure {
    Panicked,
    Late,
}

impl<F: Begin<T>, T> Bounded<F, T> {
    pub(crate) fn new(start: F) -> Self {
        Self { guard: PanicGuard::new(start), deadline: Deadline::NotAsked }
    }

    /// Polls the handler, and stores its value in `value`. Replies are large: a return value would be moved once more.
    #[allow(clippy::inline_always, reason = "every request does it")]
    #[inline(always)]
    pub(crate) fn poll<S>(
        &mut self,
        call: &Arc<Call>,
        shared: &Shared<S>,
        value: &mut Option<T>,
        cx: &mut Context<'_>,
    ) -> Result<(), Failure> {
        if self.guard.poll(call, value, cx).is_err() {
            return Err(Failure::Panicked);
        }
        if value.is_none() && self.deadline.poll(cx, || shared.deadline(call)).is_ready() {
            self.guard.end(call);
            return Err(Failure::Late);
        }
        Ok(())
    }
}

impl<F, T> Bounded<F, T> {
    /// Drops the handler's future, if it has started.
    pub(crate) fn end(&mut self, call: &Arc<Call>) {
        self.guard.end(call);
    }
}

impl Failure {
    /// Counts a panic, and gives the error for the caller.
    pub(crate) fn into_error<S>(self, call: &Call, shared: &Shared<S>, panicked: &'static str) -> Error {
        match self {
            Self::Panicked => shared.panicked(panicked),
            Self::Late => {
                // Rounded to tenths, without the code that prints numbers of floating point.
                let taken = call.started().elapsed() + Duration::from_millis(50);
                let (seconds, tenths) = (taken.as_secs(), taken.subsec_millis() / 100);
                Error::of_ours(StatusCode::GATEWAY_TIMEOUT, format!("no answer within {seconds}.{tenths} s"))
            }
        }
    }
}

/// Runs a handler to its end, in the task that awaits this future.
pub(crate) async fn run_bounded<S, F, T>(call: &Arc<Call>, shared: &Shared<S>, start: F) -> Result<T, Failure>
where
    F: Begin<T>,
{
    let mut running = Running { call, bounded: Bounded::new(start) };
    poll_fn(|cx| {
        let mut value = None;
        match running.bounded.poll(call, shared, &mut value, cx) {
            Ok(()) => value.map_or(Poll::Pending, |value| Poll::Ready(Ok(value))),
            Err(failure) => Poll::Ready(Err(failure)),
        }
    })
    .await
}

/// Ends the handler when the future of [`run_bounded`] is dropped.
struct Running<'c, F, T> {
    call: &'c Arc<Call>,
    bounded: Bounded<F, T>,
}

impl<F, T> Drop for Running<'_, F, T> {
    fn drop(&mut self) {
        self.bounded.end(self.call);
    }
}
