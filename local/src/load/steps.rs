//! What one rate has shown.

use std::collections::BTreeMap;
use std::time::Duration;

use super::search::Goal;
use super::tally::{Failed, Tally};
use super::usage::Course;

/// The share of the wanted rate that has to be reached, of 0 to 1.
const REACHED_MIN: f64 = 0.95;

/// The requests of one rate.
#[derive(Debug)]
pub(crate) struct Step {
    /// The wanted rate, in requests per second.
    pub(crate) rate: f64,
    /// For how long requests were due.
    pub(crate) time: Duration,
    pub(crate) tally: Tally,
    /// What became of the instances, where fc-local runs them.
    pub(crate) course: Course,
    /// Whether the load was ended before its time.
    pub(crate) is_stopped: bool,
    /// The first error of each kind.
    pub(crate) errors: BTreeMap<Failed, String>,
}

impl Step {
    /// Right replies per second, until the last one.
    pub(crate) fn achieved(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "numbers of requests are far below 2^52")]
        let right = self.tally.right as f64;
        right / self.time.max(self.tally.last).as_secs_f64().max(f64::EPSILON)
    }

    /// Why the rate is too high, if it is.
    pub(crate) fn excess(&self, goal: &Goal) -> Option<String> {
        let (tally, slowest) = (&self.tally, self.tally.percentile(99.0));
        if tally.right_share() < goal.right_min {
            return Some(format!("{:.1} % of the replies are right", tally.right_share() * 100.0));
        }
        if slowest > goal.latency_max {
            return Some(format!("p99 is {} ms", slowest.as_millis()));
        }
        let reached = self.achieved() / self.rate;
        (reached < REACHED_MIN).then(|| format!("{:.0} % of the rate is reached", reached * 100.0))
    }

    /// Right replies per second and instance, where the instances are known.
    pub(crate) fn per_instance(&self) -> Option<f64> {
        let instances = u32::try_from(self.course.instances()).ok().filter(|count| *count > 0)?;
        Some(self.achieved() / f64::from(instances))
    }

    /// The processor time of one call, where it is known.
    pub(crate) fn cpu_per_call(&self) -> Option<Duration> {
        let right = u32::try_from(self.tally.right).ok().filter(|right| *right > 0)?;
        Some(self.course.cpu() / right).filter(|cpu| !cpu.is_zero())
    }
}
