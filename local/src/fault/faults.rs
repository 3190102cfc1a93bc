//! The faults of one function, call by call and start by start.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use super::chaos::{Chaos, Fault};

/// Of so many calls, one has a fault of each kind on average.
const RARITY: u64 = 8;

/// Refusals come in bursts. Every so many calls there may be one.
const BURST_EVERY: u64 = 16;

/// Decides about the faults of a function. A decision depends on the seed, the function's name and the number of the call or
/// start alone, not on the time.
#[derive(Debug)]
pub(crate) struct Faults {
    chaos: Chaos,
    /// The hash of the function's name.
    name: u64,
    calls: AtomicU64,
    starts: AtomicU64,
}

/// The faults of all functions.
#[derive(Debug, Default)]
pub(crate) struct FaultPlan {
    /// `None` if no faults are injected.
    chaos: Option<Chaos>,
    functions: Mutex<HashMap<String, Arc<Faults>>>,
}

impl FaultPlan {
    pub(crate) fn new(chaos: Option<Chaos>) -> Self {
        FaultPlan { chaos, ..FaultPlan::default() }
    }

    /// The faults of a function, which are counted on over all of its generations.
    pub(crate) fn of(&self, name: &str) -> Option<Arc<Faults>> {
        let chaos = self.chaos?;
        let mut functions = self.functions.lock().unwrap_or_else(PoisonError::into_inner);
        let own = functions.entry(name.to_owned()).or_insert_with(|| Arc::new(Faults::new(chaos, name)));
        Some(Arc::clone(own))
    }
}

/// The faults of one call. Each is taken at its point.
#[derive(Debug, Default, Clone, PartialEq, Eq)]
pub(crate) struct CallFaults {
    /// The number of the call among the function's calls, from 1.
    pub(crate) ordinal: u64,
    pub(crate) throttle: Option<u16>,
    pub(crate) idle: bool,
    pub(crate) reuse: bool,
    pub(crate) freeze: Option<Duration>,
    pub(crate) upstream: Option<Duration>,
    pub(crate) leave: Option<u64>,
}

impl Faults {
    pub(crate) fn new(chaos: Chaos, function: &str) -> Self {
        // FNV-1a: the same in each run, as the standard library's hashes are not.
        let name = function.bytes().fold(0xcbf2_9ce4_8422_2325, |hash: u64, byte| {
            (hash ^ u64::from(byte)).wrapping_mul(0x0100_0000_01b3)
        });
        Faults { chaos, name, calls: AtomicU64::new(0), starts: AtomicU64::new(0) }
    }

    /// The faults of the next call.
    pub(crate) fn next_call(&self) -> CallFaults {
        self.of_call(self.calls.fetch_add(1, Ordering::Relaxed) + 1)
    }

    fn of_call(&self, ordinal: u64) -> CallFaults {
        let millis = |at: u64| Duration::from_millis(at);
        CallFaults {
            ordinal,
            throttle: self.throttle(ordinal),
            idle: self.draw(Fault::Idle, ordinal).is_some(),
            reuse: self.draw(Fault::Reuse, ordinal).is_some(),
            freeze: self.draw(Fault::Freeze(Duration::ZERO), ordinal).map(|bits| millis(50 + bits % 350)),
            upstream: self.draw(Fault::Upstream(Duration::ZERO), ordinal).map(|bits| millis(bits % 50)),
            // Small replies are cut too, and large ones far within.
            leave: self.draw(Fault::Leave(0), ordinal).map(|bits| (bits >> 8) % (1 << (bits % 16))),
        }
    }

    /// The number of the next start, and its delay.
    pub(crate) fn next_start(&self) -> Option<(u64, Duration)> {
        let ordinal = self.starts.fetch_add(1, Ordering::Relaxed) + 1;
        let bits = self.draw(Fault::SlowStart(Duration::ZERO), ordinal)?;
        Some((ordinal, Duration::from_millis(100 + bits % 900)))
    }

    /// The status of the refusal, if the call is within a burst: one to four calls in a row.
    fn throttle(&self, ordinal: u64) -> Option<u16> {
        let bits = self.draw_of_burst(ordinal / BURST_EVERY)?;
        let (begin, length) = (bits % (BURST_EVERY - 3), 1 + (bits >> 8) % 4);
        let is_within = (begin..begin + length).contains(&(ordinal % BURST_EVERY));
        is_within.then_some(if bits & (1 << 16) == 0 { 429 } else { 503 })
    }

    fn draw_of_burst(&self, number: u64) -> Option<u64> {
        let fault = Fault::Throttle(0);
        let bits = self.bits(fault, number);
        (self.chaos.has(fault) && bits.is_multiple_of(2)).then_some(bits >> 8)
    }

    /// Random bits if the fault comes at `ordinal`.
    fn draw(&self, fault: Fault, ordinal: u64) -> Option<u64> {
        let bits = self.bits(fault, ordinal);
        (self.chaos.has(fault) && bits.is_multiple_of(RARITY)).then_some(bits >> 8)
    }

    fn bits(&self, fault: Fault, ordinal: u64) -> u64 {
        let kind = fault.index() as u64;
        mix(mix(mix(self.chaos.seed ^ self.name).wrapping_add(kind)).wrapping_add(ordinal))
    }
}

/// The finalizer of `SplitMix64`: near numbers give unrelated bits.
fn mix(number: u64) -> u64 {
    let number = number.wrapping_add(0x9e37_79b9_7f4a_7c15);
    let number = (number ^ (number >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
    let number = (number ^ (number >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
    number ^ (number >> 31)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn calls(chaos: &str, function: &str) -> Vec<CallFaults> {
        let faults = Faults::new(chaos.parse().unwrap(), function);
        (0..2_000).map(|_| faults.next_call()).collect()
    }

    #[test]
    fn the_same_seed_gives_the_same_faults_and_another_one_others() {
        assert_eq!(calls("1", "f"), calls("1", "f"));
        assert_ne!(calls("1", "f"), calls("2", "f"));
        assert_ne!(calls("1", "f"), calls("1", "g"));
    }

    #[test]
    fn a_kind_comes_where_it_came_among_others() {
        let (all, some) = (calls("5", "f"), calls("5:leave,idle", "f"));
        for (all, some) in all.iter().zip(&some) {
            assert_eq!((all.leave, all.idle), (some.leave, some.idle));
            assert_eq!((some.throttle, some.reuse, some.freeze, some.upstream), (None, false, None, None));
        }
    }

    #[test]
    fn each_kind_comes_now_and_then() {
        let all = calls("3", "f");
        let count = |wanted: fn(&CallFaults) -> bool| all.iter().filter(|call| wanted(call)).count();
        for count in [
            count(|call| call.idle),
            count(|call| call.reuse),
            count(|call| call.freeze.is_some()),
            count(|call| call.upstream.is_some()),
            count(|call| call.leave.is_some()),
            count(|call| call.throttle == Some(429)),
            count(|call| call.throttle == Some(503)),
        ] {
            assert!((50..=500).contains(&count), "{count} of 2000");
        }
        let starts = Faults::new("3".parse().unwrap(), "f");
        let slow = (0..2_000).filter(|_| starts.next_start().is_some()).count();
        assert!((50..=500).contains(&slow), "{slow} of 2000");
    }
}
