//! Requests to an event function: the function gets an event in place of the request, and its reply says what the client gets.

use std::time::SystemTime;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, Uri, header};

use super::reply::set_request_id;
use crate::call::{Answer, Call, CallKind, Whole};
use crate::event::{Tail, Via};
use crate::failure::Failure;
use crate::front::body::{Outgoing, plain};
use crate::front::control::set_log;
use crate::front::refusal::{ERROR_TYPE, UNHANDLED};
use crate::front::visit::Visit;
use crate::model::{Claim, Edition, Function};
use crate::registry::Callee;
use crate::wire::headers::{self, Forwarded, Peer};
use crate::wire::http_event::{Asked, Replied};
use crate::wire::{BodyFault, ClientBody, Payload, host, limits};

/// Whether requests of this function become events. Edition 2.0 has none for requests.
pub(super) fn is_event(settings: &Function, kind: CallKind) -> Result<bool, Failure> {
    let is_event = settings.local.event_function && settings.local.edition == Edition::Fc3;
    if is_event && kind == CallKind::Rpc {
        return Err(Failure::invalid_argument("an event function takes no gRPC calls"));
    }
    Ok(is_event)
}

/// The event for a request, in at most `most` bytes. `headers` and `forwarded` are what a web function would get.
pub(super) async fn payload(
    settings: &Function,
    (visit, peer): (&Visit, &Peer),
    (method, target): (&Method, &Uri),
    (mut headers, forwarded): (HeaderMap, Option<&Forwarded>),
    (body, most): (&mut ClientBody, usize),
) -> Result<Bytes, Failure> {
    let body = body.read_in(most).await?;
    if let Some(forwarded) = forwarded {
        forwarded.add_to(&mut headers);
    }
    let text = |value: &HeaderValue| value.to_str().map(str::to_owned).unwrap_or_default();
    let host = headers.get(header::HOST).map(text).unwrap_or_default();
    let host = host::name_of(&host).unwrap_or_default();
    let id = visit.id();
    let said = headers.iter().filter(|(name, _)| !headers::is_reserved(name));
    let asked = Asked {
        method: method.as_str(),
        target,
        host: &host,
        headers: said.map(|(name, value)| (name.as_str(), value.as_bytes())).collect(),
        body: &body,
        client: &text(peer.address()),
        account: &settings.account,
        id: &id,
    };
    let event = serde_json::to_vec(&asked.event(SystemTime::now()));
    let event =
        event.map_err(|error| Failure::invalid_argument(format!("the request is no event: {error}")))?;
    // Base64 makes a body larger, and the event is what is limited.
    if event.len() > most {
        return Err(Failure::entity_too_large(most));
    }
    Ok(event.into())
}

/// The call with an event.
pub(super) fn call(
    event: Bytes,
    callee: Callee,
    (visit, via): (&Visit, Via),
    claim: Claim,
    tail: Option<Tail>,
) -> Call {
    let payload = (Payload::whole(event), BodyFault::default());
    Call { claim, is_probe: visit.is_probe(), ..Call::event(visit.id(), callee, via, payload, tail) }
}

/// Makes the client's response of the function's reply.
pub(super) async fn respond(
    answer: Answer,
    visit: &Visit,
    wants_log: bool,
) -> Result<Response<Outgoing>, Failure> {
    let is_error = answer.is_function_error();
    let Whole { bytes, log, .. } = answer.body.collect(wants_log).await?;
    let mut replied =
        if is_error { failed(bytes) } else { Replied::of(&bytes).map_err(|why| no_reply(&why))? };
    limits::check_reply(&replied.headers)?;
    headers::strip_reply(&mut replied.headers);
    if is_error {
        replied.headers.insert(ERROR_TYPE, HeaderValue::from_static(UNHANDLED));
    }
    set_request_id(&mut replied.headers, visit);
    if let Some(log) = log {
        set_log(&mut replied.headers, &log);
    }
    Ok(plain(replied.status, replied.headers, replied.body).map(Outgoing::whole))
}

fn no_reply(why: &str) -> Failure {
    Failure::bad_response(format!("the reply of the event function cannot be one to a request: {why}"))
}

/// What the client gets of a function that failed: the error that the function told.
fn failed(error: Bytes) -> Replied {
    let headers =
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("application/json"))]);
    Replied { status: StatusCode::BAD_GATEWAY, headers, body: error }
}
