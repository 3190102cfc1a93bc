//! The builder of an app.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, OnceLock};

use http::Method;

use crate::counters::Flush;
use crate::error::{Error, Result};
use crate::exchange::{ErrorMap, Event, Exchange, Hook};
use crate::observe::Observe;
use crate::platform::Instance;
use crate::reply::{IntoEventReply, IntoReply, Outcome};
use crate::store::AnyStore;
use crate::task::BoxFuture;

use crate::app::at::At;
use crate::app::describe::EventType;
use crate::app::group::Group;
use crate::app::handler::{self, Handler};
use crate::app::routes::{RouteInfo, Routes};
use crate::app::seal;
use crate::app::verbs::verbs;
use crate::sealed::{
    Doors, Endpoint, EventHandler, HookHandler, Next, Ready, ReadyCheck, RunHooks, Sealed, Settings,
};

/// Makes the state, on the runtime, before the first request.
pub(super) type Open<S> = Box<dyn FnOnce(Instance) -> BoxFuture<Result<S>> + Send>;

/// A callback of a route that needs the sealed app.
pub(super) type OnceSealed<S> = Box<dyn FnOnce(&Arc<Sealed<S>>) + Send>;

/// A function: routes, hooks and settings around a state `S`.
///
/// ```no_run
/// use fc_runtime::App;
///
/// fn main() -> fc_runtime::Result {
///     App::new()
///         .get("/", async |_| "Hello, World!")
///         .get("/users/{id}", async |ex| {
///             let id: u32 = ex.param("id")?;
///             Ok(format!("user {id}"))
///         })
///         .run()
/// }
/// ```
///
/// Handlers are async closures. Values for one handler can be captured with `async move`; values for all requests
/// belong in the state. Mistakes in routes are collected, and reported together when the app starts, each with its
/// line.
#[must_use = "an app does nothing until it runs"]
#[doc(alias = "Router")]
#[doc(alias = "server")]
#[doc(alias = "application")]
pub struct App<S = ()> {
    pub(super) open: Open<S>,
    pub(super) routes: Routes<S>,
    pub(super) fallback: Option<Endpoint<S>>,
    pub(super) event: Option<EventHandler<S>>,
    /// The type that the event handler takes, if it is known.
    pub(super) event_type: Option<EventType>,
    pub(super) doors: Option<Doors<S>>,
    pub(super) on_initialize: Vec<HookHandler<S>>,
    pub(super) on_pre_stop: Vec<HookHandler<S>>,
    pub(super) on_pre_freeze: Vec<HookHandler<S>>,
    pub(super) run_hooks: Option<RunHooks<S>>,
    pub(super) ready_checks: Vec<(&'static str, ReadyCheck<S>)>,
    pub(super) ready: Option<Ready<S>>,
    pub(super) error_maps: Vec<ErrorMap>,
    pub(super) settings: Settings,
    pub(super) mistakes: seal::Mistakes,
    /// What requests share.
    pub(super) store: OnceLock<Arc<dyn AnyStore>>,
    /// What is done before the platform may freeze the instance.
    pub(super) flush: Vec<Flush>,
    #[cfg(feature = "otel")]
    pub(super) otel: Option<crate::Otel>,
    /// Who observes the ends of requests.
    pub(super) observers: Vec<Arc<dyn Observe>>,
    pub(super) once_sealed: Vec<OnceSealed<S>>,
}

impl App {
    /// An app without state.
    pub fn new() -> Self {
        Self::with_state(())
    }
}

impl Default for App {
    fn default() -> Self {
        Self::new()
    }
}

impl<S: Send + Sync + 'static> App<S> {
    /// An app with this state, for a state that can be made without a runtime.
    #[doc(alias = "state")]
    #[doc(alias = "app_data")]
    #[doc(alias = "extension")]
    pub fn with_state(state: S) -> Self {
        Self::opened_by(Box::new(|_| Box::pin(std::future::ready(Ok(state)))))
    }

    /// An app whose state is made on the runtime, before the first request: a connection pool, a client.
    ///
    /// Routes are checked first. An error ends the process with exit code 1.
    ///
    /// ```no_run
    /// use fc_runtime::App;
    ///
    /// struct Shop { greeting: String }
    ///
    /// fn main() -> fc_runtime::Result {
    ///     App::with_state_from(async |instance| Ok(Shop { greeting: instance.var("GREETING")? }))
    ///         .get("/", async |ex| ex.state().greeting.clone())
    ///         .run()
    /// }
    /// ```
    #[doc(alias = "state")]
    #[doc(alias = "setup")]
    #[doc(alias = "extension")]
    #[doc(alias = "data")]
    pub fn with_state_from<F, Fut>(open: F) -> Self
    where
        F: FnOnce(Instance) -> Fut + Send + 'static,
        Fut: Future<Output = Result<S>> + Send + 'static,
    {
        Self::opened_by(Box::new(|instance| Box::pin(open(instance))))
    }

