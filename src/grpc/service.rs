//! Generated services as endpoints.

use std::convert::Infallible;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, Request, Response, StatusCode};
use http_body::Frame;
use pin_project_lite::pin_project;
use tonic::body::Body;
use tonic::server::NamedService;
use tower_service::Service;

use crate::app::replying;
use crate::budget::Held;
use crate::error::{BoxError, Error, Result, StatusError};
use crate::exchange::{Call, Exchange, Peer, too_much_memory};
use crate::grpc::accept::{Encoding, accept};
use crate::grpc::call::{Asked, refuse};
use crate::grpc::reply_body::{Passed, ReplyBody};
use crate::grpc::status::{blame_client, broken_body, going_away, judge_by, status_of};
use crate::grpc::web::{RequestBody, last_frame};
use crate::grpc::wire::Wire;
use crate::grpc::{frame, percent};
use crate::reply::Reply;
use crate::sealed::Endpoint;
use crate::stop::StopNotice;

/// A service that `tonic-build` generated, such as `GreeterServer::new(greeter)`. Implemented for all of them; never
/// implement it by hand.
/// [`App::grpc`](crate::App::grpc) takes one, and its methods find the state by [`exchange`].
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a generated gRPC service",
    label = "has to be a service that `tonic-build` has generated",
    note = "wrap what implements the service's trait, as in `GreeterServer::new(greeter)`"
)]
pub trait Generated:
    Service<Request<Body>, Response = Response<Body>, Error = Infallible, Future: Send + 'static>
    + NamedService
    + Clone
    + Send
    + Sync
    + 'static
{
}

#[diagnostic::do_not_recommend]
impl<T> Generated for T
where
    T: Service<Request<Body>, Response = Response<Body>, Error = Infallible> + NamedService,
    T: Clone + Send + Sync + 'static,
    T::Future: Send + 'static,
{
}

/// The exchange of a generated service's request: state, invocation, values of middleware (arounds), hang-up. Its body
/// is read by the service.
///
/// ```
/// use fc_runtime::{Exchange, grpc};
/// use tonic::{Request, Response, Status};
///
/// struct Shop { greeting: String }
///
/// async fn say_hello(request: Request<String>) -> Result<Response<String>, Status> {
///     let ex = grpc::exchange::<Shop, _>(&request)?;
///     Ok(Response::new(format!("{} {}", ex.state().greeting, request.get_ref())))
/// }
/// ```
///
/// # Errors
/// 500 for a request that did not come through an app with this state.
#[track_caller]
pub fn exchange<S, T>(request: &tonic::Request<T>) -> Result<Arc<Exchange<S>>, StatusError>
where
    S: Send + Sync + 'static,
{
    let found = request.extensions().get::<Arc<Exchange<S>>>().map(Arc::clone);
    let Some(exchange) = found else {
        let what = format!("no exchange of an App<{}>", std::any::type_name::<S>());
        return Err(Error::internal(what).into_std());
    };
    Ok(exchange)
}

/// The pattern for all methods of a service.
pub(crate) fn path<T: NamedService>() -> String {
    format!("/{}/{{method}}", T::NAME)
}

pub(crate) fn endpoint<S, T>(service: T) -> Endpoint<S>
where
    S: Send + Sync + 'static,
    T: Generated,
{
    Box::new(move |ex| match accept(ex.call()) {
        Err(error) => refuse(&ex, error),
        Ok(wire) => {
            let (call, shared) = (Arc::clone(ex.call()), Arc::clone(ex.shared()));
            let service = service.clone();
            let request = Some(request(ex, wire));
            let asked = Some(Asked { call, shared: Arc::clone(&shared), wire, encoding: Encoding::Identity });
            replying(Serving { service, request, future: None, asked }, shared)
        }
    })
}

fn request<S: Send + Sync + 'static>(ex: Exchange<S>, wire: Wire) -> Request<Body> {
    let head = &ex.call().head;
    let body = RequestBody::new(ex.call().take_patient_body(), wire);
    let (call, notice) = (Arc::clone(ex.call()), ex.shared().stops.listen());
    let coming = Coming::default();
    let mut request = Request::new(Body::new(Stoppable { call, body, notice, coming }));
    *request.method_mut() = head.method.clone();
    *request.uri_mut() = head.uri.clone();
    *request.version_mut() = head.version;
    *request.headers_mut() = head.headers.clone();
    if wire.is_web() {
        request.headers_mut().insert(CONTENT_TYPE, Wire::Grpc.content_type());
    }
    request.extensions_mut().insert(Arc::new(ex));
    request
}

/// The request body of a generated service. At a stop notice it ends, once no more bytes have arrived, as
/// [`Messages`](crate::grpc::Messages) do. tonic collects a message before it decodes the message, which counts as memory of
/// the client.
struct Stoppable {
    call: Arc<Call>,
    body: RequestBody,
    notice: StopNotice,
    coming: Coming,
}

/// The message that is coming, of which tonic keeps the bytes.
#[derive(Default)]
struct Coming {
    /// The bytes of the frame's head so far, and their number.
    head: [u8; frame::HEAD],
    filled: usize,
    /// The rest of the message, in bytes.
    missing: usize,
    length: usize,
    held: Option<Held>,
}

