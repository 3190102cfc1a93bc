//! What functions used: the course of the last minutes, the sums since the start, and what those would cost.

use std::time::{Duration, Instant};

use crate::meter::{Meters, Point, Prices, TICK, Totals};

/// How far back charts go.
pub(super) const BACK: Duration = Duration::from_secs(15 * 60);

/// One interval of all functions together, by its distance from now.
#[derive(Debug, Clone, Copy, Default, PartialEq)]
pub(super) struct Interval {
    pub(super) seconds_ago: f64,
    pub(super) requests_per_second: f64,
    pub(super) failed_per_second: f64,
    pub(super) left_per_second: f64,
    pub(super) cold_starts: f64,
    pub(super) instances: f64,
    /// Of the slowest function. `None` without a call.
    pub(super) p50: Option<Duration>,
    pub(super) p99: Option<Duration>,
}

/// The sums of one function since the start.
#[derive(Debug, Clone)]
pub(super) struct FunctionSums {
    pub(super) name: String,
    pub(super) used: Totals,
    pub(super) p50: Option<Duration>,
    pub(super) p99: Option<Duration>,
    pub(super) cost: Option<f64>,
}

/// What functions used.
#[derive(Debug, Clone, Default)]
pub(super) struct Course {
    /// The oldest first.
    pub(super) intervals: Vec<Interval>,
    pub(super) functions: Vec<FunctionSums>,
    /// The currency, where the prices are from, and of when they are.
    pub(super) prices: Option<[String; 3]>,
}

impl Course {
    /// The sums of all functions.
    pub(super) fn sums(&self) -> Totals {
        self.functions.iter().fold(Totals::default(), |mut sum, own| {
            sum += own.used;
            sum
        })
    }
}

/// Asks for the course of all functions.
pub(super) fn course(meters: &Meters) -> Course {
    let now = Instant::now();
    let points: Vec<Vec<Point>> = meters.names().iter().map(|name| meters.course(name)).collect();
    let prices = Prices::own().ok();
    let functions = meters.usage(None).functions.into_iter().map(|own| FunctionSums {
        cost: prices.as_ref().map(|prices| prices.cost(&own.used.billable(), 1.0).sum()),
        name: own.name,
        used: own.used,
        p50: own.p50,
        p99: own.p99,
    });
    Course {
        intervals: intervals(&points, now),
        functions: functions.collect(),
        prices: prices.map(|prices| [prices.currency, prices.source, prices.date]),
    }
}

/// Puts the intervals of all functions together. One in which nothing was used is zero.
fn intervals(functions: &[Vec<Point>], now: Instant) -> Vec<Interval> {
    let step = TICK.as_secs_f64();
    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a small whole number")]
    let count = (BACK.as_secs_f64() / step) as usize;
    // The end of the latest interval is the same for all functions.
    let latest = functions.iter().flatten().map(|point| point.end).max().unwrap_or(now);
    #[expect(clippy::cast_precision_loss, reason = "small numbers")]
    let mut all: Vec<Interval> =
        (0..count).map(|at| Interval { seconds_ago: at as f64 * step, ..Interval::default() }).collect();
    let begin = now.saturating_duration_since(latest).as_secs_f64();
    for point in functions.iter().flatten() {
        let ago = begin + latest.saturating_duration_since(point.end).as_secs_f64();
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a time that has passed")]
        let Some(interval) = all.get_mut((ago / step).round() as usize) else { continue };
        let seconds = point.took.as_secs_f64().max(step / 2.0);
        #[expect(clippy::cast_precision_loss, reason = "a chart has fewer digits")]
        let rate = |count: u64| count as f64 / seconds;
        interval.requests_per_second += rate(point.used.invocations + point.used.refused);
        interval.failed_per_second += rate(point.used.errors);
        interval.left_per_second += rate(point.used.client_left);
        #[expect(clippy::cast_precision_loss, reason = "a chart has fewer digits")]
        {
            interval.cold_starts += point.used.cold_starts as f64;
            interval.instances += point.instances as f64;
        }
        interval.p50 = interval.p50.max(point.p50);
        interval.p99 = interval.p99.max(point.p99);
    }
    all.reverse();
    all
}

#[cfg(test)]
mod tests {
    use super::*;

    fn point(end: Instant, invocations: u64, p99: Option<u64>) -> Point {
        let used = Totals { invocations, cold_starts: 1, ..Totals::default() };
        let p99 = p99.map(Duration::from_millis);
        Point { end, took: TICK, used, instances: 2, p50: p99, p99 }
    }

    #[test]
    fn functions_are_put_together_by_time() {
        let now = Instant::now() + BACK;
        let ago = |seconds| now.checked_sub(Duration::from_secs(seconds)).unwrap();
        let one = vec![point(ago(10), 50, Some(3)), point(ago(0), 10, Some(7))];
        let other = vec![point(ago(0), 5, Some(9)), point(ago(2000), 7, None)];
        let all = intervals(&[one, other], now);
        assert_eq!(all.len(), 180);
        let [.., third, second, first] = &all[..] else { panic!("{all:?}") };
        assert!(
            (first.requests_per_second - 3.0).abs() < 1e-9 && (first.instances - 4.0).abs() < 1e-9,
            "{first:?}"
        );
        assert_eq!(first.p99, Some(Duration::from_millis(9)));
        assert_eq!((second.p99, second.seconds_ago), (None, 5.0));
        assert!((third.requests_per_second - 10.0).abs() < 1e-9 && (third.cold_starts - 1.0).abs() < 1e-9);
        assert!((all.iter().map(|own| own.cold_starts).sum::<f64>() - 3.0).abs() < 1e-9);
        assert_eq!(intervals(&[], now).len(), 180);
    }
}
