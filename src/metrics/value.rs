//! Single numbers.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use crate::metrics::labelled::Series;
use crate::metrics::text::Sample;

/// A count that only grows. Clones share the count.
///
/// ```
/// use fc_runtime::{App, Metrics};
///
/// # fc_runtime::testing::run(async {
/// let metrics = Metrics::new();
/// let orders = metrics.counter("shop_orders_total", "Orders that were taken.");
/// let client = App::with_state(orders)
///     .post("/orders", async |ex| { ex.state().add(1); (201, "taken") })
///     .metrics("/metrics", &metrics)
///     .test_client();
/// client.post("/orders").await.assert_status(201);
/// assert!(client.get("/metrics").await.text().contains("\nshop_orders_total 1\n"));
/// # });
/// ```
#[derive(Debug, Clone, Default)]
pub struct Counter(Arc<AtomicU64>);

impl Counter {
    /// Adds to the count.
    #[doc(alias = "inc")]
    pub fn add(&self, more: u64) {
        self.0.fetch_add(more, Ordering::Relaxed);
    }

    /// The count so far.
    pub fn get(&self) -> u64 {
        self.0.load(Ordering::Relaxed)
    }
}

/// A number that rises and falls, such as the length of a queue. Clones share the number.
///
/// ```
/// use fc_runtime::Metrics;
///
/// let waiting = Metrics::new().gauge("shop_orders_waiting", "Orders in the queue.");
/// waiting.set(3.0);
/// waiting.add(-1.0);
/// assert_eq!(waiting.get(), 2.0);
/// ```
#[derive(Debug, Clone, Default)]
pub struct Gauge(Arc<Number>);

impl Gauge {
    /// Replaces the number.
    pub fn set(&self, value: f64) {
        self.0.set(value);
    }

    /// Adds to the number, or takes from it.
    pub fn add(&self, more: f64) {
        self.0.add(more);
    }

    /// The number.
    pub fn get(&self) -> f64 {
        self.0.get()
    }
}

impl Series for Counter {
    const KIND: &'static str = "counter";
    type Shape = ();

    fn new((): &()) -> Self {
        Self::default()
    }

    fn write(&self, sample: &mut Sample<'_>) {
        sample.whole("", None, self.get());
    }
}

impl Series for Gauge {
    const KIND: &'static str = "gauge";
    type Shape = ();

    fn new((): &()) -> Self {
        Self::default()
    }

    fn write(&self, sample: &mut Sample<'_>) {
        sample.number("", self.get());
    }
}

/// A number of floating point that threads share.
#[derive(Debug, Default)]
pub(super) struct Number(AtomicU64);

impl Number {
    pub(super) fn set(&self, value: f64) {
        self.0.store(value.to_bits(), Ordering::Relaxed);
    }

    pub(super) fn add(&self, more: f64) {
        let add = |bits| Some((f64::from_bits(bits) + more).to_bits());
        let _ = self.0.fetch_update(Ordering::Relaxed, Ordering::Relaxed, add);
    }

    pub(super) fn get(&self) -> f64 {
        f64::from_bits(self.0.load(Ordering::Relaxed))
    }
}
