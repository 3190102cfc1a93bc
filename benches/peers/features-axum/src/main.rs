//! The twin of features-ours on axum: the same route and feature, with the record and the guards that ours has.

#[cfg(feature = "compression")]
mod compression;
#[cfg(feature = "cookies")]
mod cookies;
#[cfg(feature = "files")]
mod files;
#[cfg(feature = "form")]
mod form;
#[cfg(feature = "layered")]
mod layered;
#[cfg(feature = "metrics")]
mod metrics;
#[cfg(feature = "mounted")]
mod mounted;
#[cfg(feature = "multipart")]
mod multipart;
#[cfg(feature = "otel")]
mod otel;
mod plain;
#[cfg(feature = "query")]
mod query;
#[cfg(feature = "rate-limit")]
mod rate_limit;
#[cfg(feature = "validate")]
mod validate;

fn main() -> std::io::Result<()> {
    let app = plain::app();
    #[cfg(feature = "compression")]
    let app = compression::add(app);
    #[cfg(feature = "cookies")]
    let app = cookies::add(app);
    #[cfg(feature = "files")]
    let app = files::add(app);
    #[cfg(feature = "form")]
    let app = form::add(app);
    #[cfg(feature = "layered")]
    let app = layered::add(app);
    #[cfg(feature = "metrics")]
    let app = metrics::with(app);
    #[cfg(feature = "mounted")]
    let app = mounted::add(app);
    #[cfg(feature = "multipart")]
    let app = multipart::add(app);
    #[cfg(feature = "query")]
    let app = query::add(app);
    #[cfg(feature = "rate-limit")]
    let app = rate_limit::with(app);
    #[cfg(feature = "validate")]
    let app = validate::add(app);
    #[cfg(feature = "otel")]
    otel::log();
    #[cfg(not(feature = "otel"))]
    tracing_subscriber::fmt().json().init();
    axum_peer::run(axum_peer::with_equal_work(app, axum::Router::new()))
}
