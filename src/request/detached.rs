//! Handlers that finish: in flight and counted when their client has left, and never too many.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::counters::{InFlight, LiveCounters};
use crate::exchange::Call;
use crate::log::{current, say};
use crate::roll::Place;

/// A handler that runs to its end, as its two sides share it.
struct Finishing {
    call: Arc<Call>,
    counts: Arc<LiveCounters>,
    state: Mutex<State>,
}

enum State {
    /// Its request is in flight, with a record.
    Attached,
    /// Its client has left: the record is written, and the handler is in flight by itself.
    Detached(Place),
    Over,
}

/// Held by who waits for the handler. Dropped early, its client has left.
pub(crate) struct Leash(Arc<Finishing>);

/// Held by the handler's task.
pub(crate) struct Running(Arc<Finishing>);

/// Both sides of a handler that is about to run; `None` when so many run already.
pub(crate) fn begin(call: &Arc<Call>, counts: &Arc<LiveCounters>, most: u64) -> Option<(Leash, Running)> {
    counts.finishing.add();
    let state = Mutex::new(State::Attached);
    let finishing = Arc::new(Finishing { call: Arc::clone(call), counts: Arc::clone(counts), state });
    // Taken back when it is dropped.
    let running = Running(Arc::clone(&finishing));
    (counts.finishing.get() <= most).then(|| (Leash(finishing), running))
}

impl Finishing {
    fn state(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether it was in flight by itself until now.
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
        // A request that a shutdown cuts is counted by its record.
        if matches!(*state, State::Attached) && !counts.is_cutting() {
            counts.in_flight.add();
            *state = State::Detached(counts.roll.enter(Arc::clone(&self.0) as _));
        }
    }
}

impl Drop for Running {
    fn drop(&mut self) {
        self.0.counts.finishing.take();
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
        say::warn(format_args!("a handler that went on without its client is cut by the shutdown"));
    }
}
