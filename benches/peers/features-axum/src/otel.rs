//! A span for each request, by tracing-opentelemetry and OpenTelemetry's SDK, to an exporter that drops them: neither the
//! encoding nor the network is counted.

use opentelemetry::trace::TracerProvider;
use opentelemetry_sdk::error::OTelSdkResult;
use opentelemetry_sdk::trace::{SdkTracerProvider, SpanData, SpanExporter};
use tracing_subscriber::layer::SubscriberExt;
use tracing_subscriber::util::SubscriberInitExt;
use tracing_subscriber::{Layer, filter::LevelFilter, fmt};

#[derive(Debug)]
struct Nowhere;

impl SpanExporter for Nowhere {
    async fn export(&self, batch: Vec<SpanData>) -> OTelSdkResult {
        drop(batch);
        Ok(())
    }
}

pub(crate) fn log() {
    let provider = SdkTracerProvider::builder().with_batch_exporter(Nowhere).build();
    let traced = tracing_opentelemetry::layer().with_tracer(provider.tracer("hello"));
    opentelemetry::global::set_tracer_provider(provider);
    let (lines, traced) =
        (fmt::layer().json().with_filter(LevelFilter::INFO), traced.with_filter(LevelFilter::INFO));
    tracing_subscriber::registry().with(lines).with(traced).init();
}
