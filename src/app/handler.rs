//! Handlers: from the author's closures to the boxed functions of the route table.

use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::ALLOW;
use http::{HeaderValue, StatusCode};
use pin_project_lite::pin_project;

use crate::error::Result;
use crate::exchange::{Event, Exchange, Hook, Shared};
use crate::headers;
use crate::reply::{IntoEventReply, IntoReply, Outcome, Reply};
use crate::sealed::{Around, Endpoint, EventHandler, HookHandler, Next, ReadyCheck};
use crate::task::BoxFuture;

/// A closure that many requests can call at the same time.
///
/// It is a bound beside `AsyncFn`, never alone. `AsyncFn` infers the closure's types, and refuses closures that change
/// captured values. `Handler` makes their futures `Send`. It is implemented for every closure that is `Clone` and whose
/// future is `Send`; never implement it by hand.
///
/// A function of yours that takes a handler asks for both:
///
/// ```
/// use fc_runtime::{App, Exchange, Handler, IntoReply};
///
/// fn get_in_both_versions<F, R>(app: App, path: &str, handler: F) -> App
/// where
///     F: AsyncFn(Exchange) -> R + Handler<(Exchange,), R>,
///     R: IntoReply + 'static,
/// {
///     app.get(format!("/v1{path}"), handler.clone()).get(format!("/v2{path}"), handler)
/// }
///
/// # fc_runtime::testing::run(async {
/// let client = get_in_both_versions(App::new(), "/items", async |_| "tea").test_client();
/// client.get("/v1/items").await.assert_text("tea");
/// client.get("/v2/items").await.assert_text("tea");
/// # });
/// ```
pub trait Handler<Args, R>: Clone + Send + Sync + 'static {
    #[doc(hidden)]
    type Future: Future<Output = R> + Send + 'static;

    #[doc(hidden)]
    fn call(self, args: Args) -> Self::Future;
}

impl<F, Fut, R> Handler<(), R> for F
where
    F: FnOnce() -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
{
    type Future = Fut;

    fn call(self, (): ()) -> Fut {
        self()
    }
}

impl<F, Fut, A, R> Handler<(A,), R> for F
where
    F: FnOnce(A) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
{
    type Future = Fut;

    fn call(self, (a,): (A,)) -> Fut {
        self(a)
    }
}

impl<F, Fut, A, B, R> Handler<(A, B), R> for F
where
    F: FnOnce(A, B) -> Fut + Clone + Send + Sync + 'static,
    Fut: Future<Output = R> + Send + 'static,
{
    type Future = Fut;

    fn call(self, (a, b): (A, B)) -> Fut {
        self(a, b)
    }
}

pub(crate) fn endpoint<S, F, R>(handler: F) -> Endpoint<S>
where
    S: Send + Sync + 'static,
    F: Handler<(Exchange<S>,), R>,
    R: IntoReply + 'static,
{
    Box::new(move |ex| {
        let shared = Arc::clone(ex.shared());
        replying(handler.clone().call((ex,)), shared)
    })
}

/// Answers `OPTIONS` as the runtime does, for requests that a layer of tower sees first.
pub(crate) fn options<S: Send + Sync + 'static>(allow: HeaderValue) -> Endpoint<S> {
    Box::new(move |_| {
        let mut reply = Reply::empty(StatusCode::NO_CONTENT);
        headers::set(reply.our_headers_mut(), ALLOW, allow.clone());
        Box::pin(std::future::ready(reply))
    })
}

/// Boxes a handler's future, with the conversion of its value into a reply.
pub(crate) fn replying<S, Fut>(future: Fut, shared: Arc<Shared<S>>) -> BoxFuture<Reply>
where
    S: Send + Sync + 'static,
    Fut: Future<Output: IntoReply> + Send + 'static,
{
    Box::pin(Replying { future, shared })
}

pub(crate) fn around<S, F, R>(around: F) -> Around<S>
where
    S: Send + Sync + 'static,
    F: Handler<(Exchange<S>, Next<S>), R>,
    R: IntoReply + 'static,
{
    Arc::new(move |ex, next| {
        let shared = Arc::clone(ex.shared());
        Box::pin(Replying { future: around.clone().call((ex, next)), shared })
    })
}

pub(crate) fn event_handler<S, F, R>(handler: F) -> EventHandler<S>
where
    S: Send + Sync + 'static,
    F: Handler<(Event<S>,), R>,
    R: IntoEventReply + 'static,
{
    Box::new(move |event| event_replying(handler.clone().call((event,))))
}

/// Boxes the future of an event handler, with the conversion of its value into a payload.
pub(crate) fn event_replying<Fut, R>(future: Fut) -> BoxFuture<Result<Bytes>>
where
    Fut: Future<Output = R> + Send + 'static,
    R: IntoEventReply + 'static,
{
    Box::pin(Mapped { future, map: R::into_event_reply })
}

pub(crate) fn hook_handler<S, F, R>(hook: F) -> HookHandler<S>
where
    S: Send + Sync + 'static,
    F: Handler<(Hook<S>,), R>,
    R: Outcome + 'static,
{
    Box::new(move |held| {
        let future = hook.clone().call((held,));
        Box::pin(Mapped { future, map: R::into_result })
    })
}

pub(crate) fn ready_check<S, F, R>(check: F) -> ReadyCheck<S>
where
    S: Send + Sync + 'static,
    F: Handler<(Arc<S>,), R>,
    R: Outcome + 'static,
{
    Box::new(move |state| {
        let future = check.clone().call((state,));
        Box::pin(Mapped { future, map: R::into_result })
    })
}

pin_project! {
    /// Converts a handler's value into a reply. Written by hand: an `async` block would hold the closure's future
    /// twice. It would also hold the value, which need not be `Send`, across the await.
    struct Replying<Fut, S> {
        #[pin]
        future: Fut,
        shared: Arc<Shared<S>>,
    }
}

impl<Fut, S> Future for Replying<Fut, S>
where
    Fut: Future<Output: IntoReply>,
{
    type Output = Reply;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Reply> {
        let this = self.project();
        let mut reply = ready!(this.future.poll(cx)).into_reply();
        if let Some(error) = reply.take_unmapped_error() {
            reply.set_error(this.shared.map_error(error));
        }
        Poll::Ready(reply)
    }
}

pin_project! {
    struct Mapped<Fut, M> {
        #[pin]
        future: Fut,
        map: M,
    }
}

impl<Fut, M, T> Future for Mapped<Fut, M>
where
    Fut: Future,
    M: Fn(Fut::Output) -> T,
{
    type Output = T;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<T> {
        let this = self.project();
        this.future.poll(cx).map(&*this.map)
    }
}
