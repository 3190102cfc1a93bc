//! An HTTP request to a function, phase by phase.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use fc_runtime::platform::limits::ASYNC_BODY_MAX;
use http::header::{CONTENT_DISPOSITION, ORIGIN};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response};
use http_body_util::{BodyExt, Limited};
use tokio::time::timeout;

use super::cors::{self, Verdict};
use super::policy::Policy;
use super::{auth, event, fc2, reply};
use crate::auth::Gate;
use crate::call::{Call, CallKind, dispatch};
use crate::failure::Failure;
use crate::front::asynchronous::{self, Wish};
use crate::front::body::Outgoing;
use crate::front::control::Control;
use crate::front::session::Session;
use crate::front::target::{Binding, EntryPoint};
use crate::front::visit::Visit;
use crate::front::{refusal, rpc};
use crate::model::{Edition, Function};
use crate::queue::{Queue, StoredCall};
use crate::registry::Callee;
use crate::wire::headers::{self, Forwarded, Peer};
use crate::wire::{BodyFault, BrokenBody, ClientBody, Payload, Seen, limits, upgrade};

/// How long the body of a handshake may take. A client should send none.
const IGNORED_BODY_MAX: Duration = Duration::from_secs(10);

/// The header by which a browser names the purpose of a request.
const FETCH_DEST: HeaderName = HeaderName::from_static("sec-fetch-dest");

/// The headers that do not go to the function.
const STRIPPED: Seen = Seen::CONNECTION
    .or(Seen::CONTENT_LENGTH)
    .or(Seen::EXPECT)
    .or(Seen::HOP_BY_HOP)
    .or(Seen::RESERVED)
    .or(Seen::TRANSFER_ENCODING)
    .or(Seen::UPGRADE);

/// Handles an HTTP request to a function. A page can read a reply only with CORS headers, so errors get them too.
pub(crate) async fn enter(
    binding: Binding,
    (gate, queue): (&Gate, &Queue),
    peer: &Peer,
    mut visit: Visit,
    request: Box<Request<ClientBody>>,
) -> Response<Outgoing> {
    let response = answer(binding, (gate, queue), peer, &mut visit, request).await;
    visit.leave_with(response)
}

/// As [`enter`], for a way in that still changes the response: the caller sends the visit on its way.
pub(crate) async fn answer(
    binding: Binding,
    (gate, queue): (&Gate, &Queue),
    peer: &Peer,
    visit: &mut Visit,
    request: Box<Request<ClientBody>>,
) -> Response<Outgoing> {
    let is_rpc = rpc::is_call(&request);
    let seen = request.body().seen();
    let origin = if seen.has(Seen::ORIGIN) { request.headers().get(ORIGIN).cloned() } else { None };
    let is_page = seen.has(Seen::SEC_FETCH_DEST)
        && request.headers().get(FETCH_DEST).is_some_and(|kind| kind == "document");
    let settings = binding.function.settings();
    let edition = settings.local.edition;
    let policy = Policy::of(&binding, &settings, peer.is_tls());
    let cors = policy.as_ref().ok().and_then(|policy| policy.cors);
    let is_built_in = policy.as_ref().is_ok_and(Policy::is_built_in);
    let outcome = match policy
        .and_then(|policy| check(policy, edition, &request, visit).map(|early| (policy, early)))
    {
        Ok((_, Some(answer))) => return answer.map(Outgoing::whole),
        // On the heap: every future around this one would have to be as large, and some of them are moved.
        Ok((policy, None)) => {
            Box::pin(pass_on(policy, &binding, (gate, queue), &settings, peer, visit, request)).await
        }
        Err(failure) => Err(failure),
    };
    if is_rpc {
        let response = outcome.unwrap_or_else(|failure| {
            visit.set_cause(&failure);
            rpc::reply(&failure, &visit.id()).map(Outgoing::whole)
        });
        visit.set_grpc_status(rpc::code_of(response.headers()));
        return response;
    }
    let mut response = outcome.unwrap_or_else(|failure| {
        visit.set_cause(&failure);
        refusal::reply(&failure, &visit.id(), visit.edition()).map(Outgoing::whole)
    });
    if !cors::let_read(cors, response.headers_mut(), origin.as_ref(), edition) {
        binding.function.tell_origins();
    }
    if is_built_in && settings.local.attachment {
        force_attachment(response.headers_mut());
    } else if is_built_in && is_page {
        binding.function.tell_attachment();
    }
    response
}

/// The phases that need the head alone, in the platform's order: size, CORS, method. `Some` is the gateway's own answer.
fn check(
    policy: Policy<'_>,
    edition: Edition,
    request: &Request<ClientBody>,
    visit: &Visit,
) -> Result<Option<Response<Bytes>>, Failure> {
    limits::check(request, request.body().seen(), edition)?;
    match cors::judge(&policy, request, &visit.id(), edition) {
        Verdict::Answered(response) => return Ok(Some(response)),
        Verdict::IsPassedOn => {}
        Verdict::GoesOn => check_method(&policy, request.method())?,
    }
    Ok(None)
}

