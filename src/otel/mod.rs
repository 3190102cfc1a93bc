//! Feature `otel`: the spans of requests, and of the author inside them, sent to an OpenTelemetry collector (OTLP).

mod client;
mod pipeline;
mod proto;
mod settings;
mod span;

pub(crate) use pipeline::{Pipeline, Requests};
pub use settings::Otel;
pub(crate) use settings::Sampler;
pub(crate) use span::{InnerSpan, SpanValues};
