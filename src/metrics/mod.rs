//! Counters, gauges and histograms, and the text in which Prometheus reads them.

mod histogram;
mod labelled;
mod registry;
mod requests;
mod text;
mod value;

pub use histogram::Histogram;
pub use labelled::Labelled;
pub use registry::{Metrics, SECONDS};
pub use value::{Counter, Gauge};
