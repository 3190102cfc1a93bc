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
                Error::of_ours(StatusCode::GATEWAY_TIMEOUT, no_answer_within(call.started().elapsed()))
            }
        }
    }
}

/// Tenths of seconds without the code that prints numbers of floating point. Milliseconds where there are no tenths: a client
/// may wait for less.
fn no_answer_within(taken: Duration) -> String {
    let rounded = taken + Duration::from_millis(50);
    match (rounded.as_secs(), rounded.subsec_millis() / 100) {
        (0, 0) => format!("no answer within {} ms", taken.as_millis().max(1)),
        (seconds, tenths) => format!("no answer within {seconds}.{tenths} s"),
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

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn no_time_is_told_as_none() {
        for (micros, text) in [
            (0, "1 ms"),
            (900, "1 ms"),
            (49_999, "49 ms"),
            (50_000, "0.1 s"),
            (1_249_000, "1.2 s"),
            (1_950_000, "2.0 s"),
        ] {
            assert_eq!(no_answer_within(Duration::from_micros(micros)), format!("no answer within {text}"));
        }
    }
}
