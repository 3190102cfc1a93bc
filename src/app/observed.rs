//! Metrics of an app, and where they are served.

use std::panic::Location;

use http::Method;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use crate::app::{App, At};
use crate::metrics::Metrics;

impl<S: Send + Sync + 'static> App<S> {
    /// Measures requests, and serves all metrics at this place, in Prometheus' text format (0.0.4).
    ///
    /// The runtime's own: `http_server_request_duration_seconds` by method, route and status (499: the client left),
    /// `http_server_active_requests`, `faas_invoke_duration_seconds` of event calls, `fc_clients_left_total`,
    /// `fc_panics_total`, `fc_cut_total`, `fc_refused_for_memory_total`.
    ///
    /// Every instance counts for itself, and `target_info` names it. Middleware (arounds) applies, such as
    /// [`guard::bearer`](crate::guard::bearer) against curious clients. See [`Metrics`] for metrics of your own.
    #[track_caller]
    #[doc(alias = "prometheus")]
    pub fn metrics(mut self, at: impl Into<At>, metrics: &Metrics) -> Self {
        let line = Location::caller();
        for what in metrics.mistakes() {
            self.mistakes.add(what, line);
        }
        self.observers.push(metrics.requests());
        let metrics = metrics.clone();
        let serve = async move |ex: crate::Exchange<S>| {
            let text = metrics.text(&ex.counters(), ex.instance());
            ([(CONTENT_TYPE, Metrics::CONTENT_TYPE), (CACHE_CONTROL, "no-store")], text)
        };
        self.routes.add(Some(Method::GET), at.into(), serve, line);
        self
    }
}
