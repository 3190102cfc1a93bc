//! Metrics of requests, by axum-prometheus.

use axum::Router;
use axum::routing::get;
use axum_prometheus::PrometheusMetricLayer;

pub(crate) fn with(app: Router) -> Router {
    let (layer, handle) = PrometheusMetricLayer::pair();
    app.route("/metrics", get(async move || handle.render())).layer(layer)
}
