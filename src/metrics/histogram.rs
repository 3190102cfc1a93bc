//! Histograms: how many values lie below each bound.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

use crate::metrics::labelled::Series;
use crate::metrics::text::Sample;
use crate::metrics::value::Number;

/// The distribution of values, such as durations in seconds. Clones share the counts.
///
/// ```
/// use fc_runtime::{Metrics, metrics::SECONDS};
/// use std::time::Instant;
///
/// let queries = Metrics::new().histogram("shop_query_seconds", "Time of a query.", SECONDS);
/// let begun = Instant::now();
/// // … the query …
/// queries.observe_duration(begun.elapsed());
/// queries.observe(0.02);
/// assert_eq!(queries.count(), 2);
/// ```
#[derive(Debug, Clone)]
pub struct Histogram(Arc<Buckets>);

#[derive(Debug)]
struct Buckets {
    bounds: Arc<[f64]>,
    /// One for each bound, and one for the values above all bounds.
    counts: Box<[AtomicU64]>,
    sum: Number,
}

impl Histogram {
    /// Counts a value. A value that is no number is left out.
    pub fn observe(&self, value: f64) {
        if value.is_nan() {
            return;
        }
        let at = self.0.bounds.partition_point(|bound| *bound < value);
        self.0.counts[at].fetch_add(1, Ordering::Relaxed);
        self.0.sum.add(value);
    }

    /// Counts a duration, in seconds.
    pub fn observe_duration(&self, duration: Duration) {
        self.observe(duration.as_secs_f64());
    }

    /// How many values were counted.
    pub fn count(&self) -> u64 {
        self.0.counts.iter().map(|count| count.load(Ordering::Relaxed)).sum()
    }

    /// The sum of all values.
    pub fn sum(&self) -> f64 {
        self.0.sum.get()
    }
}

impl Series for Histogram {
    const KIND: &'static str = "histogram";
    type Shape = Arc<[f64]>;

    fn new(bounds: &Arc<[f64]>) -> Self {
        let counts = (0..=bounds.len()).map(|_| AtomicU64::new(0)).collect();
        Self(Arc::new(Buckets { bounds: Arc::clone(bounds), counts, sum: Number::default() }))
    }

    fn write(&self, sample: &mut Sample<'_>) {
        let mut below = 0;
        let bounds = self.0.bounds.iter().copied().chain([f64::INFINITY]);
        for (bound, count) in bounds.zip(&self.0.counts) {
            below += count.load(Ordering::Relaxed);
            sample.whole("_bucket", Some(bound), below);
        }
        sample.number("_sum", self.sum());
        sample.whole("_count", None, below);
    }
}
