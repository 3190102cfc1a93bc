//! A call of a service, from the request to the reply.

use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll, ready};

use bytes::Buf;
use http::header::CONTENT_LENGTH;
use http::request::Parts;
use http::{Method, Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_service::Service;

use crate::error::{BoxError, Error, Result};
use crate::exchange::{Call, Payload, Shared};
use crate::reply::Reply;
use crate::tower::body::{reply_body, silent};

/// A service that a route or a layer can call for each request: the bounds of `mount` and `layered` in one name.
pub(super) trait Routable<B>:
    Service<Request<Payload>, Response = Response<B>, Error: Into<Error>, Future: Send + 'static>
    + Clone
    + Send
    + 'static
{
}

impl<Sv, B> Routable<B> for Sv where
    Sv: Service<Request<Payload>, Response = Response<B>, Error: Into<Error>, Future: Send + 'static>
        + Clone
        + Send
        + 'static
{
}

/// The one service of a mount or a layer, from which each request gets a clone. Services need not be `Sync`.
pub(super) struct Original<Sv>(Mutex<Sv>);

impl<Sv: Clone> Original<Sv> {
    pub(super) fn new(service: Sv) -> Self {
        Self(Mutex::new(service))
    }

    pub(super) fn copy(&self) -> Sv {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }
}

/// The request as services take it: a copy of the head, and the body itself.
pub(super) fn request(call: &Arc<Call>) -> Request<Payload> {
    let (mut head, ()) = Request::new(()).into_parts();
    let Parts { method, uri, version, headers, extensions, .. } = &call.head;
    (head.method, head.uri, head.version) = (method.clone(), uri.clone(), *version);
    head.headers.clone_from(headers);
    if !extensions.is_empty() {
        head.extensions.clone_from(extensions);
    }
    Request::from_parts(head, call.take_body())
}

pin_project! {
    /// Waits until the service is ready, calls it, and makes a reply of its response.
    pub(super) struct Calling<S, Sv, R, F> {
        service: Sv,
        request: Option<R>,
        #[pin]
        response: Option<F>,
        is_head: bool,
        shared: Arc<Shared<S>>,
    }
}

impl<S, Sv, B> Calling<S, Sv, Request<B>, Sv::Future>
where
    Sv: Service<Request<B>>,
{
    pub(super) fn new(service: Sv, request: Request<B>, shared: Arc<Shared<S>>) -> Self {
        let is_head = *request.method() == Method::HEAD;
        Self { service, request: Some(request), response: None, is_head, shared }
    }
}

impl<S, Sv, A, B> Future for Calling<S, Sv, Request<A>, Sv::Future>
where
    Sv: Service<Request<A>, Response = Response<B>, Error: Into<Error>>,
    B: Body<Data: Buf, Error: Into<BoxError>> + Send + 'static,
{
    type Output = Reply;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        let mut this = self.project();
        let polled = if let Some(response) = this.response.as_mut().as_pin_mut() {
            response.poll(cx)
        } else {
            if let Err(error) = ready!(this.service.poll_ready(cx)) {
                return Poll::Ready(mapped(Reply::from_error(error.into()), this.shared));
            }
            let request = this.request.take().expect("a future is not polled after its end");
            this.response.set(Some(this.service.call(request)));
            match this.response.as_pin_mut() {
                Some(response) => response.poll(cx),
                None => Poll::Pending,
            }
        };
        let reply = match ready!(polled) {
            Ok(response) => reply(response, *this.is_head, cx),
            Err(error) => Err(error.into()),
        };
        Poll::Ready(mapped(reply.unwrap_or_else(Reply::from_error), this.shared))
    }
}

/// Applies the author's mappings to the error of a reply, as for handlers.
pub(super) fn mapped<S>(mut reply: Reply, shared: &Shared<S>) -> Reply {
    if let Some(error) = reply.take_unmapped_error() {
        reply.set_error(shared.map_error(error));
    }
    reply
}

/// Makes a reply of a service's response.
pub(super) fn reply<B>(response: Response<B>, is_head: bool, cx: &mut Context<'_>) -> Result<Reply>
where
    B: Body<Data: Buf, Error: Into<BoxError>> + Send + 'static,
{
    let (mut head, body) = response.into_parts();
    // hyper writes the length that the body tells.
    let length = head.headers.remove(CONTENT_LENGTH);
    let length = length.and_then(|length| length.to_str().ok()?.parse().ok());
    let error = head.extensions.remove::<Failed>();
    let body = match length {
        Some(length) if is_head => silent(length),
        _ => reply_body(body, length, cx)?,
    };
    let error = error.and_then(|Failed(error)| error.lock().unwrap_or_else(PoisonError::into_inner).take());
    Ok(Reply::from_parts(head, body, error))
}

/// The error of a reply, on its way through layers. The document of an error is written behind them.
#[derive(Clone)]
pub(super) struct Failed(pub(super) Arc<Mutex<Option<Error>>>);
