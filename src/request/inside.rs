//! A request that came inside of an event: found, admitted and run as others, and its reply gathered.

use std::future::poll_fn;
use std::pin::Pin;
use std::sync::Arc;

use bytes::{Bytes, BytesMut};
use http::request::Parts;
use http::{Method, StatusCode};
use http_body::Body as _;
use tokio::time::timeout_at;

use crate::error::{Error, Result};
use crate::exchange::{Arrival, Call, Payload};
use crate::log::current::Tagged;
use crate::platform::HeadersSeen;
use crate::platform::limits::EVENT_REPLY_MAX;
use crate::reply::{Body, IntoReply, Reply};
use crate::request::future::{Admitted, outlive};
use crate::route::plain;
use crate::sealed::{Inside, Sealed};
use crate::stage::{PanicGuarded, Trigger, request_span};
use crate::task::BoxFuture;

/// A request of which only the error is known.
pub(crate) fn refuse_inside(outer: &Call, error: Error) -> Inside {
    let (head, ()) = http::Request::new(()).into_parts();
    let mut call = Arc::new(inner(outer, head, Bytes::new()));
    call.complete(None, None, Arrival { came: outer.started_before(), ..Arrival::default() });
    Inside { call, reply: Box::pin(std::future::ready(Reply::from_error(error))) }
}

impl<S: Send + Sync + 'static> Sealed<S> {
    /// Sets a request out on its way to its route. `outer` is the call that brought it.
    pub(crate) fn answer_inside(self: &Arc<Self>, outer: &Call, head: Parts, body: Bytes) -> Inside {
        let mut call = Arc::new(inner(outer, head, body));
        let head = &call.head;
        let spelled = plain(head.uri.path());
        let path = spelled.as_deref().unwrap_or_else(|| head.uri.path());
        let seen = HeadersSeen::at(&head.headers, self.shared.trusted);
        let (has_origin, has_trace) = (seen.has_origin, seen.has_trace);
        let found = self.find(head, path, &seen);
        let scope = found.as_ref().ok().map(|place| Arc::clone(&place.scope));
        let admitted =
            found.and_then(|place| Ok(Admitted { place: Arc::clone(place), permit: self.admit()? }));
        let arrival = Arrival { spelled, came: outer.started_before(), has_origin, has_trace };
        let completed = call.complete(None, scope, arrival);
        if !has_trace {
            completed.continue_trace_of(outer);
        }
        #[cfg(feature = "otel")]
        if let Some(sampler) = self.sampler {
            completed.begin_span(sampler);
        }
        let opened = || request_span(completed, Trigger::Http, || self.shared.client(completed));
        // Within the span of the event.
        let span = outer.span().map_or_else(opened, |outer| outer.in_scope(opened));
        if let Some(span) = span {
            completed.set_span(span);
        }
        let (app, inner) = (Arc::clone(self), Arc::clone(&call));
        let reply = Box::pin(async move {
            match admitted {
                Err(refusal) => refusal.into_reply(),
                Ok(admitted) => {
                    let reply = outlive(Arc::clone(&app), Arc::clone(&inner), admitted).await.into_reply();
                    app.gathered(inner, reply).await
                }
            }
        });
        Inside { call, reply }
    }

    /// The reply with its stream read to the end, bounded in size and time.
    async fn gathered(&self, call: Arc<Call>, mut reply: Reply) -> Reply {
        if reply.status() == StatusCode::SWITCHING_PROTOCOLS {
            let what = "a request that came as an event cannot change its protocol";
            return Reply::from_error(Error::of_ours(StatusCode::NOT_IMPLEMENTED, what));
        }
        if !reply.is_stream() {
            return reply;
        }
        // The stream of a reply to `HEAD` is not begun, as over HTTP.
        if call.head.method == Method::HEAD {
            reply.silence();
            return reply;
        }
        reply.listen(&self.shared.stops);
        let mut stream = std::mem::replace(&mut reply.body, Body::Empty);
        let reading = PanicGuarded::new(Arc::clone(&call), move || -> BoxFuture<Result<Bytes>> {
            Box::pin(async move { gather(&mut stream).await })
        });
        let read = match self.shared.platform_deadline(&call) {
            None => Some(reading.await),
            Some(deadline) => timeout_at(deadline.into(), reading).await.ok(),
        };
        match read {
            Some(Ok(Ok(whole))) => {
                reply.body = Body::of(whole);
                reply
            }
            Some(Ok(Err(error))) => Reply::from_error(error),
            Some(Err(_)) => Reply::from_error(self.shared.panicked("the reply's stream panicked")),
            None => {
                let what = "the reply's stream did not end within the function's time, and an event's reply is sent as a whole";
                Reply::from_error(Error::of_ours(StatusCode::GATEWAY_TIMEOUT, what))
            }
        }
    }
}

/// The call of the request: with the id of the call that brought it, and without its connection, which is the platform's.
fn inner(outer: &Call, head: Parts, body: Bytes) -> Call {
    Call::new(outer.id.clone(), head, Payload::whole(body), None, None, Arrival::default())
}

/// The error of a reply that no door takes, by its size so far.
pub(crate) fn too_large(bytes: usize) -> Error {
    let what = format!(
        "a reply of {bytes} bytes or more does not fit into an event's, which has at most {EVENT_REPLY_MAX}"
    );
    Error::of_ours(StatusCode::INTERNAL_SERVER_ERROR, what).with_code("ReplyTooLarge")
}

async fn gather(stream: &mut Body) -> Result<Bytes> {
    let mut whole = BytesMut::new();
    while let Some(frame) = poll_fn(|cx| Pin::new(&mut *stream).poll_frame(cx)).await {
        // A reply of an event has no place for trailers.
        let Ok(data) = frame?.into_data() else { continue };
        if whole.len() + data.len() > EVENT_REPLY_MAX {
            return Err(too_large(whole.len() + data.len()));
        }
        whole.extend_from_slice(&data);
    }
    Ok(whole.freeze())
}
