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
    time: Time,
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
        let state = State { kept, alive: 0, active: 0, until: Instant::now(), time: Time::default() };
        let fleet = Arc::new(Fleet { meter: Arc::clone(meter), rate, state: Mutex::new(state) });
        meter.add_fleet(&fleet);
        fleet
    }

    /// How many instances are kept from now on.
    pub(crate) fn set_kept(&self, count: usize) {
        let mut state = self.lock();
        state.count(Instant::now(), self.rate);
        state.kept = count;
    }

    /// Another instance.
    pub(crate) fn join(self: &Arc<Self>) -> Presence {
        let mut state = self.lock();
        state.count(Instant::now(), self.rate);
        state.alive += 1;
        drop(state);
        Presence { fleet: Arc::clone(self), calls: Mutex::default() }
    }

    /// Time that is billed as that of a call: a hook's.
    pub(crate) fn add_active(&self, time: Duration) {
        let mut state = self.lock();
        state.add(time, self.rate);
    }

    /// The time so far, and the number of instances.
    pub(super) fn time(&self, now: Instant) -> (Time, usize) {
        let mut state = self.lock();
        state.count(now, self.rate);
        (state.time, state.alive)
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Drop for Fleet {
    fn drop(&mut self) {
        let state = self.state.get_mut().unwrap_or_else(PoisonError::into_inner);
        state.count(Instant::now(), self.rate);
        self.meter.add_time(state.time);
    }
}

impl State {
    /// Counts the time until now, at the rate of each instance that is billed.
    fn count(&mut self, now: Instant, rate: Rate) {
        let nanos = now.saturating_duration_since(self.until).as_nanos();
        self.until = self.until.max(now);
        // Calls go to the kept instances first, so those that are active are no idle ones.
        let idle = self.kept.min(self.alive).saturating_sub(self.active) as u128 * nanos;
        self.active(self.active as u128 * nanos, rate);
        self.time.idle_nanos += idle;
        self.time.idle_cpu += idle * u128::from(rate.cpu_millis);
        self.time.idle_memory += idle * u128::from(rate.memory_mib);
        self.time.disk += idle * u128::from(rate.disk_mib.saturating_sub(DISK_FREE_MIB));
    }

    fn add(&mut self, time: Duration, rate: Rate) {
        self.active(time.as_nanos(), rate);
    }

    fn active(&mut self, nanos: u128, rate: Rate) {
        self.time.active_nanos += nanos;
        self.time.active_cpu += nanos * u128::from(rate.cpu_millis);
        self.time.active_memory += nanos * u128::from(rate.memory_mib);
        self.time.disk += nanos * u128::from(rate.disk_mib.saturating_sub(DISK_FREE_MIB));
    }
}

impl Presence {
    /// A call begins.
    pub(crate) fn begin(&self) {
        let mut calls = self.lock();
        calls.count += 1;
        if calls.count == 1 {
            let now = Instant::now();
            calls.since = Some(now);
            let mut state = self.fleet.lock();
            state.count(now, self.fleet.rate);
            state.active += 1;
        }
    }

    /// A call ends.
    pub(crate) fn end(&self) {
        let mut calls = self.lock();
        calls.count = calls.count.saturating_sub(1);
        if calls.count == 0
            && let Some(since) = calls.since.take()
        {
            self.rest(since);
        }
    }

    /// The instance has no call any more. Its time is billed in whole milliseconds.
    fn rest(&self, since: Instant) {
        const MILLI: u128 = 1_000_000;
        let now = Instant::now();
        let nanos = now.saturating_duration_since(since).as_nanos();
        let rounding = u64::try_from(nanos.next_multiple_of(MILLI) - nanos).unwrap_or(0);
        let mut state = self.fleet.lock();
        state.count(now, self.fleet.rate);
        state.add(Duration::from_nanos(rounding), self.fleet.rate);
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
            self.rest(since);
        }
        let mut state = self.fleet.lock();
        state.count(Instant::now(), self.fleet.rate);
        state.alive = state.alive.saturating_sub(1);
    }
}
