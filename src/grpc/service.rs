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
use crate::error::{BoxError, Error, Result};
use crate::exchange::{Call, Exchange};
use crate::grpc::accept::{Encoding, accept};
use crate::grpc::call::{Asked, refuse};
use crate::grpc::percent;
use crate::grpc::reply_body::{Passed, ReplyBody};
use crate::grpc::status::{blame_client, broken_body, going_away, judge_by, status_of};
use crate::grpc::web::{RequestBody, last_frame};
use crate::grpc::wire::Wire;
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
pub fn exchange<S, T>(request: &tonic::Request<T>) -> Result<Arc<Exchange<S>>>
where
    S: Send + Sync + 'static,
{
    let found = request.extensions().get::<Arc<Exchange<S>>>().map(Arc::clone);
    found.ok_or_else(|| Error::internal(format!("no exchange of an App<{}>", std::any::type_name::<S>())))
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
    let mut request = Request::new(Body::new(Stoppable { call, body, notice }));
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
/// [`Messages`](crate::grpc::Messages) do.
struct Stoppable {
    call: Arc<Call>,
    body: RequestBody,
    notice: StopNotice,
}

impl http_body::Body for Stoppable {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
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
            came @ Poll::Ready(_) => came,
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