impl Coming {
    /// Notes that tonic asks for more: complete messages are decoded.
    fn asked(&mut self) {
        if self.missing == 0 {
            self.held = None;
        }
    }

    /// Counts the bytes of the message. False if the budget has no room.
    fn add(&mut self, mut data: &[u8], peer: Option<&Peer>) -> bool {
        while !data.is_empty() {
            if self.missing == 0 {
                let (head, rest) = data.split_at(data.len().min(frame::HEAD - self.filled));
                self.head[self.filled..][..head.len()].copy_from_slice(head);
                self.filled += head.len();
                data = rest;
                if self.filled == frame::HEAD {
                    let [_, length @ ..] = self.head;
                    (self.filled, self.missing, self.length) = (0, u32::from_be_bytes(length) as usize, 0);
                }
            } else {
                let came = data.len().min(self.missing);
                data = &data[came..];
                (self.missing, self.length) = (self.missing - came, self.length + came);
            }
        }
        peer.is_none_or(|peer| peer.hold_body(&mut self.held, self.length))
    }
}

impl http_body::Body for Stoppable {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.coming.asked();
        match Pin::new(&mut self.body).poll_frame(cx) {
            Poll::Pending => {
                Pin::new(&mut self.notice).poll(cx).map(|()| Some(Err(status_of(&going_away()).into())))
            }
            Poll::Ready(Some(Err(cause))) => {
                let error = broken_body(&self.call, cause);
                if error.status() == StatusCode::BAD_REQUEST {
                    blame_client(&self.call);
                }
                Poll::Ready(Some(Err(status_of(&error).into())))
            }
            Poll::Ready(Some(Ok(frame))) => {
                let Self { call, coming, .. } = &mut *self;
                let has_room = frame.data_ref().is_none_or(|data| coming.add(data, call.peer.as_deref()));
                let refused = || status_of(&too_much_memory()).into();
                Poll::Ready(Some(if has_room { Ok(frame) } else { Err(refused()) }))
            }
            Poll::Ready(None) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }
}

pin_project! {
    struct Serving<S, T>
    where
        T: Generated,
    {
        service: T,
        // `None` once the service has taken it.
        request: Option<Request<Body>>,
        #[pin]
        future: Option<T::Future>,
        asked: Option<Asked<S>>,
    }
}

impl<S, T> Future for Serving<S, T>
where
    S: Send + Sync + 'static,
    T: Generated,
{
    type Output = Reply;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        let mut this = self.project();
        if this.request.is_some() {
            let Ok(()) = ready!(this.service.poll_ready(cx));
            if let Some(request) = this.request.take() {
                let future = this.service.call(request);
                this.future.set(Some(future));
            }
        }
        let Some(future) = this.future.as_mut().as_pin_mut() else { return Poll::Pending };
        let Ok(response) = ready!(future.poll(cx));
        match this.asked.take() {
            Some(asked) => Poll::Ready(reply(response, asked)),
            None => Poll::Pending,
        }
    }
}

fn reply<S: Send + Sync + 'static>(response: Response<Body>, asked: Asked<S>) -> Reply {
    let Asked { call, shared, wire, .. } = asked;
    let (head, body) = response.into_parts();
    let mut headers = head.headers;
    let mut reply = if headers.contains_key("grpc-status") {
        judge_by(&call, &headers);
        percent::encode_anew(&mut headers);
        if wire.is_web() {
            let trailers = std::mem::take(&mut headers);
            let is_status = |name: &Option<http::HeaderName>| *name != Some(CONTENT_TYPE);
            let trailers: HeaderMap = trailers
                .into_iter()
                .filter(|(name, _)| is_status(name))
                .filter_map(|(name, value)| Some((name?, value)))
                .collect();
            Reply::new(last_frame(wire, &trailers))
        } else {
            Reply::empty(StatusCode::OK)
        }
    } else {
        Reply::from_source(ReplyBody::new(Passed { body }, call, shared, wire))
    };
    headers.insert(CONTENT_TYPE, wire.content_type());
    *reply.headers_mut() = headers;
    reply
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::budget::{Budget, SMALL};

    #[test]
    fn a_message_counts_while_it_comes() {
        let budget = Budget::new(32 * SMALL);
        let peer = Peer::new(([127, 0, 0, 1], 1).into(), true, budget.clone());
        let is_free = |bytes| budget.account().take(bytes).is_some();
        let message = |length: usize| {
            [&[0][..], &u32::try_from(length).unwrap().to_be_bytes(), &vec![0; length]].concat()
        };
        let body = [message(20 * SMALL), message(0), message(10), message(25 * SMALL)].concat();
        let (mut coming, mut most) = (Coming::default(), 0);
        for (at, piece) in body.chunks(SMALL - 3).enumerate() {
            coming.asked();
            let has_room = coming.add(piece, Some(&peer));
            // The limit of one connection is 24 times `SMALL`.
            assert!(has_room || at > 40, "piece {at}");
            if has_room {
                most = most.max(coming.length);
            }
        }
        assert!(most > 23 * SMALL && budget.refused() > 0, "{most}");
        assert!(!is_free(20 * SMALL));
        drop(coming);
        assert!(is_free(24 * SMALL));
    }
}
