//! The gateway: what stands between a client and a function, phase by phase.

mod api;
mod control;
mod cors;
mod listen;
mod record;
pub(crate) mod refusal;
mod reply;
mod target;

use std::sync::Arc;

use http::{HeaderMap, Method, Request, Response, StatusCode};
use hyper::body::Incoming;

pub(crate) use listen::{Door, listen};

use crate::call::{Call, CallKind, Deployed, FunctionRef, Registry, dispatch};
use crate::event::{Log, Tail, Via};
use crate::failure::Failure;
use crate::model::{Function, HttpTrigger};
use crate::wire::Payload;
use crate::wire::headers::{self, Peer};
use crate::wire::{host, limits};
use control::Control;
use record::Visit;
use reply::Outgoing;
use target::Destination;

/// The gateway's shared part.
#[derive(Debug)]
pub(crate) struct Gateway {
    registry: Arc<Registry>,
    pub(crate) log: Log,
}

impl Gateway {
    pub(crate) fn new(registry: Arc<Registry>, log: Log) -> Arc<Self> {
        Arc::new(Gateway { registry, log })
    }

    /// The life of a request.
    pub(crate) async fn serve(
        &self,
        door: &Door,
        peer: &Peer,
        request: Request<Incoming>,
    ) -> Response<Outgoing> {
        let mut visit = Visit::arrive(&self.log, &request);
        let outcome = match host::check(&request) {
            Err(failure) => Err(failure),
            Ok(host) => match target::resolve(&self.registry.functions(), door, &host, &request) {
                Err(failure) => Err(failure),
                Ok(Destination::Api(call)) => api::serve(&self.registry, call, &mut visit, request).await,
                Ok(Destination::Trigger(deployed)) => {
                    return self.through_trigger(&deployed, peer, visit, request).await;
                }
            },
        };
        match outcome {
            Ok(response) => visit.leave_with(response),
            Err(failure) => {
                let id = visit.id();
                visit.set_failure(&failure);
                visit.leave(refusal::reply(&failure, &id))
            }
        }
    }

    /// A call that came in by a function's HTTP trigger. Browsers read the answer only with the headers of
    /// CORS, so errors get them too.
    async fn through_trigger(
        &self,
        deployed: &Deployed,
        peer: &Peer,
        mut visit: Visit,
        request: Request<Incoming>,
    ) -> Response<Outgoing> {
        visit.set_function(&deployed.name);
        let origin = request.headers().get(http::header::ORIGIN).cloned();
        let function = Arc::clone(&deployed.pool().generation.function);
        let mut response = match self.trigger(deployed, &function, peer, &mut visit, request).await {
            Ok(response) => response,
            Err(failure) => {
                visit.set_failure(&failure);
                refusal::reply(&failure, &visit.id()).map(Outgoing::whole)
            }
        };
        cors::fill(response.headers_mut(), origin.as_ref());
        if function.local.attachment {
            control::force_attachment(response.headers_mut());
        }
        visit.leave_with(response)
    }

    /// The phases behind the trigger, in the platform's order.
    async fn trigger(
        &self,
        deployed: &Deployed,
        function: &Function,
        peer: &Peer,
        visit: &mut Visit,
        request: Request<Incoming>,
    ) -> Result<Response<Outgoing>, Failure> {
        let Some(trigger) = &function.trigger else { return Err(Failure::trigger_not_found(&function.name)) };
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
            function: FunctionRef::latest(&deployed.name),
            kind: CallKind::Http,
            via: Via::HttpTrigger,
            attempt: 1,
            target: target::origin_form(&head.uri)?,
            method: head.method.clone(),
            headers,
            payload,
            body_fault,
            tail,
        };
        visit.set_call(&call);
        let answer = dispatch(&self.registry, call).await?;
        visit.set_run(&answer.run);
        reply::pass_on(answer, &head.method, visit, control.wants_log).await
    }
}

fn check_method(trigger: &HttpTrigger, method: &Method) -> Result<(), Failure> {
    if trigger.methods.iter().any(|allowed| allowed == method.as_str()) {
        return Ok(());
    }
    Err(Failure::access_denied(format_args!("the HTTP trigger does not allow method {method}")))
}

/// A reply with a small body of our own.
fn plain(status: StatusCode, headers: HeaderMap, body: impl Into<bytes::Bytes>) -> Response<bytes::Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}
