//! The instances of one generation: how long they were active, and how long idle though kept.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use super::meter::Meter;
use super::totals::Time;

/// The disk that the platform does not bill, in MiB.
const DISK_FREE_MIB: u32 = 512;

/// What an instance has while it is there.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Rate {
    pub(crate) memory_mib: u32,
    /// Thousandths of a vCPU.
    pub(crate) cpu_millis: u32,
    pub(crate) disk_mib: u32,
}

/// The instances of one generation.
#[derive(Debug)]
pub(crate) struct Fleet {
    meter: Arc<Meter>,
    rate: Rate,
    state: Mutex<State>,
}

#[derive(Debug)]
struct State {
    /// The instances that are kept although nothing calls them.
    kept: usize,
    alive: usize,
    active: usize,
    /// Until when the time is counted.
    until: Instant,
    /// The time of all instances, in nanoseconds: with a call, and without one though kept.
    active_nanos: u64,
    idle_nanos: u64,
}

/// One instance of the fleet. The drop says that it is gone.
#[derive(Debug)]
pub(crate) struct Presence {
    fleet: Arc<Fleet>,
    calls: Mutex<Calls>,
}

#[derive(Debug, Default)]
struct Calls {
    count: usize,
    /// Since when there is at least one.
    since: Option<Instant>,
}

impl Fleet {
    pub(crate) fn new(meter: &Arc<Meter>, rate: Rate, kept: usize) -> Arc<Self> {
        let state =
            State { kept, alive: 0, active: 0, until: Instant::now(), active_nanos: 0, idle_nanos: 0 };
        let fleet = Arc::new(Fleet { meter: Arc::clone(meter), rate, state: Mutex::new(state) });
        meter.add_fleet(&fleet);
        fleet
    }

    /// How many instances are kept from now on.
    pub(crate) fn set_kept(&self, count: usize) {
        let mut state = self.lock();
        state.count(Instant::now());
        state.kept = count;
    }

    /// Another instance.
    pub(crate) fn join(self: &Arc<Self>) -> Presence {
        let mut state = self.lock();
        state.count(Instant::now());
        state.alive += 1;
        drop(state);
        Presence { fleet: Arc::clone(self), calls: Mutex::default() }
    }

    /// Time that is billed as that of a call: a hook's.
    pub(crate) fn add_active(&self, time: Duration) {
        self.lock().active_nanos += nanos(time);
    }

    /// The time so far, and the number of instances.
    pub(super) fn time(&self, now: Instant) -> (Time, usize) {
        let mut state = self.lock();
        state.count(now);
        (state.time(self.rate), state.alive)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.count(Instant::now());
        self.meter.add_time(state.time(self.rate));
    }
}

impl State {
    /// Counts the time until now. Calls pass here at their begin and their end, so there is no more to it than this.
    fn count(&mut self, now: Instant) {
        let passed = nanos(now.saturating_duration_since(self.until));
        self.until = self.until.max(now);
        self.active_nanos += self.active as u64 * passed;
        // Calls go to the kept instances first, so those that are active are no idle ones.
        self.idle_nanos += self.kept.min(self.alive).saturating_sub(self.active) as u64 * passed;
    }

    /// What was used, at the rate of each instance.
    fn time(&self, rate: Rate) -> Time {
        let (active, idle) = (u128::from(self.active_nanos), u128::from(self.idle_nanos));
        let (cpu, memory) = (u128::from(rate.cpu_millis), u128::from(rate.memory_mib));
        Time {
            active_nanos: active,
            idle_nanos: idle,
            active_cpu: active * cpu,
            idle_cpu: idle * cpu,
            active_memory: active * memory,
            idle_memory: idle * memory,
            disk: (active + idle) * u128::from(rate.disk_mib.saturating_sub(DISK_FREE_MIB)),
        }
    }
}

/// In nanoseconds, of which a number of 64 bits holds centuries.
fn nanos(time: Duration) -> u64 {
    u64::try_from(time.as_nanos()).unwrap_or(u64::MAX)
}

impl Presence {
    /// A call begins.
    pub(crate) fn begin(&self, now: Instant) {
        let mut calls = self.lock();
        calls.count += 1;
        if calls.count == 1 {
            calls.since = Some(now);
            let mut state = self.fleet.lock();
            state.count(now);
            state.active += 1;
        }
    }

    /// A call ends.
    pub(crate) fn end(&self, now: Instant) {
        let mut calls = self.lock();
        calls.count = calls.count.saturating_sub(1);
        if calls.count == 0
            && let Some(since) = calls.since.take()
        {
            self.rest(since, now);
        }
    }

    /// The instance has no call any more. Its time is billed in whole milliseconds.
    fn rest(&self, since: Instant, now: Instant) {
        const MILLI: u64 = 1_000_000;
        let took = nanos(now.saturating_duration_since(since));
        let mut state = self.fleet.lock();
        state.count(now);
        state.active_nanos += took.next_multiple_of(MILLI) - took;
        state.active = state.active.saturating_sub(1);
    }

    pub(crate) fn fleet(&self) -> &Fleet {
        &self.fleet
    }

    fn lock(&self) -> MutexGuard<'_, Calls> {
        self.calls.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Presence {
    fn drop(&mut self) {
        let calls = self.calls.get_mut().unwrap_or_else(PoisonError::into_inner);
        if let Some(since) = calls.since.take() {
            self.rest(since, Instant::now());
        }
        let mut state = self.fleet.lock();
        state.count(Instant::now());
        state.alive = state.alive.saturating_sub(1);
    }
}
