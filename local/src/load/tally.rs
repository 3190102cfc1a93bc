//! What became of the requests of one rate: latencies, statuses, failures, and all of these over time.

use std::collections::BTreeMap;
use std::time::Duration;

use hdrhistogram::Histogram;

/// The longest latency that is told apart from longer ones, in microseconds: an hour.
const LATENCY_MAX: u64 = 3_600_000_000;

/// How many parts of the time are counted apart.
const WINDOWS: u32 = 120;

/// The shortest of these parts.
const WINDOW_MIN: Duration = Duration::from_secs(1);

/// Why a request has no reply.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Failed {
    /// No connection to the server.
    Connect,
    /// The connection ended, or what came is no reply.
    Broken,
    /// No whole reply in time.
    TimedOut,
    /// It was due, and all connections were busy until the end.
    Unsent,
    /// The end of the load cut it off.
    Cut,
}

impl Failed {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Failed::Connect => "notConnected",
            Failed::Broken => "broken",
            Failed::TimedOut => "timedOut",
            Failed::Unsent => "unsent",
            Failed::Cut => "cut",
        }
    }

    pub(crate) fn text(self) -> &'static str {
        match self {
            Failed::Connect => "not connected",
            Failed::Broken => "broken off",
            Failed::TimedOut => "timed out",
            Failed::Unsent => "not sent, all connections were busy",
            Failed::Cut => "cut off at the end",
        }
    }
}

/// A reply: its status, and the bytes of its body.
pub(crate) type Reply = (u16, u64);

/// When a request was due, was sent and was over, after the begin.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Times {
    pub(crate) due: Duration,
    pub(crate) sent: Duration,
    pub(crate) over: Duration,
}

/// What became of the requests.
#[derive(Debug)]
pub(crate) struct Tally {
    /// The status that is wanted. `None` takes 200 to 399.
    expected: Option<u16>,
    latencies: Histogram<u64>,
    /// From sending to the end of the reply: what the server took for the replies that are right.
    served: Duration,
    pub(crate) right: u64,
    pub(crate) statuses: BTreeMap<u16, u64>,
    pub(crate) failures: BTreeMap<Failed, u64>,
    pub(crate) bytes: u64,
    /// When the last reply was over.
    pub(crate) last: Duration,
    window: Duration,
    pub(crate) windows: Vec<Window>,
}

/// A part of the time: the requests that were due in it.
#[derive(Debug)]
pub(crate) struct Window {
    pub(crate) requests: u64,
    pub(crate) right: u64,
    /// Replies with 429.
    pub(crate) refused: u64,
    latencies: Histogram<u64>,
}

impl Tally {
    /// For requests that are due within `time`.
    pub(crate) fn new(time: Duration, expected: Option<u16>) -> Self {
        Tally {
            expected,
            latencies: histogram(3),
            served: Duration::ZERO,
            right: 0,
            statuses: BTreeMap::new(),
            failures: BTreeMap::new(),
            bytes: 0,
            last: Duration::ZERO,
            window: (time / WINDOWS).max(WINDOW_MIN),
            windows: Vec::new(),
        }
    }

    /// Counts a request. Its latency begins when it was due: a server that lets others wait is not flattered. That of a
    /// request without a reply is the time for which there was none.
    pub(crate) fn record(&mut self, times: Times, outcome: Result<Reply, Failed>) {
        let latency = micros(times.over.saturating_sub(times.due));
        self.latencies.saturating_record(latency);
        let number = usize::try_from(times.due.as_nanos() / self.window.as_nanos()).unwrap_or(usize::MAX);
        // Requests are due within the time, so the number of windows is bounded.
        while self.windows.len() <= number.min(WINDOWS as usize) {
            self.windows.push(Window { requests: 0, right: 0, refused: 0, latencies: histogram(2) });
        }
        let is_right = matches!(outcome, Ok((status, _)) if is_right(status, self.expected));
        let window = self.windows.get_mut(number.min(WINDOWS as usize));
        if let Some(window) = window {
            window.requests += 1;
            window.right += u64::from(is_right);
            window.refused += u64::from(matches!(outcome, Ok((429, _))));
            window.latencies.saturating_record(latency);
        }
        match outcome {
            Ok((status, bytes)) => {
                *self.statuses.entry(status).or_default() += 1;
                self.bytes = self.bytes.saturating_add(bytes);
                self.last = self.last.max(times.over);
            }
            Err(failed) => *self.failures.entry(failed).or_default() += 1,
        }
        if is_right {
            self.right += 1;
            self.served += times.over.saturating_sub(times.sent);
        }
    }

    /// The number of requests.
    pub(crate) fn requests(&self) -> u64 {
        self.latencies.len()
    }

    /// The latency that so many of a hundred requests do not exceed.
    pub(crate) fn percentile(&self, percentile: f64) -> Duration {
        Duration::from_micros(self.latencies.value_at_quantile(percentile / 100.0))
    }

    pub(crate) fn longest(&self) -> Duration {
        Duration::from_micros(self.latencies.max())
    }

    pub(crate) fn mean(&self) -> Duration {
        Duration::from_secs_f64(self.latencies.mean() / 1e6)
    }

