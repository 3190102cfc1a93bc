//! When requests are due: at a steady rate, whatever becomes of those before.

use std::time::Duration;

/// So many requests, at a steady rate.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Schedule {
    /// Requests per second.
    rate: f64,
    count: u64,
}

impl Schedule {
    /// The requests of `time` at `rate` per second: one at least, the first one at once.
    pub(crate) fn new(rate: f64, time: Duration) -> Self {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a conversion saturates, and the command line bounds both"
        )]
        let count = (rate * time.as_secs_f64()).round() as u64;
        Schedule { rate, count: count.max(1) }
    }

    pub(crate) fn rate(&self) -> f64 {
        self.rate
    }

    /// The number of requests.
    pub(crate) fn count(&self) -> u64 {
        self.count
    }

    /// When the request `number` is due, counted from 0, after the begin.
    pub(crate) fn due(&self, number: u64) -> Duration {
        #[expect(clippy::cast_precision_loss, reason = "numbers of requests are far below 2^52")]
        Duration::from_secs_f64(number as f64 / self.rate)
    }

    /// How many requests are due by `elapsed`.
    pub(crate) fn due_by(&self, elapsed: Duration) -> u64 {
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a conversion saturates, and the count bounds it"
        )]
        let mut number = ((elapsed.as_secs_f64() * self.rate) as u64).saturating_add(2).min(self.count);
        // `due` is rounded, so the last one or two of these may be later.
        while number > 0 && self.due(number - 1) > elapsed {
            number -= 1;
        }
        number
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn requests_are_due_at_equal_distances() {
        let schedule = Schedule::new(200.0, Duration::from_secs(2));
        assert_eq!(schedule.count(), 400);
        assert_eq!(schedule.due(0), Duration::ZERO);
        assert_eq!(schedule.due(1), Duration::from_millis(5));
        assert_eq!(schedule.due(399), Duration::from_millis(1995));
        assert_eq!(Schedule::new(0.1, Duration::from_secs(1)).count(), 1);
    }

    #[test]
    fn what_is_due_by_a_time_agrees_with_when_it_is_due() {
        for rate in [0.3, 7.0, 33.3, 1000.0, 12345.6] {
            let schedule = Schedule::new(rate, Duration::from_secs(3));
            for number in 0..schedule.count() {
                let due = schedule.due(number);
                assert_eq!(schedule.due_by(due), number + 1, "{rate} {number}");
                if let Some(before) = due.checked_sub(Duration::from_nanos(1)) {
                    assert_eq!(schedule.due_by(before), number, "{rate} {number}");
                }
            }
            assert_eq!(schedule.due_by(Duration::from_secs(100)), schedule.count());
        }
    }
}
