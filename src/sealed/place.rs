//! Places: the entries of the route table, and how they are called.

use std::fmt;
use std::sync::Arc;

use bytes::Bytes;

use crate::error::Result;
use crate::exchange::{Event, Exchange, Hook, Scope};
use crate::reply::Reply;
use crate::task::BoxFuture;

pub(crate) type Endpoint<S> = Box<dyn Fn(Exchange<S>) -> BoxFuture<Reply> + Send + Sync>;
pub(crate) type Around<S> = Arc<dyn Fn(Exchange<S>, Next<S>) -> BoxFuture<Reply> + Send + Sync>;
pub(crate) type EventHandler<S> = Box<dyn Fn(Event<S>) -> BoxFuture<Result<Bytes>> + Send + Sync>;
pub(crate) type HookHandler<S> = Box<dyn Fn(Hook<S>) -> BoxFuture<Result> + Send + Sync>;

pub(crate) type ReadyCheck<S> = Box<dyn Fn(Arc<S>) -> BoxFuture<Result> + Send + Sync>;

/// An entry of the route table: an endpoint, its middleware (arounds) and its settings.
pub(crate) struct Place<S> {
    pub(crate) scope: Arc<Scope>,
    /// Outermost first.
    pub(crate) arounds: Vec<Around<S>>,
    pub(crate) endpoint: Endpoint<S>,
}

/// The rest of the chain after a middleware (an around): the next one, or the handler.
///
/// ```
/// use fc_runtime::{App, Exchange, Next, Reply};
///
/// async fn no_store(ex: Exchange, next: Next) -> Reply {
///     next.run(ex).await.with_header("cache-control", "no-store")
/// }
///
/// # fc_runtime::testing::run(async {
/// let client = App::new().get("/", async |_| "a secret").around(no_store).test_client();
/// client.get("/").await.assert_text("a secret").assert_header("cache-control", "no-store");
/// # });
/// ```
#[doc(alias = "middleware")]
pub struct Next<S = ()> {
    place: Arc<Place<S>>,
    at: usize,
}

impl<S: Send + Sync + 'static> Next<S> {
    /// Runs the rest of the chain. An error in it has become a reply: see [`Reply::error`].
    pub fn run(self, ex: Exchange<S>) -> impl Future<Output = Reply> + Send + use<S> {
        self.run_boxed(ex)
    }

    pub(crate) fn run_boxed(mut self, ex: Exchange<S>) -> BoxFuture<Reply> {
        match self.place.arounds.get(self.at).map(Arc::clone) {
            Some(around) => {
                self.at += 1;
                around(ex, self)
            }
            None => (self.place.endpoint)(ex),
        }
    }
}

impl<S> fmt::Debug for Next<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Next").field("arounds_left", &(self.place.arounds.len() - self.at)).finish()
    }
}

impl<S: Send + Sync + 'static> Place<S> {
    pub(crate) fn call(self: &Arc<Self>, ex: Exchange<S>) -> BoxFuture<Reply> {
        match self.arounds.first() {
            None => (self.endpoint)(ex),
            Some(first) => first(ex, Next { place: Arc::clone(self), at: 1 }),
        }
    }
}
