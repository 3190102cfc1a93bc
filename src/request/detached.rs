//! Handlers that finish after their client has left ([`HangUpPolicy::Finish`](crate::HangUpPolicy::Finish)): in flight,
//! counted, and bounded in number.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::counters::{FinishPermit, InFlight, LiveCounters};
use crate::exchange::Call;
use crate::log::{current, say};
use crate::roll::Place;

/// The shared state of a handler that runs to its end.
struct Finishing {
    call: Arc<Call>,
    counts: Arc<LiveCounters>,
    state: Mutex<State>,
}

enum State {
    /// The request is in flight, and has a record.
    Attached,
    /// The client has left and the record is written. The handler itself is in flight.
    Detached(Place),
    Over,
}

/// Held by the request that waits for the handler. A drop before the handler's end means that the client has left.
pub(crate) struct Leash(Arc<Finishing>);

/// Held by the handler's task.
pub(crate) struct Running(
    Arc<Finishing>,
    #[allow(dead_code, reason = "counts until it is dropped")] FinishPermit,
);

/// Creates both sides for a handler that is about to run. `None` if `most` handlers run already.
pub(crate) fn begin(call: &Arc<Call>, counts: &Arc<LiveCounters>, most: u64) -> Option<(Leash, Running)> {
    let permit = FinishPermit::take(counts, most)?;
    let state = Mutex::new(State::Attached);
    let finishing = Arc::new(Finishing { call: Arc::clone(call), counts: Arc::clone(counts), state });
    let running = Running(Arc::clone(&finishing), permit);
    Some((Leash(finishing), running))
}

impl Finishing {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Marks the handler as ended. True if the handler itself was in flight.
    fn end(&self) -> bool {
        let before = std::mem::replace(&mut *self.state(), State::Over);
        let State::Detached(place) = before else { return false };
        self.counts.roll.leave(place);
        true
    }
}

impl Drop for Leash {
    fn drop(&mut self) {
        let Finishing { counts, .. } = &*self.0;
        let mut state = self.0.state();
        // If a shutdown cuts the request, its record counts the cut.
        if matches!(*state, State::Attached) && !counts.is_cutting() {
            counts.in_flight.add();
            *state = State::Detached(counts.roll.enter(Arc::clone(&self.0) as _));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        if self.0.end() {
            self.0.counts.in_flight.take();
        }
    }
}

impl InFlight for Finishing {
    fn cut(&self, counts: &LiveCounters, _: bool) {
        if !self.end() {
            return;
        }
        counts.cut.add();
        counts.in_flight.take();
        let _entered = current::enter(Arc::clone(&self.call) as _);
        say::warn(format_args!("the shutdown cuts a handler that runs without its client"));
    }
}
