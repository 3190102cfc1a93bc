//! An HTTP request to a function, phase by phase.

use std::sync::Arc;
use std::time::Duration;

use http::header::{CONTENT_DISPOSITION, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use super::policy::Policy;
use super::{cors, fc2, reply};
use crate::call::{Call, CallKind, dispatch};
use crate::event::{Tail, Via};
use crate::failure::Failure;
use crate::front::body::Outgoing;
use crate::front::control::Control;
use crate::front::refusal;
use crate::front::session::Session;
use crate::front::target::Binding;
use crate::front::visit::Visit;
use crate::model::{Edition, Function};
use crate::registry::Callee;
use crate::wire::headers::{self, Peer};
use crate::wire::{BodyFault, BrokenBody, ClientBody, Payload, limits, upgrade};

/// How long the body of a handshake may take. A client should send none.
const IGNORED_BODY_MAX: Duration = Duration::from_secs(10);

/// The header by which a browser names the purpose of a request.
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// Handles an HTTP request to a function. A page can read a reply only with CORS headers, so errors get them too.
pub(crate) async fn enter(
    binding: Binding,
    peer: &Peer,
    mut visit: Visit,
    request: Request<ClientBody>,
) -> Response<Outgoing> {
    let origin = request.headers().get(ORIGIN).cloned();
    let is_page = request.headers().get(FETCH_DEST).is_some_and(|kind| kind == "document");
    let settings = binding.function.settings();
    let mut response = match phases(&binding, &settings, peer, &mut visit, request).await {
        Ok(response) => response,
        Err(failure) => refusal::reply(&failure, &visit.id(), visit.edition()).map(Outgoing::whole),
    };
    cors::fill(response.headers_mut(), origin.as_ref(), settings.local.edition);
    if settings.local.attachment {
        force_attachment(response.headers_mut());
    } else if is_page {
        binding.function.tell_attachment();
    }
    visit.leave_with(response)
}

/// The phases behind the trigger, in the platform's order.
async fn phases(
    binding: &Binding,
    settings: &Function,
    peer: &Peer,
    visit: &mut Visit,
    mut request: Request<ClientBody>,
) -> Result<Response<Outgoing>, Failure> {
    let policy = Policy::of(binding, settings)?;
    let edition = settings.local.edition;
    limits::check(&request, edition)?;
    if request.method() == Method::OPTIONS && !policy.allows("OPTIONS") {
        return Ok(cors::preflight(request.headers(), &visit.id(), edition).map(Outgoing::whole));
    }
    check_method(&policy, request.method())?;
    let client = upgrade::is_handshake(&request).then(|| hyper::upgrade::on(&mut request));
    let (head, body) = request.into_parts();
    let mut headers: HeaderMap = head.headers;
    let control = Control::take(&headers);
    control.refuse_unsupported()?;
    let mut callee = Callee::choose(Arc::clone(&binding.function), binding.qualifier.as_deref())?;
    let affinity = callee.settings()?;
    let affinity = affinity.affinity.as_ref();
    let target = binding.target(&head.method, &head.uri)?;
    let session = Session::of_request(affinity, &head.method, &target, &headers)?;
    callee.follow_session(&session.claim);
    headers::strip_request(&mut headers);
    headers::add_forwarding(&mut headers, peer);
    fc2::add_base_path(&mut headers, settings);
    let (payload, body_fault) = match &client {
        Some(_) => (ignore(body).await?, BodyFault::default()),
        None => Payload::client(body, limits::BODY_MAX),
    };
    let tail = control.wants_log.then(Tail::default);
    let call = Call {
        id: visit.id(),
        callee: callee.clone(),
        claim: session.claim.clone(),
        kind: if client.is_some() { CallKind::Handshake } else { CallKind::Http },
        via: Via::HttpTrigger,
        attempt: 1,
        target,
        method: head.method.clone(),
        headers,
        payload,
        body_fault,
        tail,
    };
    visit.set_call(&call);
    let mut answer = dispatch(call, visit.seat()).await?;
    session.follow(&mut answer);
    let callee = (edition == Edition::Fc2).then_some(callee);
    let mut response = reply::pass_on(answer, &head.method, visit, control.wants_log, client, callee).await?;
    session.tell(response.headers_mut());
    Ok(response)
}

fn check_method(policy: &Policy<'_>, method: &Method) -> Result<(), Failure> {
    if policy.allows(method.as_str()) {
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
