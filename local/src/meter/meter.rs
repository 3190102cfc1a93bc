//! The meter of one function: the sums of its calls, and the time of its instances in all generations.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::time::{Duration, Instant};

use super::course::Course;
use super::fleet::Fleet;
use super::totals::{Time, Totals};

/// What one function uses.
#[derive(Debug, Default)]
pub(crate) struct Meter {
    state: Mutex<State>,
    /// That of all functions, whose course has the calls of this one too.
    all: Option<Arc<Meter>>,
}

#[derive(Debug, Default)]
struct State {
    /// Calls, and the time of generations that are gone.
    totals: Totals,
    fleets: Vec<Weak<Fleet>>,
    course: Course,
}

/// A call that has ended.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct Ended {
    /// From its arrival to its end.
    pub(crate) latency: Duration,
    /// From when it had an instance. `None` if it never had one.
    pub(crate) took: Option<Duration>,
    pub(crate) outcome: Outcome,
    pub(crate) is_cold: bool,
    pub(crate) is_probe: bool,
    pub(crate) bytes_in: u64,
    pub(crate) bytes_out: u64,
}

/// What became of a call.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Outcome {
    /// It has a reply, which tells of no failure of the function.
    Answered,
    /// The function or the platform failed.
    Failed,
    ClientLeft,
}

impl Meter {
    /// A meter whose calls are in the course of `all` too.
    pub(super) fn beside(all: &Arc<Meter>) -> Self {
        Meter { state: Mutex::default(), all: Some(Arc::clone(all)) }
    }

    /// Counts a call.
    pub(crate) fn note(&self, ended: &Ended) {
        let mut state = self.lock();
        let totals = &mut state.totals;
        match ended.took {
            Some(took) => {
                totals.invocations += 1;
                totals.probes += u64::from(ended.is_probe);
                totals.call_nanos += took.as_nanos();
            }
            None => totals.refused += u64::from(ended.outcome != Outcome::ClientLeft),
        }
        totals.errors += u64::from(ended.outcome == Outcome::Failed);
        totals.client_left += u64::from(ended.outcome == Outcome::ClientLeft);
        totals.cold_starts += u64::from(ended.is_cold);
        totals.bytes_in = totals.bytes_in.saturating_add(ended.bytes_in);
        totals.bytes_out = totals.bytes_out.saturating_add(ended.bytes_out);
        if ended.outcome != Outcome::ClientLeft {
            state.course.record(ended.latency);
            drop(state);
            if let Some(all) = &self.all {
                all.lock().course.record(ended.latency);
            }
        }
    }

    pub(super) fn add_fleet(&self, fleet: &Arc<Fleet>) {
        let mut state = self.lock();
        state.fleets.retain(|fleet| fleet.strong_count() > 0);
        state.fleets.push(Arc::downgrade(fleet));
    }

    pub(super) fn add_time(&self, time: Time) {
        self.lock().totals.time += time;
    }

    /// The sums so far, and the number of instances.
    pub(crate) fn totals(&self, now: Instant) -> (Totals, usize) {
        let state = self.lock();
        let mut totals = state.totals;
        let fleets: Vec<Arc<Fleet>> = state.fleets.iter().filter_map(Weak::upgrade).collect();
        drop(state);
        let mut instances = 0;
        for fleet in &fleets {
            let (time, alive) = fleet.time(now);
            totals.time += time;
            instances += alive;
        }
        // The last of a fleet gives its time to this meter, which must not be locked then.
        drop(fleets);
        (totals, instances)
    }

    /// Ends the current interval of the course, with the sums so far.
    pub(super) fn tick(&self, now: Instant, (totals, instances): (Totals, usize)) {
        self.lock().course.tick(now, totals, instances);
    }

    /// Looks at the course.
    pub(super) fn course<T>(&self, look: impl FnOnce(&Course) -> T) -> T {
        look(&self.lock().course)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
