//! Metrics with labels: one series for each combination of values.

use std::collections::HashMap;
use std::fmt;
use std::hash::{BuildHasher, RandomState};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use crate::metrics::text::Sample;
use crate::platform::limits::KIB;

/// A counter, gauge or histogram for each combination of label values. Clones share them.
///
/// ```
/// use fc_runtime::Metrics;
///
/// let orders = Metrics::new().counter_by("shop_orders_total", "Orders that were taken.", ["kind", "paid_by"]);
/// orders.with(["tea", "card"]).add(1);
/// assert_eq!(orders.with(["tea", "card"]).get(), 1);
/// assert_eq!(orders.with(["salt", "card"]).get(), 0);
/// ```
///
/// At most 1000 combinations are kept. Further ones, and those with a value above 1 KiB, are counted together, with `_OTHER`
/// for each value, so that a client cannot fill the memory. Values that clients choose, such as user ids, do not belong into
/// labels.
pub struct Labelled<T, const N: usize>(pub(super) Arc<Family<T, N>>);

/// The most combinations of label values of one metric.
const SERIES_MAX: usize = 1000;

/// The longest value of a label, in bytes.
const VALUE_MAX: usize = KIB;

const OTHER: &str = "_OTHER";

/// A counter, a gauge or a histogram.
pub(super) trait Series: Clone + Send + Sync + 'static {
    const KIND: &'static str;
    /// What the series of one metric have in common.
    type Shape: PartialEq + Send + Sync + 'static;

    fn new(shape: &Self::Shape) -> Self;
    fn write(&self, sample: &mut Sample<'_>);
}

/// All series of one metric.
pub(super) struct Family<T, const N: usize> {
    pub(super) labels: [&'static str; N],
    make: Box<dyn Fn() -> T + Send + Sync>,
    hasher: RandomState,
    series: Mutex<Known<T, N>>,
}

/// One series with its label values.
type Labels<T, const N: usize> = ([Box<str>; N], T);

struct Known<T, const N: usize> {
    /// By the hash of the values, because values that are borrowed cannot be looked up among owned ones.
    by_hash: HashMap<u64, Vec<Labels<T, N>>>,
    count: usize,
}

impl<T: Clone, const N: usize> Labelled<T, N> {
    /// The one with these label values. It can be kept, which saves the look-up.
    pub fn with(&self, values: [&str; N]) -> T {
        self.0.with(values)
    }
}

impl<T: Clone, const N: usize> Family<T, N> {
    pub(super) fn new(labels: [&'static str; N], make: impl Fn() -> T + Send + Sync + 'static) -> Self {
        let series = Mutex::new(Known { by_hash: HashMap::new(), count: 0 });
        Self { labels, make: Box::new(make), hasher: RandomState::new(), series }
    }

    pub(super) fn with(&self, values: [&str; N]) -> T {
        let mut known = self.lock();
        let find = |known: &Known<T, N>, values: &[&str; N]| {
            let is_it = |own: &[Box<str>; N]| own.iter().map(|own| &**own).eq(values.iter().copied());
            let same = known.by_hash.get(&self.hasher.hash_one(values))?;
            same.iter().find(|(own, _)| is_it(own)).map(|(_, series)| series.clone())
        };
        if let Some(series) = find(&known, &values) {
            return series;
        }
        let is_kept = known.count < SERIES_MAX && values.iter().all(|value| value.len() <= VALUE_MAX);
        let values = if is_kept { values } else { [OTHER; N] };
        if let Some(series) = find(&known, &values) {
            return series;
        }
        let series = (self.make)();
        let entry = known.by_hash.entry(self.hasher.hash_one(values)).or_default();
        entry.push((values.map(Box::from), series.clone()));
        known.count += 1;
        series
    }

    /// All series in the order of their values, so that two scrapes differ in numbers alone.
    pub(super) fn sorted(&self) -> Vec<Labels<T, N>> {
        let mut all: Vec<_> = self.lock().by_hash.values().flatten().cloned().collect();
        all.sort_by(|(one, _), (other, _)| one.cmp(other));
        all
    }

    fn lock(&self) -> MutexGuard<'_, Known<T, N>> {
        self.series.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl<T, const N: usize> Clone for Labelled<T, N> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<T, const N: usize> fmt::Debug for Labelled<T, N> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Labelled").field("labels", &self.0.labels).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::metrics::Counter;

    #[test]
    fn combinations_are_bounded() {
        let all = Family::new(["user"], Counter::default);
        for user in 0..5000 {
            all.with([&user.to_string()]).add(1);
        }
        let sorted = all.sorted();
        assert_eq!(sorted.len(), SERIES_MAX + 1);
        assert_eq!(all.with([OTHER]).get(), 4000);
        assert_eq!(all.with(["7"]).get(), 1);
    }

    #[test]
    fn values_are_bounded() {
        let all = Family::new(["user"], Counter::default);
        for length in [VALUE_MAX, VALUE_MAX + 1, 100_000] {
            all.with([&"x".repeat(length)]).add(1);
        }
        assert_eq!((all.sorted().len(), all.with([OTHER]).get()), (2, 2));
    }
}
