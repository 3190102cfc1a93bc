//! Spans, written as OTLP's messages when they end.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::header::USER_AGENT;
use tracing::field::{Field, Visit};

use crate::observe::{Ended, OTHER_METHOD, version_name};
use crate::otel::proto::{Message, Value};
use crate::platform::random;
use crate::trace::TraceContext;

/// The longest text of an attribute, in bytes.
const TEXT_MAX: usize = 4096;

/// The most bytes of the attributes of one span.
const VALUES_MAX: usize = 32 * 1024;

const INTERNAL: u64 = 1;
const SERVER: u64 = 2;
const ATTRIBUTES: u32 = 9;

/// The span of a request that has ended. Names: <https://opentelemetry.io/docs/specs/semconv/http/http-spans/>.
pub(super) fn of_request(ended: &Ended<'_>, trace: &TraceContext) -> Vec<u8> {
    let method = ended.method_name();
    let route = ended.route.unwrap_or_default();
    let name = match (ended.is_event, route) {
        (true, _) => "invoke".to_owned(),
        (_, "") => method.to_owned(),
        _ => format!("{method} {route}"),
    };
    let end = SystemTime::now();
    let mut span = begin(trace, trace.own_span_id(), trace.parent(), &name, SERVER);
    times(&mut span, end.checked_sub(ended.lasted).unwrap_or(UNIX_EPOCH), end);
    let mut text = |key: &str, value: &str| span.attribute(ATTRIBUTES, key, &Value::Text(cut(value)));
    if !ended.is_event {
        text("http.request.method", method);
        if method == OTHER_METHOD {
            text("http.request.method_original", ended.method.as_str());
        }
        text("url.path", ended.uri.path());
        text("url.scheme", "http");
        text("network.protocol.version", version_name(ended.version));
        if !route.is_empty() {
            text("http.route", route);
        }
        if let Some(agent) = ended.headers.get(USER_AGENT).and_then(|agent| agent.to_str().ok()) {
            text("user_agent.original", agent);
        }
        if let Some(peer) = ended.peer {
            text("network.peer.address", &peer.to_string());
        }
    }
    text("faas.invocation_id", ended.request.request_id());
    text("faas.trigger", if ended.is_event { "other" } else { "http" });
    if ended.has_failed || ended.early.is_some() {
        let status = ended.status.to_string();
        text("error.type", ended.early.unwrap_or(&status));
    }
    if !ended.is_event {
        span.attribute(ATTRIBUTES, "http.response.status_code", &Value::Int(i64::from(ended.status)));
    }
    status(&mut span, ended.has_failed);
    span.0
}

/// A span of the author's, inside a request whose trace is recorded.
pub(crate) struct InnerSpan {
    trace: TraceContext,
    span_id: [u8; 8],
    begun: SystemTime,
    values: SpanValues,
}

/// The attributes of a span.
#[derive(Default)]
pub(crate) struct SpanValues {
    message: Message,
    is_error: bool,
}

impl InnerSpan {
    /// Begins a span inside another, or inside the request. `None` if its trace is not recorded.
    pub(crate) fn begin(parent: Option<&Self>, request: Option<&TraceContext>) -> Option<Self> {
        let trace = match parent {
            Some(parent) => parent.trace.clone().inside(parent.span_id),
            None => request
                .filter(|trace| trace.is_sampled() == Some(true))
                .map(|trace| trace.clone().inside(trace.own_span_id()))?,
        };
        let span_id = (random() | 1).to_be_bytes();
        Some(Self { trace, span_id, begun: SystemTime::now(), values: SpanValues::default() })
    }

    /// Adds attributes, as far as there is room.
    pub(crate) fn add(&mut self, more: &SpanValues) {
        let (own, more_bytes) = (&mut self.values.message.0, &more.message.0);
        if own.len() < VALUES_MAX {
            own.extend_from_slice(more_bytes);
        }
        self.values.is_error |= more.is_error;
    }

    /// The span as a message. It ends now.
    pub(crate) fn end(self, name: &str) -> Vec<u8> {
        let Self { trace, span_id, begun, values } = self;
        let mut span = begin(&trace, span_id, trace.parent(), name, INTERNAL);
        times(&mut span, begun, SystemTime::now());
        span.0.extend_from_slice(&values.message.0);
        status(&mut span, values.is_error);
        span.0
    }
}

impl SpanValues {
    fn add(&mut self, field: &Field, value: &Value<'_>) {
        if self.message.0.len() < VALUES_MAX {
            self.message.attribute(ATTRIBUTES, field.name(), value);
        }
        self.is_error |= field.name() == "error";
    }
}

impl Visit for SpanValues {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.add(field, &Value::Text(cut(&format!("{value:?}"))));
    }
    fn record_str(&mut self, field: &Field, value: &str) {
        self.add(field, &Value::Text(cut(value)));
    }
    fn record_i64(&mut self, field: &Field, value: i64) {
        self.add(field, &Value::Int(value));
    }
    fn record_u64(&mut self, field: &Field, value: u64) {
        match i64::try_from(value) {
            Ok(value) => self.add(field, &Value::Int(value)),
            Err(_) => self.add(field, &Value::Text(&value.to_string())),
        }
    }
    fn record_f64(&mut self, field: &Field, value: f64) {
        self.add(field, &Value::Double(value));
    }
    fn record_bool(&mut self, field: &Field, value: bool) {
        self.add(field, &Value::Bool(value));
    }
}

fn begin(trace: &TraceContext, span_id: [u8; 8], parent: Option<[u8; 8]>, name: &str, kind: u64) -> Message {
    let mut span = Message::default();
    span.bytes(1, trace.trace_id_bytes());
    span.bytes(2, &span_id);
    if let Some(state) = trace.state() {
        span.text(3, state);
    }
    if let Some(parent) = parent {
        span.bytes(4, &parent);
    }
    span.text(5, cut(name));
    span.varint(6, kind);
    span.fixed32(16, 1);
    span
}

fn times(span: &mut Message, begun: SystemTime, ended: SystemTime) {
    span.fixed64(7, nanos(begun));
    span.fixed64(8, nanos(ended));
}

fn status(span: &mut Message, is_error: bool) {
    if is_error {
        let mut status = Message::default();
        status.varint(3, 2);
        span.bytes(15, &status.0);
    }
}

fn nanos(time: SystemTime) -> u64 {
    let since = time.duration_since(UNIX_EPOCH).unwrap_or(Duration::ZERO);
    u64::try_from(since.as_nanos()).unwrap_or(u64::MAX)
}

/// The begin of a text that is too long.
fn cut(text: &str) -> &str {
    let mut end = text.len().min(TEXT_MAX);
    while !text.is_char_boundary(end) {
        end -= 1;
    }
    &text[..end]
}
