//! A call by a function's HTTP trigger, phase by phase.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_DISPOSITION, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use super::{cors, reply};
use crate::call::{Call, CallKind, dispatch};
use crate::event::{Tail, Via};
use crate::failure::Failure;
use crate::front::body::Outgoing;
use crate::front::control::Control;
use crate::front::target::origin_form;
use crate::front::visit::Visit;
use crate::front::{refusal, rpc};
use crate::model::{Function, HttpTrigger};
use crate::registry::Deployed;
use crate::wire::headers::{self, Peer};
use crate::wire::{BodyFault, BrokenBody, ClientBody, Payload, limits, upgrade};

/// How long the body of a handshake may take. A client should send none.
const IGNORED_BODY_MAX: Duration = Duration::from_secs(10);

/// The header by which a browser names the purpose of a request.
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Handles a request to a function's HTTP trigger. A page can read a reply only with CORS headers, so errors get them
/// too.
pub(crate) async fn enter(
    function: Arc<Deployed>,
    peer: &Peer,
    mut visit: Visit,
    request: Request<ClientBody>,
) -> Response<Outgoing> {
    if rpc::is_call(&request) {
        let settings = function.settings();
        let response = match phases(function, &settings, peer, &mut visit, request).await {
            Ok(response) => response,
            Err(failure) => rpc::reply(&failure, &visit.id()).map(Outgoing::whole),
        };
        visit.set_grpc_status(rpc::code_of(response.headers()));
        return visit.leave_with(response);
    }
    let origin = request.headers().get(ORIGIN).cloned();
    let is_page = request.headers().get(FETCH_DEST).is_some_and(|kind| kind == "document");
    let settings = function.settings();
    let entry = is_page.then(|| Arc::clone(&function));
    let mut response = match phases(function, &settings, peer, &mut visit, request).await {
        Ok(response) => response,
        Err(failure) => refusal::reply(&failure, &visit.id()).map(Outgoing::whole),
    };
    cors::fill(response.headers_mut(), origin.as_ref());
    if settings.local.attachment {
        force_attachment(response.headers_mut());
    } else if let Some(function) = entry {
        function.tell_attachment();
    }
    visit.leave_with(response)
}

/// The phases behind the trigger, in the platform's order.
async fn phases(
    function: Arc<Deployed>,
    settings: &Function,
    peer: &Peer,
    visit: &mut Visit,
    mut request: Request<ClientBody>,
) -> Result<Response<Outgoing>, Failure> {
    let Some(trigger) = &settings.trigger else { return Err(Failure::trigger_not_found(&settings.name)) };
    if trigger.internet_disabled {
        return Err(Failure::internet_disabled());
    }
    limits::check(&request)?;
    if request.method() == Method::OPTIONS && !trigger.methods.iter().any(|method| method == "OPTIONS") {
        return Ok(cors::preflight(request.headers(), &visit.id()).map(Outgoing::whole));
    }
    check_method(trigger, request.method())?;
    let client = upgrade::is_handshake(&request).then(|| hyper::upgrade::on(&mut request));
    let kind = match &client {
        Some(_) => CallKind::Handshake,
        None if rpc::is_call(&request) => CallKind::Rpc,
        None => CallKind::Http,
    };
    let (head, body) = request.into_parts();
    let mut headers: HeaderMap = head.headers;
    let control = Control::take(&headers);
    control.refuse_unsupported()?;
    headers::strip_request(&mut headers);
    headers::add_forwarding(&mut headers, peer);
    let (payload, body_fault) = match kind {
        CallKind::Handshake => (ignore(body).await?, BodyFault::default()),
        CallKind::Rpc => Payload::messages(body),
        CallKind::Http | CallKind::Event => Payload::client(body, limits::BODY_MAX),
    };
    let tail = control.wants_log.then(Tail::default);
    let call = Call {
        id: visit.id(),
        function,
        kind,
        via: Via::HttpTrigger,
        attempt: 1,
        target: origin_form(&head.method, &head.uri)?,
        method: head.method.clone(),
        headers,
        payload,
        body_fault,
        tail,
    };
    visit.set_call(&call);
    let answer = dispatch(call, visit.seat()).await?;
    if kind == CallKind::Rpc {
        return reply::pass_on_rpc(answer, visit);
    }
    reply::pass_on(answer, &head.method, visit, control.wants_log, client).await
}

fn check_method(trigger: &HttpTrigger, method: &Method) -> Result<(), Failure> {
    if trigger.methods.iter().any(|allowed| allowed == method.as_str()) {
        return Ok(());
    }
    Err(Failure::access_denied(format_args!("the HTTP trigger does not allow method {method}")))
}

/// Reads and drops the body of a handshake. The function does not get the body, and an unread rest would be read as
/// frames.
async fn ignore(body: ClientBody) -> Result<Payload, Failure> {
    let read = Limited::new(body, limits::BODY_MAX).collect();
    match timeout(IGNORED_BODY_MAX, read).await {
        Ok(Ok(_)) => Ok(Payload::Empty),
        // The connection drops this future.
        Ok(Err(error)) if error.downcast_ref().is_some_and(BrokenBody::has_client_left) => {
            std::future::pending().await
        }
        _ => Err(Failure::invalid_argument("the handshake has a body that does not end")),
    }
}

/// Built-in hosts make browsers save a reply instead of showing it.
fn force_attachment(headers: &mut HeaderMap) {
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
}
