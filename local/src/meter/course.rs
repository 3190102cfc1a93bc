//! The course of a meter: intervals of some seconds for a quarter of an hour, and of a minute for a day.

use std::collections::VecDeque;
use std::time::{Duration, Instant};

use hdrhistogram::Histogram;

use super::totals::Totals;

/// The intervals that are kept of seconds, and for how long: 5 s each.
const FINE_MAX: usize = 180;
const FINE_FOR: Duration = Duration::from_secs(15 * 60);

/// How long a coarse interval is.
const MINUTE: Duration = Duration::from_secs(60);

/// The intervals of a minute that are kept: a day.
const COARSE_MAX: usize = 24 * 60;

/// The longest time that is told apart, in microseconds: a day.
const LATENCY_MAX: u64 = 86_400_000_000;

/// An interval, by its end.
#[derive(Debug, Clone, Copy, PartialEq)]
pub(crate) struct Point {
    pub(crate) end: Instant,
    pub(crate) took: Duration,
    pub(crate) used: Totals,
    pub(crate) instances: usize,
    /// How long half of the calls took, and all but one in a hundred. `None` without calls.
    pub(crate) p50: Option<Duration>,
    pub(crate) p99: Option<Duration>,
}

#[derive(Debug, Default)]
pub(super) struct Course {
    /// The times of the calls of the current interval. `None` if it had none.
    current: Option<Box<Histogram<u32>>>,
    /// Those of the current minutes and of the ones before, for percentiles over a longer time.
    recent: [Option<Box<Histogram<u32>>>; 2],
    recent_since: Option<Instant>,
    begin: Option<Instant>,
    former: Totals,
    fine: VecDeque<Point>,
    minute: Option<(Instant, Totals)>,
    coarse: VecDeque<Point>,
}

/// How long percentiles look back at least; at most twice as long.
const RECENT: Duration = Duration::from_secs(300);

impl Course {
    pub(super) fn record(&mut self, latency: Duration) {
        let micros = u64::try_from(latency.as_micros()).unwrap_or(u64::MAX).clamp(1, LATENCY_MAX);
        if let Some(histogram) = filled(&mut self.current) {
            // A time beyond its bounds makes it grow.
            _ = histogram.record(micros);
        }
    }

    /// Ends the current interval.
    pub(super) fn tick(&mut self, now: Instant, totals: Totals, instances: usize) {
        let begin = self.begin.replace(now).unwrap_or(now);
        let (p50, p99) = percentiles(self.current.as_deref());
        if let Some(current) = self.current.take()
            && let Some(recent) = filled(&mut self.recent[0])
        {
            // Both grow as far as they have to.
            _ = recent.add(&*current);
        }
        let used = totals - self.former;
        self.former = totals;
        let took = now.saturating_duration_since(begin);
        push(&mut self.fine, &Point { end: now, took, used, instances, p50, p99 }, FINE_MAX);
        while self.fine.front().is_some_and(|point| now.saturating_duration_since(point.end) > FINE_FOR) {
            self.fine.pop_front();
        }
        let since = *self.recent_since.get_or_insert(now);
        if now.saturating_duration_since(since) >= RECENT {
            self.recent_since = Some(now);
            self.recent[1] = self.recent[0].take();
        }
        let (minute, before) = *self.minute.get_or_insert((begin, totals - used));
        if now.saturating_duration_since(minute) >= MINUTE {
            let used = totals - before;
            let took = now.saturating_duration_since(minute);
            let (p50, p99) = self.percentiles();
            push(&mut self.coarse, &Point { end: now, took, used, instances, p50, p99 }, COARSE_MAX);
            self.minute = Some((now, totals));
        }
    }

    /// The percentiles of the last minutes.
    pub(super) fn percentiles(&self) -> (Option<Duration>, Option<Duration>) {
        let mut all: Option<Box<Histogram<u32>>> = None;
        for histogram in [&self.current, &self.recent[0], &self.recent[1]].into_iter().flatten() {
            match &mut all {
                None => all = Some(histogram.clone()),
                Some(all) => _ = all.add(&**histogram),
            }
        }
        percentiles(all.as_deref())
    }

    /// The intervals of seconds, the oldest first.
    pub(super) fn fine(&self) -> impl Iterator<Item = &Point> {
        self.fine.iter()
    }

    /// What was used since then, as far as intervals are kept: those of seconds, and before them those of a minute.
    pub(super) fn used_since(&self, since: Instant, totals: Totals) -> Totals {
        let mut used = totals - self.former;
        let oldest_fine = self.fine.front().map(|point| point.end);
        for point in self.fine.iter().filter(|point| point.end > since) {
            used += point.used;
        }
        // To a minute: one that lies across both is left out.
        let is_older =
            |point: &&Point| point.end > since && oldest_fine.is_none_or(|oldest| point.end < oldest);
        for point in self.coarse.iter().filter(is_older) {
            used += point.used;
        }
        used
    }
}

/// The histogram, made for its first time. It grows with the longest one, which is short for most functions.
fn filled(place: &mut Option<Box<Histogram<u32>>>) -> Option<&mut Histogram<u32>> {
    if place.is_none() {
        *place = Histogram::new(2).ok().map(|mut histogram| {
            histogram.auto(true);
            Box::new(histogram)
        });
    }
    place.as_deref_mut()
}

fn percentiles(histogram: Option<&Histogram<u32>>) -> (Option<Duration>, Option<Duration>) {
    let at = |quantile| histogram.map(|own| Duration::from_micros(own.value_at_quantile(quantile)));
    (at(0.5), at(0.99))
}

/// Adds an interval, unless nothing is in it: a function that nobody uses takes no memory.
fn push(points: &mut VecDeque<Point>, point: &Point, most: usize) {
    if !point.used.is_nothing() || point.instances > 0 {
        points.push_back(*point);
    }
    while points.len() > most {
        points.pop_front();
    }
}
