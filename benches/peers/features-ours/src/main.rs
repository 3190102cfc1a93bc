//! One route, with the one feature of this package that the build chose; without any it is the base to compare with.

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

fn main() -> fc_runtime::Result {
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
    #[cfg(feature = "otel")]
    let app = otel::with(app);
    #[cfg(feature = "query")]
    let app = query::add(app);
    #[cfg(feature = "rate-limit")]
    let app = rate_limit::with(app);
    #[cfg(feature = "validate")]
    let app = validate::add(app);
    app.run()
}
