//! Metrics of requests, served to Prometheus.

use fc_runtime::{App, Metrics};

pub(crate) fn with(app: App) -> App {
    app.metrics("/metrics", &Metrics::new())
}