/// The phases of a request that goes on to the function.
async fn pass_on(
    policy: Policy<'_>,
    binding: &Binding,
    (gate, queue): (&Gate, &Queue),
    settings: &Function,
    peer: &Peer,
    visit: &mut Visit,
    mut request: Box<Request<ClientBody>>,
) -> Result<Response<Outgoing>, Failure> {
    let seen = request.body().seen();
    let is_handshake = seen.has(Seen::UPGRADE) && upgrade::is_handshake(&request);
    let client = is_handshake.then(|| hyper::upgrade::on(&mut *request));
    let kind = match &client {
        Some(_) => CallKind::Handshake,
        None if rpc::is_call(&request) => CallKind::Rpc,
        None => CallKind::Http,
    };
    let (head, mut body) = (*request).into_parts();
    let mut target = binding.target(&head.method, &head.uri)?;
    // A rule of a domain must not lead around a list.
    let paths = [binding.listed_path(&head.uri, &target), target.path()];
    let admission = auth::admit(policy.auth, gate, &head, &paths, &mut body).await?;
    let mut headers: HeaderMap = head.headers;
    let control = if seen.has(Seen::RESERVED) { Control::take(&headers) } else { Control::default() };
    let wish = if control.is_async { Some(Wish::read(&headers)?) } else { None };
    let mut callee = Callee::choose(Arc::clone(&binding.function), binding.qualifier.as_deref())?;
    let of_version = if callee.version.is_some() { Some(callee.settings()?) } else { None };
    let affinity = of_version.as_deref().unwrap_or(settings).affinity.as_ref();
    let session = Session::of_request(affinity, &head.method, &target, &headers)?;
    callee.follow_session(&session.claim);
    // What a gRPC call says of trailers does not pass: it is said anew of each.
    if seen.has(STRIPPED) || seen.has(Seen::TE) && kind != CallKind::Rpc {
        headers::strip_request(&mut headers);
    }
    // A client may name any header in `Connection`, but takes away no claim by that.
    admission.apply(&mut headers, &mut target);
    let forwarded = forwarded(&binding.entry, &mut headers, peer);
    let is_fc2 = settings.local.edition == Edition::Fc2;
    if is_fc2 && policy.is_built_in() {
        fc2::add_base_path(&mut headers, settings);
    }
    let is_event = event::is_event(settings, kind)?;
    let event = if is_event {
        let said = (headers.clone(), forwarded.as_deref());
        let body = (&mut body, if wish.is_some() { ASYNC_BODY_MAX } else { limits::BODY_MAX });
        Some(Box::pin(event::payload(settings, (visit, peer), (&head.method, &target), said, body)).await?)
    } else {
        None
    };
    if let Some(wish) = wish {
        if kind != CallKind::Http {
            let text = "a WebSocket or a gRPC call cannot be asynchronous: nobody would be there to answer";
            return Err(Failure::invalid_argument(text));
        }
        if let Some(forwarded) = &forwarded {
            forwarded.add_to(&mut headers);
        }
        let (via, method) = (policy.via, head.method);
        let call = if let Some(event) = event {
            StoredCall::event(via, event)
        } else {
            let body = body.read_in(ASYNC_BODY_MAX).await?;
            StoredCall { is_event: false, via, method, target, headers, body }
        };
        let of = (&*callee.function.name, callee.qualifier.as_deref());
        return asynchronous::accept(queue, of, wish, visit, call).await;
    }
    let told = is_fc2.then(|| callee.clone());
    let tail = visit.tail(control.wants_log);
    let call = Box::new(if let Some(event) = event {
        event::call(event, callee, (visit, policy.via), session.claim.clone(), tail)
    } else {
        let early = body.take_early();
        let (payload, body_fault) = match kind {
            CallKind::Handshake => (Box::pin(ignore(body)).await?, BodyFault::default()),
            _ => payload(kind, body, &policy),
        };
        Call {
            id: visit.id(),
            callee,
            claim: session.claim.clone(),
            kind,
            via: policy.via,
            attempt: 1,
            target,
            method: head.method.clone(),
            headers,
            forwarded,
            payload,
            body_fault,
            early,
            tail,
            is_probe: visit.is_probe(),
        }
    });
    visit.set_call(&call);
    let mut answer = dispatch(call, visit.seat()).await?;
    let mut response = if is_event {
        Box::pin(event::respond(answer, visit, control.wants_log)).await?
    } else {
        session.follow(&mut answer);
        match kind {
            CallKind::Rpc => reply::pass_on_rpc(answer, visit)?,
            _ => {
                reply::pass_on(answer, &head.method, visit, &policy, control.wants_log, client, told).await?
            }
        }
    };
    session.tell(response.headers_mut());
    Ok(response)
}

/// The body of a call, as it goes to the function while it comes.
fn payload(kind: CallKind, body: ClientBody, policy: &Policy<'_>) -> (Payload, BodyFault) {
    let (payload, fault) = match kind {
        CallKind::Rpc => Payload::messages(body),
        _ => Payload::client(body, limits::BODY_MAX),
    };
    // A function may read trailers as headers, and a client must not say what only a token may.
    (if policy.auth.sets_parameters() { payload.without_trailers() } else { payload }, fault)
}

/// What the function is told of its client, apart from the headers.
fn forwarded(entry: &EntryPoint, headers: &mut HeaderMap, peer: &Peer) -> Option<Arc<Forwarded>> {
    if matches!(entry, EntryPoint::Alb) {
        // The load balancer has said already, as its listener is set, where the request comes from.
        headers::add_client(headers, peer);
        return None;
    }
    Some(Forwarded::take(headers, peer))
}

fn check_method(policy: &Policy<'_>, method: &Method) -> Result<(), Failure> {
    if policy.allows(method.as_str()) {
        return Ok(());
    }
    Err(Failure::access_denied(format_args!("{} does not allow method {method}", policy.name())))
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
