//! The twin of features-ours on axum: the same route and feature, with the record and the guards that ours has.

mod equal;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "otel")]
mod otel;
mod plain;
#[cfg(feature = "rate-limit")]
mod rate_limit;

fn main() -> std::io::Result<()> {
    let app = plain::app();
    #[cfg(feature = "metrics")]
    let app = metrics::with(app);
    #[cfg(feature = "rate-limit")]
    let app = rate_limit::with(app);
    #[cfg(feature = "otel")]
    otel::log();
    #[cfg(not(feature = "otel"))]
    tracing_subscriber::fmt().json().init();
    equal::serve(app)
}
