//! The sealed app.

use std::sync::Arc;

use bytes::Bytes;

use crate::cors::{CorsByPrefix, SealedCors};
use crate::error::Result;
use crate::exchange::{Call, Protocol, Shared};
use crate::health::{About, Heartbeat, Report, Rounds};
use crate::platform::CallKind;
use crate::reply::Reply;
use crate::route::Table;
use crate::sealed::{EventHandler, HookHandler, Place, ReadyCheck, Settings};
use crate::task::BoxFuture;

/// The sealed app: everything that is needed to answer requests.
pub(crate) struct Sealed<S> {
    pub(crate) shared: Arc<Shared<S>>,
    pub(crate) table: Table<Arc<Place<S>>>,
    pub(crate) fallback: Option<Arc<Place<S>>>,
    /// The fallback under the policies of groups.
    pub(crate) fallbacks_below: Vec<Arc<Place<S>>>,
    /// The CORS policy of refusals outside of groups.
    pub(crate) cors: Option<Arc<SealedCors>>,
    /// The policies of groups, which hold for refusals below them. `None` if no group has one.
    pub(crate) cors_by_prefix: Option<CorsByPrefix>,
    pub(crate) handlers: Handlers<S>,
    pub(crate) settings: Settings,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) rounds: Rounds,
    pub(crate) about: About,
    /// The protocol that some routes speak besides HTTP, such as gRPC.
    pub(crate) protocol: Option<&'static Protocol>,
    /// Whether somebody observes the ends of requests.
    pub(crate) is_observed: bool,
    /// Which traces are recorded. `None` if none is.
    #[cfg(feature = "otel")]
    pub(crate) sampler: Option<crate::otel::Sampler>,
}

impl<S> Sealed<S> {
    /// The CORS policy of a path where no place answers: that of the path's other methods, else of its group, else the
    /// app's.
    #[cold]
    pub(crate) fn cors_of_refusal(&self, path: &str) -> Option<Arc<SealedCors>> {
        match self.table.any_at(path) {
            Some(place) => place.scope.cors.clone(),
            None => self.cors_below(path).or_else(|| self.cors.clone()),
        }
    }

    /// The fallback, under the policy that holds at this path.
    pub(crate) fn fallback_at(&self, path: &str) -> Option<&Arc<Place<S>>> {
        let fallback = self.fallback.as_ref()?;
        let Some(cors) = self.cors_below(path) else { return Some(fallback) };
        let is_own =
            |place: &&Arc<Place<S>>| place.scope.cors.as_ref().is_some_and(|own| Arc::ptr_eq(own, &cors));
        self.fallbacks_below.iter().find(is_own).or(Some(fallback))
    }

    fn cors_below(&self, path: &str) -> Option<Arc<SealedCors>> {
        self.cors_by_prefix.as_ref().and_then(|find| find(path))
    }
}

/// The handlers of the platform's own calls.
pub(crate) struct Handlers<S> {
    pub(crate) event: Option<EventHandler<S>>,
    /// For events that are requests. `None` if the routes do not answer them.
    pub(crate) doors: Option<Doors<S>>,
    pub(crate) on_initialize: Vec<HookHandler<S>>,
    pub(crate) on_pre_stop: Vec<HookHandler<S>>,
    pub(crate) on_pre_freeze: Vec<HookHandler<S>>,
    /// Runs the hooks. `None` if there are none.
    pub(crate) run_hooks: Option<RunHooks<S>>,
    pub(crate) ready_checks: Vec<(&'static str, ReadyCheck<S>)>,
    /// Runs the ready checks. `None` if there are none.
    pub(crate) ready: Option<Ready<S>>,
}

/// Runs the hooks of a kind, or waits for the initialization that another caller runs.
pub(crate) type RunHooks<S> = fn(Arc<Sealed<S>>, Arc<Call>, CallKind) -> BoxFuture<Result>;

/// Gives the outcome of the current or last round of ready checks, or of a new one.
pub(crate) type Ready<S> = fn(&Arc<Sealed<S>>) -> BoxFuture<Option<Arc<Report>>>;

/// Finds the request in an event. `None` for another event.
pub(crate) type OpenDoor<S> = fn(&Arc<Sealed<S>>, &Arc<Call>, &Bytes) -> Result<Option<Inside>>;

/// How requests that come as events are answered. Two functions, so that an app without them does not link their code.
pub(crate) struct Doors<S> {
    /// Sets the request in an event out on its way to its route.
    pub(crate) open: OpenDoor<S>,
    /// The reply as the event's caller reads it. Takes the body.
    pub(crate) close: fn(&mut Reply) -> Result<Bytes>,
}

/// A request that came as an event: its own call, and its reply, which is whole.
pub(crate) struct Inside {
    pub(crate) call: Arc<Call>,
    pub(crate) reply: BoxFuture<Reply>,
}
