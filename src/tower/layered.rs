//! Layers around routes.

use std::convert::Infallible;
use std::fmt;
use std::marker::PhantomData;
use std::panic::Location;
use std::pin::Pin;
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};

use bytes::{Buf, Bytes};
use http::{Request, Response};
use http_body::Body;
use pin_project_lite::pin_project;
use tower_layer::Layer;
use tower_service::Service;

use crate::app::Group;
use crate::error::{BoxError, Error};
use crate::exchange::{Call, Exchange, Shared};
use crate::reply::Reply;
use crate::sealed::{Around, Next};
use crate::task::BoxFuture;
use crate::tower::body::{ReplyBody, payload};
use crate::tower::calling::{Calling, Failed, Original, Routable, request};

/// The routes of a group as a service, which a layer wraps: see [`App::layered`](crate::App::layered).
///
/// ```
/// use fc_runtime::{App, Group, tower::Inner};
/// use tower_layer::Layer;
///
/// /// Adds routes to an app, within a layer of the caller's choice.
/// fn with_shop<L>(app: App, layer: L) -> App
/// where
///     L: Layer<Inner<()>, Service = Inner<()>>,
/// {
///     app.layered(layer, |group| group.get("/items", async |_| "tea"))
/// }
///
/// # fc_runtime::testing::run(async {
/// let client = with_shop(App::new(), tower_layer::Identity::new()).test_client();
/// client.get("/items").await.assert_text("tea");
/// # });
/// ```
pub struct Inner<S>(PhantomData<fn() -> S>);

impl<S> Clone for Inner<S> {
    fn clone(&self) -> Self {
        Self(PhantomData)
    }
}

impl<S> fmt::Debug for Inner<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Inner").finish_non_exhaustive()
    }
}

/// What stays outside of the request that a layer sees. A layer gives it back with the request's extensions.
struct Passing<S>(Arc<Mutex<Option<Kept<S>>>>);

type Kept<S> = (Exchange<S>, Next<S>);

impl<S> Clone for Passing<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> Passing<S> {
    fn take(&self) -> Option<Kept<S>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner).take()
    }
}

/// Puts the layer around the routes of a group.
pub(super) fn layered<S, L, Sv, B>(group: &mut Group<S>, layer: &L, line: &'static Location<'static>)
where
    S: Send + Sync + 'static,
    L: Layer<Inner<S>, Service = Sv>,
    Sv: Routable<B>,
    B: Body<Data: Buf, Error: Into<BoxError>> + Send + 'static,
{
    let around = around(layer.layer(Inner(PhantomData)));
    group.routes_mut().layer(around, line);
}

fn around<S, Sv, B>(service: Sv) -> Around<S>
where
    S: Send + Sync + 'static,
    Sv: Routable<B>,
    B: Body<Data: Buf, Error: Into<BoxError>> + Send + 'static,
{
    let service = Original::new(service);
    Arc::new(move |ex: Exchange<S>, next| {
        let shared = Arc::clone(ex.shared());
        let mut request = request(ex.call());
        request.extensions_mut().insert(Passing(Arc::new(Mutex::new(Some((ex, next))))));
        Box::pin(Calling::new(service.copy(), request, shared))
    })
}

impl<S, B> Service<Request<B>> for Inner<S>
where
    S: Send + Sync + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<ReplyBody>;
    type Error = Infallible;
    type Future = Handling<S>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Handling<S> {
        let (mut head, body) = request.into_parts();
        let passing = head.extensions.remove::<Passing<S>>();
        let Some((ex, next)) = passing.and_then(|passing| passing.take()) else {
            return Handling { future: None, shared: None };
        };
        let shared = Arc::clone(ex.shared());
        let call = Call::behind_layer(ex.call(), head, payload(body));
        let future: BoxFuture<Reply> = next.run_boxed(ex.with_call(call));
        Handling { future: Some(future), shared: Some(shared) }
    }
}

pin_project! {
    /// A request within a layer, until its reply: the future of [`Inner`].
    pub struct Handling<S> {
        future: Option<BoxFuture<Reply>>,
        shared: Option<Arc<Shared<S>>>,
    }
}

impl<S> Future for Handling<S> {
    type Output = Result<Response<ReplyBody>, Infallible>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        let this = self.project();
        let reply = match (this.future.as_mut(), this.shared.as_deref()) {
            (Some(future), Some(shared)) => future.as_mut().poll(cx).map(|mut reply| {
                // A layer may wrap the body, which is then out of reach.
                reply.listen(&shared.stops);
                reply
            }),
            // A layer has sent a request of its own making, or the same twice.
            _ => Poll::Ready(Reply::from_error(Error::of_mistake(
                "a layer passed on a request without its extensions, or passed it on twice",
            ))),
        };
        reply.map(|reply| {
            let (mut head, body, error) = reply.into_parts();
            if let Some(error) = error {
                head.extensions.insert(Failed(Arc::new(Mutex::new(Some(error)))));
            }
            Ok(Response::from_parts(head, ReplyBody::made(body)))
        })
    }
}

impl<S> fmt::Debug for Handling<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Handling").finish_non_exhaustive()
    }
}
