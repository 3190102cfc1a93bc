//! The app as a service.

use std::convert::Infallible;
use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{Request, Response};
use http_body::Body;
use tower_service::Service;

use crate::app::App;
use crate::error::{BoxError, Error, Result};
use crate::platform::Instance;
use crate::request::RequestFuture;
use crate::sealed::Sealed;
use crate::tower::body::{ReplyBody, payload};

/// A checked app with its state, as a service: see [`App::into_service`].
pub struct AppService<S = ()>(Arc<Sealed<S>>);

impl<S> Clone for AppService<S> {
    fn clone(&self) -> Self {
        Self(Arc::clone(&self.0))
    }
}

impl<S> fmt::Debug for AppService<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("AppService").finish_non_exhaustive()
    }
}

impl<S: Send + Sync + 'static> App<S> {
    /// The app as a `tower::Service`, for another server or router: it is checked, and its state is made.
    ///
    /// Every request is recorded, and a future or a body that is dropped is a client that left. What belongs to the port
    /// is the other server's: connections, limits of heads, probes, a drain. There are no WebSockets, and
    /// [`Exchange::client_addr`](crate::Exchange::client_addr) knows only what headers say.
    ///
    /// # Errors
    /// A mistake in the app, or a state that cannot be opened.
    ///
    /// ```
    /// use fc_runtime::{App, http::Request};
    /// use tower_service::Service;
    ///
    /// # fc_runtime::testing::run(async {
    /// let mut app = App::new().get("/", async |_| "tea").into_service().await.unwrap();
    /// let request = Request::get("/none").header("host", "shop").body(http_body_util::Empty::new()).unwrap();
    /// assert_eq!(app.call(request).await.unwrap().status(), 404);
    /// # });
    /// ```
    #[doc(alias = "tower")]
    pub async fn into_service(self) -> Result<AppService<S>> {
        Ok(AppService(Box::new(self).seal(Instance::from_env()).await.map_err(Error::of_start)?))
    }
}

impl<S, B> Service<Request<B>> for AppService<S>
where
    S: Send + Sync + 'static,
    B: Body<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    type Response = Response<ReplyBody>;
    type Error = Infallible;
    type Future = Answering<S>;

    fn poll_ready(&mut self, _: &mut Context<'_>) -> Poll<Result<(), Infallible>> {
        Poll::Ready(Ok(()))
    }

    fn call(&mut self, request: Request<B>) -> Answering<S> {
        let (head, body) = request.into_parts();
        Answering(Box::pin(self.0.answer(head, payload(body), None)))
    }
}

/// A request on its way through an app, until its reply: the future of [`AppService`], which [`App::into_service`] makes.
#[must_use = "a future does nothing unless it is awaited"]
pub struct Answering<S>(Pin<Box<RequestFuture<S>>>);

impl<S: Send + Sync + 'static> Future for Answering<S> {
    type Output = Result<Response<ReplyBody>, Infallible>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Self::Output> {
        self.0.as_mut().poll(cx).map(|response| Ok(response.map(ReplyBody::sent)))
    }
}

impl<S> fmt::Debug for Answering<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Answering").finish_non_exhaustive()
    }
}
