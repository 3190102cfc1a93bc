//! Feature `otel`: the spans of requests, and of the author inside them, sent to an OpenTelemetry collector (OTLP).

mod client;
mod pipeline;
mod proto;
mod settings;
mod span;

pub(crate) use pipeline::{Pipeline, Requests};
pub use settings::Otel;
pub(crate) use settings::Sampler;
#[cfg_attr(not(feature = "log"), allow(unused_imports, reason = "the subscriber of `log` makes them"))]
pub(crate) use span::{InnerSpan, SpanValues};
