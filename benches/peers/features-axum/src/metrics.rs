//! Metrics of requests, by axum-prometheus. Its own recorder wants an executor before there is one, for a task that this one
//! does without.

use axum::Router;
use axum::routing::get;
use axum_prometheus::metrics_exporter_prometheus::{Matcher, PrometheusBuilder};
use axum_prometheus::utils::SECONDS_DURATION_BUCKETS;
use axum_prometheus::{AXUM_HTTP_REQUESTS_DURATION_SECONDS, PrometheusMetricLayer};

pub(crate) fn with(app: Router) -> Router {
    let duration = Matcher::Full(AXUM_HTTP_REQUESTS_DURATION_SECONDS.to_owned());
    let recorder = PrometheusBuilder::new().set_buckets_for_metric(duration, SECONDS_DURATION_BUCKETS);
    let handle = recorder.and_then(PrometheusBuilder::install_recorder).expect("there is no recorder yet");
    app.route("/metrics", get(async move || handle.render())).layer(PrometheusMetricLayer::new())
}