    fn opened_by(open: Open<S>) -> Self {
        Self {
            open,
            routes: Routes::default(),
            fallback: None,
            event: None,
            event_type: None,
            doors: None,
            on_initialize: Vec::new(),
            on_pre_stop: Vec::new(),
            on_pre_freeze: Vec::new(),
            run_hooks: None,
            ready_checks: Vec::new(),
            ready: None,
            error_maps: Vec::new(),
            settings: Settings::default(),
            mistakes: seal::Mistakes::default(),
            store: OnceLock::new(),
            flush: Vec::new(),
            #[cfg(feature = "otel")]
            otel: None,
            observers: Vec::new(),
            once_sealed: Vec::new(),
        }
    }

    /// Answers paths that match no route, in place of the 404. The app's middleware (arounds) applies.
    #[track_caller]
    #[doc(alias = "404")]
    #[doc(alias = "default_service")]
    #[doc(alias = "not_found")]
    pub fn fallback<F, R>(mut self, handler: F) -> Self
    where
        F: AsyncFn(Exchange<S>) -> R + Handler<(Exchange<S>,), R>,
        R: IntoReply + 'static,
    {
        if self.fallback.replace(handler::endpoint(handler)).is_some() {
            self.mistakes.add("a second fallback", Location::caller());
        }
        self
    }

    /// Handles event calls: every call that is not an HTTP request, from the API, timers, queues and other triggers.
    ///
    /// The platform sends them as `POST /invoke`. The handler's value is the payload for the caller. An error or a
    /// panic becomes `{"errorMessage", "errorType", "stackTrace"}`, with the status header that marks the call as
    /// failed.
    ///
    /// ```
    /// use fc_runtime::{App, Json};
    ///
    /// # fc_runtime::testing::run(async {
    /// let app = App::new().event(async |event| {
    ///     let numbers: Vec<i64> = event.json()?;
    ///     Ok(Json(numbers.iter().sum::<i64>()))
    /// });
    /// app.test_client().invoke("[1, 2, 3]").await.assert_status(200).assert_text("6");
    /// # });
    /// ```
    #[track_caller]
    pub fn event<F, R>(mut self, handler: F) -> Self
    where
        F: AsyncFn(Event<S>) -> R + Handler<(Event<S>,), R>,
        R: IntoEventReply + 'static,
    {
        self.set_event(handler::event_handler(handler), None, Location::caller());
        self
    }

    /// Runs a hook once, before the first request: on `POST /initialize`, or at the first request if that comes
    /// earlier.
    ///
    /// Requests that come meanwhile wait. A failure is answered with 404, because after a 5xx the platform restarts the
    /// instance over and over. The next request or hook call tries again. The platform allows 300 s.
    #[doc(alias = "startup")]
    pub fn on_initialize<F, R>(mut self, hook: F) -> Self
    where
        F: AsyncFn(Hook<S>) -> R + Handler<(Hook<S>,), R>,
        R: Outcome + 'static,
    {
        self.on_initialize.push(handler::hook_handler(hook));
        self.run_hooks = Some(crate::endpoint::run_hooks);
        self
    }

    /// Runs a hook when the platform announces a stop or a freeze (`GET /pre-stop`). The app keeps serving afterwards.
    ///
    /// All hooks together have 2.5 s by default. The platform's time-out is 3 s by default, and at most 90 s.
    #[doc(alias = "shutdown")]
    pub fn on_pre_stop<F, R>(mut self, hook: F) -> Self
    where
        F: AsyncFn(Hook<S>) -> R + Handler<(Hook<S>,), R>,
        R: Outcome + 'static,
    {
        self.on_pre_stop.push(handler::hook_handler(hook));
        self.run_hooks = Some(crate::endpoint::run_hooks);
        self
    }

    /// FC 2.0 only: runs a hook before each freeze (`GET /pre-freeze`). It shares the time budget of pre-stop.
    pub fn on_pre_freeze<F, R>(mut self, hook: F) -> Self
    where
        F: AsyncFn(Hook<S>) -> R + Handler<(Hook<S>,), R>,
        R: Outcome + 'static,
    {
        self.on_pre_freeze.push(handler::hook_handler(hook));
        self.run_hooks = Some(crate::endpoint::run_hooks);
        self
    }

