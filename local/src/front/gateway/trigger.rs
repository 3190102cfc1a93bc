//! A call by a function's HTTP trigger, phase by phase.

use std::sync::Arc;

use http::header::{CONTENT_DISPOSITION, ORIGIN};
use http::{HeaderMap, HeaderValue, Method, Request, Response};

use super::{cors, reply};
use crate::call::{Call, CallKind, dispatch};
use crate::event::{Tail, Via};
use crate::failure::Failure;
use crate::front::body::Outgoing;
use crate::front::control::Control;
use crate::front::refusal;
use crate::front::target::origin_form;
use crate::front::visit::Visit;
use crate::model::{Function, HttpTrigger};
use crate::registry::Deployed;
use crate::wire::headers::{self, Peer};
use crate::wire::{ClientBody, Payload, limits};

/// A call that came in by a function's HTTP trigger. Browsers read the answer only with the headers of
/// CORS, so errors get them too.
pub(crate) async fn enter(
    function: Arc<Deployed>,
    peer: &Peer,
    mut visit: Visit,
    request: Request<ClientBody>,
) -> Response<Outgoing> {
    let origin = request.headers().get(ORIGIN).cloned();
    let settings = function.settings();
    let mut response = match phases(function, &settings, peer, &mut visit, request).await {
        Ok(response) => response,
        Err(failure) => {
            visit.set_failure(&failure);
            refusal::reply(&failure, &visit.id()).map(Outgoing::whole)
        }
    };
    cors::fill(response.headers_mut(), origin.as_ref());
    if settings.local.attachment {
        force_attachment(response.headers_mut());
    }
    visit.leave_with(response)
}

/// The phases behind the trigger, in the platform's order.
async fn phases(
    function: Arc<Deployed>,
    settings: &Function,
    peer: &Peer,
    visit: &mut Visit,
    request: Request<ClientBody>,
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
    let (head, body) = request.into_parts();
    let mut headers: HeaderMap = head.headers;
    let control = Control::take(&headers);
    control.refuse_unsupported()?;
    headers::strip_request(&mut headers);
    headers::add_forwarding(&mut headers, peer);
    let (payload, body_fault) = Payload::client(body, limits::BODY_MAX);
    let tail = control.wants_log.then(Tail::default);
    let call = Call {
        id: visit.id(),
        function,
        kind: CallKind::Http,
        via: Via::HttpTrigger,
        attempt: 1,
        target: origin_form(&head.uri)?,
        method: head.method.clone(),
        headers,
        payload,
        body_fault,
        tail,
    };
    visit.set_call(&call);
    let answer = dispatch(call).await?;
    visit.set_answer(&answer);
    reply::pass_on(answer, &head.method, visit, control.wants_log).await
}

fn check_method(trigger: &HttpTrigger, method: &Method) -> Result<(), Failure> {
    if trigger.methods.iter().any(|allowed| allowed == method.as_str()) {
        return Ok(());
    }
    Err(Failure::access_denied(format_args!("the HTTP trigger does not allow method {method}")))
}

/// Built-in hosts make browsers save a reply instead of showing it.
fn force_attachment(headers: &mut HeaderMap) {
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
}
