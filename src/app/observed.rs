//! Metrics of an app, and where they are served.

use std::panic::Location;
use std::time::Duration;

use http::Method;
use http::header::{CACHE_CONTROL, CONTENT_TYPE};

use tokio::time::timeout;

use crate::app::{App, At, Handler};
use crate::metrics::Metrics;
use crate::unwind::caught;

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

    /// Runs before the platform may freeze the instance: when a request has ended, no other is in flight, and the last bytes
    /// of its reply are about to leave; before the answer to a pre-stop or pre-freeze call; and when the process stops.
    ///
    /// For what your own libraries hold back, such as an exporter of spans. It delays replies, so `limit` bounds it.
    ///
    /// ```
    /// use fc_runtime::App;
    /// use std::sync::Arc;
    /// use std::sync::atomic::{AtomicU32, Ordering};
    /// use std::time::Duration;
    ///
    /// # fc_runtime::testing::run(async {
    /// let flushed = Arc::new(AtomicU32::new(0));
    /// let flushes = Arc::clone(&flushed);
    /// let client = App::new()
    ///     .get("/", async |_| "Hello")
    ///     .flush_with(Duration::from_millis(100), async move || flushes.store(flushes.load(Ordering::Relaxed) + 1, Ordering::Relaxed))
    ///     .test_client();
    /// client.get("/").await.assert_text("Hello");
    /// assert_eq!(flushed.load(Ordering::Relaxed), 1);
    /// # });
    /// ```
    #[doc(alias = "force_flush")]
    pub fn flush_with<F>(mut self, limit: Duration, flush: F) -> Self
    where
        F: AsyncFn() + Handler<(), ()>,
    {
        self.flush.push(Box::new(move || {
            let flush = flush.clone();
            // A panic here would be one of the connection, and cost the end of the reply.
            Box::pin(async move { drop(timeout(limit, caught(move || flush.call(()))).await) })
        }));
        self
    }

    /// Sends the spans of requests, and yours inside them, to an OpenTelemetry collector: see [`Otel`](crate::Otel).
    #[cfg(feature = "otel")]
    #[doc(alias = "opentelemetry")]
    #[doc(alias = "tracing")]
    pub fn otel(mut self, otel: crate::Otel) -> Self {
        self.otel = Some(otel);
        self
    }
}