    /// Chooses the status and message for an error type of yours, anywhere in the chain of causes.
    ///
    /// Behind `anyhow` or `eyre` the type is found where the error has a context, as by `.context("..")`. Without one these
    /// crates hide the type of what they wrap.
    ///
    /// ```
    /// use fc_runtime::{App, Error};
    ///
    /// #[derive(Debug)]
    /// struct SoldOut;
    /// impl std::fmt::Display for SoldOut {
    ///     fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result { f.write_str("none left") }
    /// }
    /// impl std::error::Error for SoldOut {}
    /// fn buy() -> Result<&'static str, SoldOut> { Err(SoldOut) }
    ///
    /// # fc_runtime::testing::run(async {
    /// let app = App::new()
    ///     .get("/buy", async |_| Ok(buy()?))
    ///     .on_error(|_: &SoldOut| Error::conflict("sold out"));
    /// app.test_client().get("/buy").await.assert_status(409);
    /// # });
    /// ```
    #[doc(alias = "error_handler")]
    pub fn on_error<E, F>(mut self, map: F) -> Self
    where
        E: std::error::Error + 'static,
        F: Fn(&E) -> Error + Send + Sync + 'static,
    {
        self.error_maps.push(Box::new(move |error| error.find_cause::<E>().map(&map)));
        self
    }

    /// Adds a named check to the *ready* endpoint (default `/readyz`), for a database, a cache or a queue.
    ///
    /// One round of checks runs at a time, each check with its own time limit. The outcome is valid for a second, so
    /// that probes cannot overload the checked services. The endpoint answers 200 or 503; callers inside the instance
    /// see which check failed. The checks are no part of the live check at [`health_path`](Self::health_path).
    ///
    /// ```
    /// use fc_runtime::App;
    ///
    /// # fc_runtime::testing::run(async {
    /// let app = App::new().ready_check("database", async |_| Err(fc_runtime::Error::unavailable("no route")));
    /// let client = app.test_client();
    /// client.get("/readyz").await.assert_status(503);
    /// client.get("/healthz").await.assert_status(200);
    /// # });
    /// ```
    #[doc(alias = "readiness")]
    #[doc(alias = "health")]
    pub fn ready_check<F, R>(mut self, name: &'static str, check: F) -> Self
    where
        F: AsyncFn(Arc<S>) -> R + Handler<(Arc<S>,), R>,
        R: Outcome + 'static,
    {
        self.ready_checks.push((name, handler::ready_check(check)));
        // Referred to only here, so that a function without checks does not link its code.
        self.ready = Some(crate::endpoint::ready);
        self
    }

    /// The routes declared so far, in the order of their declaration, those of groups with their prefixes. `HEAD` and
    /// `OPTIONS` that the runtime answers by itself are not among them.
    ///
    /// ```
    /// use fc_runtime::{App, Method};
    ///
    /// let app = App::new().get("/", async |_| "home").group("/users", |users| users.post("/{id}", async |_| "a user"));
    /// let routes: Vec<_> = app.routes().map(|route| (route.method, route.pattern)).collect();
    /// assert_eq!(routes, [(Some(Method::GET), "/".to_owned()), (Some(Method::POST), "/users/{id}".to_owned())]);
    /// ```
    #[doc(alias = "openapi")]
    pub fn routes(&self) -> impl Iterator<Item = RouteInfo> + '_ {
        self.routes.list()
    }

    /// Checks the whole app, and makes the state.
    pub(crate) async fn seal(self: Box<Self>, instance: Instance) -> Result<Arc<Sealed<S>>> {
        let (plan, open) = seal::check(self)?;
        let state = open(instance.clone()).await?;
        Ok(plan.open(state, instance))
    }

    pub(crate) fn settings(&self) -> &Settings {
        &self.settings
    }

    /// Replaces the store.
    pub(crate) fn set_store(&mut self, store: Arc<dyn AnyStore>) {
        self.store = store.into();
    }

    /// Sets the handler of events, with the type that it takes.
    pub(crate) fn set_event(
        &mut self,
        handler: EventHandler<S>,
        takes: Option<EventType>,
        line: &'static Location<'static>,
    ) {
        self.event_type = takes;
        if self.event.replace(handler).is_some() {
            self.mistakes.add("a second event handler", line);
        }
    }

    /// Has requests that come as events answered by the routes.
    #[cfg(feature = "events")]
    pub(crate) fn set_doors(&mut self, doors: Doors<S>) {
        self.doors = Some(doors);
    }

    pub(crate) fn routes_mut(&mut self) -> &mut Routes<S> {
        &mut self.routes
    }

    pub(crate) fn once_sealed(&mut self, tell: impl FnOnce(&Arc<Sealed<S>>) + Send + 'static) {
        self.once_sealed.push(Box::new(tell));
    }

    pub(crate) fn add_mistake(&mut self, what: impl Into<String>, line: &'static Location<'static>) {
        self.mistakes.add(what, line);
    }
}

verbs!(App);

impl<S> fmt::Debug for App<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("App").field("routes", &self.routes).finish_non_exhaustive()
    }
}
