//! One route, with the one feature of this package that the build chose; without any it is the base to compare with.

#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "otel")]
mod otel;
mod plain;
#[cfg(feature = "rate-limit")]
mod rate_limit;

fn main() -> fc_runtime::Result {
    let app = plain::app();
    #[cfg(feature = "metrics")]
    let app = metrics::with(app);
    #[cfg(feature = "otel")]
    let app = otel::with(app);
    #[cfg(feature = "rate-limit")]
    let app = rate_limit::with(app);
    app.run()
}
