//! The search for the highest rate that a function sustains: up by doubling, then between the last two.

use std::time::Duration;

/// The distance of the two rates at which the search ends: a tenth.
const NEAR: f64 = 1.1;

/// The most rates that are tried.
const TRIES_MAX: u32 = 20;

const RATE_MIN: f64 = 1.0;

/// What a sustained rate is.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Goal {
    /// The longest p99.
    pub(crate) latency_max: Duration,
    /// The least share of right replies, of 0 to 1.
    pub(crate) right_min: f64,
}

/// Which rate is tried next.
#[derive(Debug, Clone)]
pub(crate) struct Search {
    next: f64,
    rate_max: f64,
    /// The highest rate that was sustained.
    good: Option<f64>,
    /// The lowest rate that was not.
    bad: Option<f64>,
    tries: u32,
}

impl Search {
    pub(crate) fn new(first: f64, rate_max: f64) -> Self {
        Search { next: first, rate_max, good: None, bad: None, tries: 0 }
    }

    /// The next rate. `None` at the end.
    pub(crate) fn next(&self) -> Option<f64> {
        let is_near = match (self.good, self.bad) {
            (Some(good), Some(bad)) => bad / good <= NEAR,
            (Some(good), None) => good >= self.rate_max,
            (None, Some(bad)) => bad <= RATE_MIN,
            (None, None) => false,
        };
        (!is_near && self.tries < TRIES_MAX).then_some(self.next)
    }

    /// Notes whether the rate that [`next`](Self::next) gave is sustained.
    pub(crate) fn note(&mut self, is_sustained: bool) {
        self.tries += 1;
        if is_sustained {
            self.good = Some(self.next);
        } else {
            self.bad = Some(self.next);
        }
        self.next = match (self.good, self.bad) {
            (Some(good), Some(bad)) => round(f64::sqrt(good * bad)),
            (Some(good), None) => (good * 2.0).min(self.rate_max),
            (None, Some(bad)) => (bad / 2.0).max(RATE_MIN),
            (None, None) => self.next,
        };
    }

    /// The highest rate that was sustained, and whether a higher one was not.
    pub(crate) fn found(&self) -> Option<(f64, bool)> {
        Some((self.good?, self.bad.is_some()))
    }
}

/// Two digits and a half: rates are for people.
fn round(rate: f64) -> f64 {
    if rate < 20.0 {
        return (rate * 10.0).round() / 10.0;
    }
    let unit = 10_f64.powf(rate.log10().floor() - 1.0) / 2.0;
    (rate / unit).round() * unit
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Searches a function that sustains rates up to `limit`. Gives the rates.
    fn search(mut search: Search, limit: f64) -> (Vec<f64>, Option<(f64, bool)>) {
        let mut tried = Vec::new();
        while let Some(rate) = search.next() {
            tried.push(rate);
            search.note(rate <= limit);
        }
        (tried, search.found())
    }

    #[test]
    fn a_limit_is_found_to_a_tenth() {
        for limit in [1.0, 1.7, 9.0, 50.0, 77.0, 123.0, 999.0, 4321.0, 60_000.0] {
            let (tried, found) = search(Search::new(50.0, 100_000.0), limit);
            let (rate, is_limit) = found.unwrap();
            assert!(rate <= limit && rate * NEAR * 1.03 >= limit && is_limit, "{limit}: {tried:?}");
            assert!(tried.len() <= 18, "{tried:?}");
        }
    }

    #[test]
    fn the_search_ends_without_a_limit_and_below_the_lowest_rate() {
        assert_eq!(
            search(Search::new(50.0, 300.0), 1e9),
            (vec![50.0, 100.0, 200.0, 300.0], Some((300.0, false)))
        );
        let (tried, found) = search(Search::new(50.0, 300.0), 0.5);
        assert_eq!((tried.last(), found), (Some(&RATE_MIN), None));
    }

    #[test]
    fn rates_up_and_down_are_told_in_round_numbers() {
        let (tried, _) = search(Search::new(50.0, 1e5), 777.0);
        assert_eq!(tried[..5], [50.0, 100.0, 200.0, 400.0, 800.0]);
        assert!(tried[5..].iter().all(|rate| (rate % 5.0) < f64::EPSILON), "{tried:?}");
    }
}
