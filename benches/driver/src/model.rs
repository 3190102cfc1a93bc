//! What the growth of cost says of the platform's largest instance, and of a thousand of them: arithmetic on figures of the
//! rows `growth`, by the assumptions that `benches/README.md` names.

use std::fmt::Write as _;

use crate::figures::Figures;
use crate::rows::growth::{AT_200_ON_ONE, AT_200_ON_TWO, AT_ONE_ON_ONE, SUBJECTS};
use crate::subjects::Kind;

/// The most requests that the platform gives an instance at a time.
const CONCURRENCY: f64 = 200.0;
/// vCPU of the largest instance, and how often two becomes that many.
const PROCESSORS: f64 = 16.0;
const DOUBLINGS: i32 = 4;
/// How full processors are run.
const UTILIZATION: f64 = 0.7;
/// How long a request stays in an instance, most of it waiting for something else: seconds.
const STAY: f64 = 0.020;
const INSTANCES: f64 = 1000.0;
/// Between two probes of an instance: seconds.
const PROBE_PERIOD: f64 = 3.0;

/// What a server costs, in microseconds.
#[derive(Debug, Clone, Copy)]
struct Cost {
    /// Of a request on one processor, with one connection and with 200.
    alone: f64,
    busy: f64,
    /// With 200 on two processors.
    busy_on_two: f64,
}

impl Cost {
    /// How many times more a request costs where there are twice the processors.
    fn growth(&self) -> f64 {
        self.busy_on_two / self.busy
    }

    /// Of a request on sixteen processors, if each doubling costs what the first one does.
    fn on_sixteen(&self) -> f64 {
        self.busy * self.growth().powi(DOUBLINGS)
    }

    /// vCPU for as many requests as the concurrency of an instance lets through (Little's law).
    fn processors(&self) -> f64 {
        CONCURRENCY / STAY * self.busy / 1e6 / UTILIZATION
    }

    /// The stay, in milliseconds, below which sixteen processors are full before 200 requests are there.
    fn break_even(&self) -> f64 {
        CONCURRENCY * self.on_sixteen() / (UTILIZATION * PROCESSORS * 1e6) * 1e3
    }

    /// vCPU of all instances for the platform's probes.
    fn probes(&self) -> f64 {
        INSTANCES * self.alone / 1e6 / PROBE_PERIOD
    }
}

/// The table, from the figures of both rows. `None` if either was not taken.
pub(crate) fn table(one: &Figures, two: &Figures) -> Option<String> {
    let mut text = "What that says of 200 concurrent requests, and of 1 000 instances, by the [model](README.md#how-cost-grows):\n\n\
                    | | CPU µs at 200, 1 processor | × on 2 | µs on 16 | vCPU for 10 000/s | 16 vCPU are full below, ms | 1 000 instances: \
                    vCPU for 10 million/s | … for probes |\n|---|--:|--:|--:|--:|--:|--:|--:|\n"
        .to_owned();
    let mut is_empty = true;
    for subject in SUBJECTS {
        let median = |figures: &Figures, measure| {
            figures.spread(measure, subject).map(|spread| spread.median).filter(|it| it.is_finite())
        };
        let (Some(alone), Some(busy), Some(busy_on_two)) =
            (median(one, &AT_ONE_ON_ONE), median(one, &AT_200_ON_ONE), median(two, &AT_200_ON_TWO))
        else {
            continue;
        };
        is_empty = false;
        let cost = Cost { alone, busy, busy_on_two };
        let name = if subject.kind == Kind::Ours { "**ours**" } else { subject.name };
        let _ = writeln!(
            text,
            "| {name} | {busy:.2} | {:.2} | {:.1} | {:.2} | {:.2} | {:.0} | {:.3} |",
            cost.growth(),
            cost.on_sixteen(),
            cost.processors(),
            cost.break_even(),
            cost.processors() * INSTANCES,
            cost.probes(),
        );
    }
    (!is_empty).then_some(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(is: f64, expected: f64) {
        assert!((is - expected).abs() < expected / 1e6, "{is} is not {expected}");
    }

    #[test]
    fn the_arithmetic() {
        let cost = Cost { alone: 30.0, busy: 10.0, busy_on_two: 12.0 };
        check(cost.growth(), 1.2);
        check(cost.on_sixteen(), 20.736);
        // 10 000 requests a second at 10 µs are a tenth of a processor, of which seven tenths are used.
        check(cost.processors(), 0.1 / 0.7);
        check(cost.break_even(), 200.0 * 20.736 / 11.2e6 * 1e3);
        check(cost.probes(), 0.01);
    }
}
