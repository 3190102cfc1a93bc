//! The last stage of a reply. Errors get a body, CORS and platform headers are added, reserved headers are dropped.

use std::panic::Location;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Response, StatusCode, Version, header};

use crate::cors::SealedCors;
use crate::error::Error;
use crate::exchange::{Call, Protocol};
use crate::headers;
use crate::log::{backtrace, current, say};
use crate::platform::names::{self, RESERVED_PREFIX};
use crate::reply::{Reply, encoded_location};
use crate::stage::{Outgoing, Record};

/// Completes a reply. `cors_of_refusal` gives the policy where the request has no place. `protocol` is the app's second
/// protocol, such as gRPC. `trusted` means that the platform reads the reply, so the status header of the platform is set.
#[allow(clippy::inline_always, reason = "every request does it")]
#[inline(always)]
pub(crate) fn finish(
    reply: &mut Reply,
    record: &mut Record,
    cors_of_refusal: impl FnOnce(&str) -> Option<Arc<SealedCors>>,
    protocol: Option<&Protocol>,
    trusted: bool,
) {
    if reply.error().is_some() {
        say_failure(reply, record.call(), protocol);
    }
    let status = reply.status();
    if reply.has_own_headers() {
        strip(reply.our_headers_mut(), status);
    }
    let call = record.call();
    let of_refusal;
    let cors = if let Some(scope) = &call.scope {
        scope.cors.as_deref()
    } else {
        of_refusal = cors_of_refusal(call.path());
        of_refusal.as_deref()
    };
    if let Some(cors) = cors.filter(|_| !reply.has_cors()) {
        cors.decorate(&call.head, call.has_origin, reply.our_headers_mut());
    }
    if trusted && (status.is_server_error() || call.has_failed()) {
        // Without this header the platform counts the call as a success, and does not retry an asynchronous call.
        headers::set(reply.our_headers_mut(), STATUS, HeaderValue::from_static(names::status::FAILURE));
    }
    record.set_status(status.as_u16());
    // A 204 and a 304 have no body. hyper would drop the body unsent, and the record would end as if the client had
    // left. A 205 must not have a body either, and hyper would send one.
    if [StatusCode::NO_CONTENT, StatusCode::RESET_CONTENT, StatusCode::NOT_MODIFIED].contains(&status) {
        reply.without_body();
    } else if record.call().head.method == Method::HEAD {
        reply.silence();
    } else if reply.is_stream() && record.call().head.version == Version::HTTP_10 {
        reply.end_with_connection();
    }
}

/// Makes a response from its parts.
pub(crate) fn respond(
    status: StatusCode,
    headers: HeaderMap,
    body: Outgoing,
    is_head: bool,
) -> Response<Outgoing> {
    let mut response = Response::new(body);
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    if is_head {
        silence(&mut response);
    }
    response
}

/// Removes the body of a reply to `HEAD`, and sets its length as a header. hyper omits the body in HTTP/1 only.
fn silence(response: &mut Response<Outgoing>) {
    if let Some(length) = response.body_mut().silence() {
        headers::set(response.headers_mut(), header::CONTENT_LENGTH, length.into());
    }
}

/// Logs the error of a reply, and says it in the words of the protocol.
#[cold]
fn say_failure(reply: &mut Reply, call: &Arc<Call>, protocol: Option<&Protocol>) {
    let Some(error) = reply.error() else { return };
    let _entered = current::enter(Arc::clone(call) as _);
    log_cause_at(error, call.scope.as_ref().and_then(|scope| scope.line));
    if let Some(protocol) = protocol.filter(|protocol| (protocol.is_spoken)(&call.head.headers)) {
        (protocol.say_error)(call, reply);
    } else {
        let problem = Bytes::from(error.to_problem(call.id.as_str()));
        reply.set_body(problem, "application/problem+json");
    }
}

const STATUS: HeaderName = HeaderName::from_static(names::header::STATUS);

/// Logs the cause of an error: that of a 5xx as an error, that of a 4xx at debug level.
pub(crate) fn log_cause(error: &Error) {
    log_cause_at(error, None);
}

/// As [`log_cause`], with the line of the route for an error without a line of its own.
fn log_cause_at(error: &Error, route: Option<&'static Location<'static>>) {
    if error.is_reported() {
        return;
    }
    if error.status().is_server_error() {
        let route = route.filter(|_| error.location().is_none());
        let route = route.map(|line| format!("\n  in the route at {line}")).unwrap_or_default();
        say::error(format_args!("{error:?}{route}{}", backtrace::of(error).unwrap_or_default()));
    } else if error.cause().is_some() {
        say::debug(format_args!("{error:?}"));
    }
}

/// Drops headers that the platform would drop or overwrite, and headers that would break the framing. Percent-encodes
/// `Location` where a URI needs it.
fn strip(headers: &mut HeaderMap, status: StatusCode) {
    // Most replies have no such header, and then nothing is allocated.
    let mut redirects = false;
    let found = headers.keys().filter(|name| {
        redirects |= **name == header::LOCATION;
        !says_switch(name, status)
    });
    let found: Vec<_> = found.filter_map(|name| Some((name.clone(), owned(name)?))).collect();
    for (name, place) in found {
        headers.remove(&name);
        warn_once(&name, place);
    }
    if redirects
        && let Some(location) = headers.get_mut(header::LOCATION)
        && let Some(encoded) = encoded_location(location)
    {
        *location = encoded;
    }
}

/// Whether this header is part of a 101 or 426, which need `connection` and `upgrade`.
fn says_switch(name: &HeaderName, status: StatusCode) -> bool {
    let switches = [StatusCode::SWITCHING_PROTOCOLS, StatusCode::UPGRADE_REQUIRED].contains(&status);
    switches && [header::CONNECTION, header::UPGRADE].contains(name)
}

/// The index among the warnings, if the platform reserves this name.
fn owned(name: &HeaderName) -> Option<u8> {
    let text = name.as_str();
    if let Some(at) = names::STRIPPED_REPLY_HEADERS.iter().position(|own| *own == text) {
        return u8::try_from(at).ok();
    }
    text.starts_with(RESERVED_PREFIX).then_some(7)
}

fn warn_once(name: &HeaderName, place: u8) {
    static WARNED: AtomicU8 = AtomicU8::new(0);
    let bit = 1 << place;
    if WARNED.fetch_or(bit, Ordering::Relaxed) & bit == 0 {
        say::warn(format_args!("the reply header {name:?} belongs to the platform and was dropped"));
    }
}
