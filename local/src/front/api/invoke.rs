//! `InvokeFunction`, as the official SDK calls it.

use fc_runtime::platform::limits::ASYNC_BODY_MAX;
use fc_runtime::platform::names::header as fc;
use http::{HeaderMap, HeaderValue, Request, Response, StatusCode, header};

use super::auth::admit;
use crate::auth::Gate;
use crate::call::{Call, Whole, dispatch};
use crate::event::{Tail, Via};
use crate::failure::Failure;
use crate::front::asynchronous::{self, Wish};
use crate::front::body::{Outgoing, plain};
use crate::front::control::{Control, set_log};
use crate::front::refusal::{self, ERROR_TYPE, UNHANDLED};
use crate::front::session::Session;
use crate::front::visit::Visit;
use crate::queue::{Queue, StoredCall};
use crate::registry::Callee;
use crate::wire::headers::Peer;
use crate::wire::{ClientBody, Payload, limits};

/// Carries out the call.
pub(crate) async fn invoke(
    mut callee: Callee,
    (gate, peer): (&Gate, &Peer),
    queue: &Queue,
    visit: &mut Visit,
    request: Request<ClientBody>,
) -> Result<Response<Outgoing>, Failure> {
    let (head, mut body) = admit(gate, peer, request).await?;
    let control = Control::take(&head.headers);
    if control.is_async {
        let wish = Wish::read(&head.headers)?;
        let call = StoredCall::event(Via::InvokeFunction, body.read_in(ASYNC_BODY_MAX).await?);
        let of = (&*callee.function.name, callee.qualifier.as_deref());
        return asynchronous::accept(queue, of, wish, visit, call).await;
    }
    let settings = callee.settings()?;
    let session = Session::of_event(settings.affinity.as_ref(), &head.headers)?;
    callee.follow_session(&session.claim);
    let version = callee.version_text();
    let payload = Payload::client(body, limits::BODY_MAX);
    let tail = visit.tail(control.wants_log);
    let mut call = Call::event(visit.id(), callee, Via::InvokeFunction, payload, tail.clone());
    let tail = tail.filter(|_| control.wants_log);
    call.claim = session.claim.clone();
    visit.set_call(&call);
    let answer = match dispatch(Box::new(call), visit.seat()).await {
        Ok(answer) => answer,
        Err(failure) => return function_error(failure, visit, tail.as_ref(), &version),
    };
    let is_error = answer.is_function_error();
    match answer.body.collect(control.wants_log).await {
        Ok(Whole { bytes, log, .. }) => {
            let mut headers = headers(visit, &version);
            session.tell(&mut headers);
            if is_error {
                headers.insert(ERROR_TYPE, HeaderValue::from_static(UNHANDLED));
            }
            if let Some(log) = log {
                set_log(&mut headers, &log);
            }
            headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
            Ok(plain(StatusCode::OK, headers, bytes).map(Outgoing::whole))
        }
        Err(failure) => function_error(failure, visit, tail.as_ref(), &version),
    }
}

/// A failure of the function itself is a successful call of the API.
fn function_error(
    failure: Failure,
    visit: &Visit,
    tail: Option<&Tail>,
    version: &str,
) -> Result<Response<Outgoing>, Failure> {
    if !refusal::is_functions_error(failure.kind) {
        return Err(failure);
    }
    let mut headers = headers(visit, version);
    if let Some(tail) = tail {
        set_log(&mut headers, &tail.text());
    }
    headers.insert(ERROR_TYPE, HeaderValue::from_static(UNHANDLED));
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    Ok(plain(StatusCode::OK, headers, refusal::json(&failure, &visit.id(), visit.edition()))
        .map(Outgoing::whole))
}

fn headers(visit: &Visit, version: &str) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if let Ok(id) = HeaderValue::from_str(&visit.id()) {
        headers.insert(fc::REQUEST_ID, id);
    }
    if let Some(id) = visit.instance().and_then(|id| HeaderValue::from_str(id).ok()) {
        headers.insert("x-fc-instance-id", id);
    }
    if let Ok(version) = HeaderValue::from_str(version) {
        headers.insert("x-fc-invocation-service-version", version);
    }
    headers
}