    /// The mean time from sending to the end of a right reply. `None` without any.
    pub(crate) fn served(&self) -> Option<Duration> {
        let right = u32::try_from(self.right).ok().filter(|right| *right > 0)?;
        Some(self.served / right)
    }

    /// The share of right replies, of 0 to 1.
    pub(crate) fn right_share(&self) -> f64 {
        #[expect(clippy::cast_precision_loss, reason = "numbers of requests are far below 2^52")]
        let share = self.right as f64 / self.requests().max(1) as f64;
        share
    }

    /// The length of a window.
    pub(crate) fn window(&self) -> Duration {
        self.window
    }
}

impl Window {
    /// As [`Tally::percentile`], of the requests that were due in this part.
    pub(crate) fn percentile(&self, percentile: f64) -> Duration {
        Duration::from_micros(self.latencies.value_at_quantile(percentile / 100.0))
    }
}

/// Whether a status is the wanted one; without one, whether it is 200 to 399.
pub(crate) fn is_right(status: u16, expected: Option<u16>) -> bool {
    expected.map_or((200..400).contains(&status), |expected| status == expected)
}

fn micros(time: Duration) -> u64 {
    u64::try_from(time.as_micros()).unwrap_or(u64::MAX).max(1)
}

fn histogram(digits: u8) -> Histogram<u64> {
    Histogram::new_with_bounds(1, LATENCY_MAX, digits).expect("the bounds are constants that fit")
}

#[cfg(test)]
mod tests {
    use super::*;

    const fn ms(ms: u64) -> Duration {
        Duration::from_millis(ms)
    }

    #[track_caller]
    fn near(found: Duration, expected: Duration) {
        let (found, expected) = (found.as_secs_f64(), expected.as_secs_f64());
        assert!((found / expected - 1.0).abs() < 0.002, "{found} {expected}");
    }

    #[test]
    fn latency_counts_from_when_a_request_was_due() {
        let mut tally = Tally::new(ms(1000), None);
        // A server that stands still for a second, and then takes a millisecond for each.
        for number in 0..100 {
            let sent = ms(1000 + number);
            tally.record(Times { due: ms(10 * number), sent, over: sent + ms(1) }, Ok((200, 1)));
        }
        assert_eq!((tally.requests(), tally.right, tally.bytes), (100, 100, 100));
        near(tally.longest(), ms(1001));
        near(tally.percentile(50.0), ms(1001 - 9 * 50));
        assert_eq!(tally.served(), Some(ms(1)));
        assert_eq!(tally.last, ms(1100));
    }

    #[test]
    fn percentiles_are_those_of_the_sorted_latencies() {
        let mut tally = Tally::new(ms(1000), None);
        for latency in 1..=1000 {
            tally.record(Times { due: ms(0), sent: ms(0), over: ms(latency) }, Ok((200, 0)));
        }
        for (percentile, expected) in [(50.0, 500), (90.0, 900), (99.0, 990), (99.9, 999), (100.0, 1000)] {
            near(tally.percentile(percentile), ms(expected));
        }
        near(tally.mean(), Duration::from_micros(500_500));
        assert_eq!(tally.percentile(0.0).as_millis(), 1);
    }

    #[test]
    fn replies_are_right_or_not_and_requests_without_one_are_counted() {
        let mut tally = Tally::new(ms(2000), None);
        let mut record = |due: u64, outcome| {
            tally.record(Times { due: ms(due), sent: ms(due), over: ms(due + 5) }, outcome);
        };
        for outcome in [Ok((200, 3)), Ok((304, 0)), Ok((429, 1)), Ok((500, 1)), Err(Failed::TimedOut)] {
            record(100, outcome);
        }
        record(1100, Err(Failed::Unsent));
        assert_eq!((tally.requests(), tally.right), (6, 2));
        assert_eq!(tally.statuses, BTreeMap::from([(200, 1), (304, 1), (429, 1), (500, 1)]));
        assert_eq!(tally.failures, BTreeMap::from([(Failed::TimedOut, 1), (Failed::Unsent, 1)]));
        let windows: Vec<_> =
            tally.windows.iter().map(|own| (own.requests, own.right, own.refused)).collect();
        assert_eq!(windows, [(5, 2, 1), (1, 0, 0)]);
        let mut wanted = Tally::new(ms(1000), Some(404));
        wanted.record(Times { due: ms(0), sent: ms(0), over: ms(1) }, Ok((404, 0)));
        wanted.record(Times { due: ms(0), sent: ms(0), over: ms(1) }, Ok((200, 0)));
        assert_eq!(wanted.right, 1);
        assert!((wanted.right_share() - 0.5).abs() < f64::EPSILON);
    }

    #[test]
    fn a_long_time_has_no_more_windows_than_a_short_one() {
        let mut tally = Tally::new(Duration::from_secs(36_000), None);
        for hour in 0..=10 {
            let due = Duration::from_secs(3600 * hour);
            tally.record(Times { due, sent: due, over: due }, Ok((200, 0)));
        }
        assert_eq!(tally.windows.len(), 121);
        assert_eq!(Tally::new(ms(10), None).served(), None);
    }
}
