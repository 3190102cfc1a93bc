//! A call: the function, the way in, and the content.

use std::sync::Arc;

use fc_runtime::platform::names::path;
use http::{HeaderMap, HeaderValue, Method, Uri, header};
use tokio::sync::oneshot;
use tokio::time::Instant;

use crate::event::{Tail, Via};
use crate::model::Claim;
use crate::registry::Callee;
use crate::wire::headers::Forwarded;
use crate::wire::{BodyFault, Early, Payload};

/// The content of a call: a request or an event.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum CallKind {
    /// The client's own request.
    Http,
    /// The client's own request, with the headers of a WebSocket handshake.
    Handshake,
    /// The client's own request: a gRPC call, over HTTP/2.
    Rpc,
    /// An event, which the platform posts to the function.
    Event,
}

impl CallKind {
    /// The value of `x-fc-control-path` for the function.
    pub(crate) fn control_path(self) -> &'static str {
        match self {
            CallKind::Http | CallKind::Handshake | CallKind::Rpc => path::HTTP_INVOKE,
            CallKind::Event => path::INVOKE,
        }
    }
}

/// The instance of a call.
#[derive(Debug, Default)]
pub(crate) struct Seat {
    /// The id. `None` until the call has an instance.
    pub(crate) instance: Option<Arc<str>>,
    /// Whether the call waited for a start, or still waits.
    pub(crate) is_cold: bool,
    /// The number of the call, and after how many bytes of the reply its client is made to leave.
    pub(crate) leave: Option<(u64, u64)>,
    /// Is told once, as soon as an instance has the call.
    pub(crate) begun: Option<oneshot::Sender<Arc<str>>>,
    /// When the call reached which point. `None` if nobody asks.
    pub(crate) times: Option<Box<Times>>,
}

/// When a call reached which point.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Times {
    /// It was handed on by the way in.
    pub(crate) admitted: Option<Instant>,
    /// It had an instance.
    pub(crate) instance: Option<Instant>,
    /// It had a connection to the instance.
    pub(crate) sent: Option<Instant>,
    /// The head of the reply had come.
    pub(crate) head: Option<Instant>,
}

impl Seat {
    /// Notes that the call reached a point now, if somebody asks.
    pub(super) fn mark(&mut self, point: impl FnOnce(&mut Times) -> &mut Option<Instant>) {
        if let Some(times) = &mut self.times {
            *point(times) = Some(Instant::now());
        }
    }
}

/// A call of a function.
#[derive(Debug)]
pub(crate) struct Call {
    pub(crate) id: Arc<str>,
    pub(crate) callee: Callee,
    /// The session of the call, where the function has session affinity.
    pub(crate) claim: Claim,
    pub(crate) kind: CallKind,
    pub(crate) via: Via,
    /// 1 for the first time that the platform sends this call, 2 for its first retry.
    pub(crate) attempt: u32,
    pub(crate) method: Method,
    /// Path and query.
    pub(crate) target: Uri,
    /// The client's headers, without hop-by-hop and reserved headers. `dispatch` adds the platform's own.
    pub(crate) headers: HeaderMap,
    /// What the function is told of the client. `None` if that is among the headers, or there is no client.
    pub(crate) forwarded: Option<Arc<Forwarded>>,
    pub(crate) payload: Payload,
    pub(crate) body_fault: BodyFault,
    /// Takes interim replies to the client, if some can be sent.
    pub(crate) early: Option<Early>,
    /// Collects the call's log, if the caller asked for it.
    pub(crate) tail: Option<Tail>,
    /// Whether it is a health check of a load balancer.
    pub(crate) is_probe: bool,
}

impl Call {
    /// An event for a function. Its bytes are the payload.
    pub(crate) fn event(
        id: Arc<str>,
        callee: Callee,
        via: Via,
        (payload, body_fault): (Payload, BodyFault),
        tail: Option<Tail>,
    ) -> Self {
        let headers = Call::event_headers();
        Call {
            id,
            callee,
            claim: Claim::Any,
            kind: CallKind::Event,
            via,
            attempt: 1,
            method: Method::POST,
            target: Uri::from_static(path::INVOKE),
            headers,
            forwarded: None,
            payload,
            body_fault,
            early: None,
            tail,
            is_probe: false,
        }
    }

    /// The headers of an event.
    pub(crate) fn event_headers() -> HeaderMap {
        let mut headers = HeaderMap::new();
        headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/octet-stream"));
        headers.insert(header::HOST, HeaderValue::from_static("127.0.0.2"));
        headers
    }
}
