//! A function's reply on its way to the client: streamed if the function streams it, else whole.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Version, header};
use hyper::upgrade::OnUpgrade;

use super::fc2;
use super::policy::Policy;
use crate::call::{Answer, Whole};
use crate::failure::Failure;
use crate::front::body::Outgoing;
use crate::front::control::set_log;
use crate::front::visit::Visit;
use crate::registry::Callee;
use crate::wire::{headers, limits, upgrade};

/// Converts the function's reply into the client's response. `told` is the callee where the client is told of the call.
pub(crate) async fn pass_on(
    answer: Answer,
    method: &Method,
    visit: &Visit,
    policy: &Policy<'_>,
    wants_log: bool,
    client: Option<OnUpgrade>,
    told: Option<Callee>,
) -> Result<Response<Outgoing>, Failure> {
    let Answer { mut head, body } = answer;
    let package = if policy.is_built_in() { refuse_package(&head.headers) } else { Ok(()) };
    if let Err(failure) = limits::check_reply(&head.headers).and(package) {
        body.refuse(&failure);
        return Err(failure);
    }
    let has_no_body =
        *method == Method::HEAD || matches!(head.status, StatusCode::NO_CONTENT | StatusCode::NOT_MODIFIED);
    let length = if has_no_body { head.headers.get(header::CONTENT_LENGTH).cloned() } else { None };
    headers::strip_reply(&mut head.headers);
    // A function may speak HTTP/1.0; the platform's own client side does not.
    head.version = Version::HTTP_11;
    set_request_id(&mut head.headers, visit);
    if let Some(callee) = &told {
        fc2::add_to_reply(&mut head.headers, visit, callee, None);
    }
    if let Some(client) = client.filter(|_| body.is_tunnel()) {
        upgrade::set(&mut head.headers);
        return Ok(Response::from_parts(head, Outgoing::tunnel(body.tunnel(client))));
    }
    if body.is_streamed() && !has_no_body && !wants_log {
        // A client of events acts on the head, and the first event may come late. So the head is not held back.
        let stream =
            if is_events(&head.headers) { body.stream() } else { Box::pin(body.stream_begun()).await? };
        return Ok(Response::from_parts(head, Outgoing::streamed(stream)));
    }
    // A whole body has no trailers.
    head.headers.remove(header::TRAILER);
    let Whole { bytes, log, usage } = body.collect(wants_log).await?;
    if let Some(callee) = &told {
        fc2::add_to_reply(&mut head.headers, visit, callee, usage);
    }
    if let Some(log) = log {
        set_log(&mut head.headers, &log);
    }
    // The reply to a `HEAD` has no body, and only the function knows the length.
    if let Some(length) = length {
        head.headers.insert(header::CONTENT_LENGTH, length);
    }
    Ok(Response::from_parts(head, Outgoing::whole(bytes)))
}

/// Converts the function's reply to a gRPC call. Nothing is held back, and the trailers pass as they are.
pub(crate) fn pass_on_rpc(answer: Answer, visit: &Visit) -> Result<Response<Outgoing>, Failure> {
    let Answer { mut head, body } = answer;
    if let Err(failure) = limits::check_reply(&head.headers) {
        body.refuse(&failure);
        return Err(failure);
    }
    headers::strip_reply(&mut head.headers);
    set_request_id(&mut head.headers, visit);
    let body = body.stream_of_call();
    let body = body.map_or_else(|| Outgoing::whole(Bytes::new()), Outgoing::streamed);
    Ok(Response::from_parts(head, body))
}

fn is_events(headers: &HeaderMap) -> bool {
    media_type(headers).eq_ignore_ascii_case(b"text/event-stream")
}

/// Refuses a package for Android: built-in domains do not pass them, so that nobody spreads programs by them.
fn refuse_package(headers: &HeaderMap) -> Result<(), Failure> {
    if media_type(headers).eq_ignore_ascii_case(b"application/vnd.android.package-archive") {
        let text = "the built-in domain of an HTTP trigger does not pass packages for Android (APK); use a custom domain";
        return Err(Failure::invalid_argument(text));
    }
    Ok(())
}

/// The media type without its parameters.
fn media_type(headers: &HeaderMap) -> &[u8] {
    let content_type = headers.get(header::CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    content_type.split(|byte| *byte == b';').next().unwrap_or_default().trim_ascii()
}

pub(super) fn set_request_id(into: &mut HeaderMap, visit: &Visit) {
    if let Ok(value) = HeaderValue::from_str(&visit.id()) {
        into.insert(headers::REQUEST_ID, value);
    }
}
