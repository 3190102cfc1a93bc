//! Requests as spans and events of `tracing`, for a subscriber of the author's. The names are OpenTelemetry's.

use std::net::IpAddr;
use std::sync::atomic::{AtomicBool, Ordering};

use http::header;
use tracing::{Span, field};

use crate::exchange::Call;
use crate::log::current::Tagged;
use crate::log::say::REQUEST;
use crate::observe::{Ended, OTHER_METHOD, known_method, version_name};
use crate::stage::record::CLIENT_CLOSED_REQUEST;

/// What caused a call: the values of `faas.trigger`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Trigger {
    Http,
    /// An event call does not say which trigger sent it.
    Other,
}

/// The span of a request. `None` if no subscriber wants it, which costs a few instructions.
///
/// Fields: <https://opentelemetry.io/docs/specs/semconv/http/http-spans/>. The query is no field, because queries carry
/// signatures and tokens.
#[inline]
pub(crate) fn request_span(
    call: &Call,
    trigger: Trigger,
    client: impl FnOnce() -> Option<IpAddr>,
) -> Option<Span> {
    if tracing::level_enabled!(tracing::Level::INFO)
        && tracing::span_enabled!(target: REQUEST, tracing::Level::INFO)
    {
        Some(open(call, trigger, client()))
    } else {
        None
    }
}

#[cold]
#[inline(never)]
fn open(call: &Call, trigger: Trigger, client: Option<IpAddr>) -> Span {
    static IS_WARM: AtomicBool = AtomicBool::new(false);
    let method = known_method(&call.head.method);
    let route = call.scope.as_ref().map(|scope| &*scope.pattern).filter(|route| !route.is_empty());
    let (trigger, name) = match trigger {
        Trigger::Other => ("other", "invoke".to_owned()),
        Trigger::Http => {
            ("http", route.map_or_else(|| method.to_owned(), |route| format!("{method} {route}")))
        }
    };
    let trace = call.known_trace();
    let agent = call.head.headers.get(header::USER_AGENT).and_then(|agent| agent.to_str().ok());
    tracing::info_span!(
        target: REQUEST,
        "request",
        otel.name = name,
        otel.kind = "server",
        http.request.method = method,
        http.request.method_original = (method == OTHER_METHOD).then(|| call.head.method.as_str()),
        url.path = call.head.uri.path(),
        url.scheme = "http",
        http.route = route,
        client.address = client.map(field::display),
        network.protocol.version = version_name(call.head.version),
        user_agent.original = agent,
        faas.invocation_id = call.request_id(),
        faas.trigger = trigger,
        faas.coldstart = !IS_WARM.swap(true, Ordering::Relaxed),
        trace_id = trace.map(|trace| field::display(trace.trace_id())),
        http.response.status_code = field::Empty,
        error.type = field::Empty,
        otel.status_code = field::Empty,
    )
}

/// Records the end of a request in its span.
pub(super) fn end_span(span: &Span, ended: &Ended<'_>) {
    span.record("http.response.status_code", ended.status);
    if ended.has_failed {
        span.record("otel.status_code", "ERROR");
        span.record("error.type", field::display(ended.status));
    }
}

/// Says the access record as an event, inside the request's span.
pub(super) fn say_record(ended: &Ended<'_>) {
    macro_rules! say {
        ($level:ident) => {
            tracing::$level!(
                target: REQUEST,
                status = ended.status,
                bytes = ended.sent,
                duration_us = u64::try_from(ended.lasted.as_micros()).unwrap_or(u64::MAX),
                end = ended.early,
                "{} {}",
                ended.method,
                ended.uri.path()
            )
        };
    }
    let say = || match (ended.status == CLIENT_CLOSED_REQUEST, ended.has_failed) {
        (true, _) => say!(warn),
        (_, true) => say!(error),
        _ => say!(info),
    };
    match ended.request.span() {
        Some(span) => span.in_scope(say),
        None => say(),
    }
}
