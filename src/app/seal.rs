//! Sealing: checks the whole app, and reports all mistakes of the author at once.

use std::fmt;
use std::panic::Location;
use std::sync::{Arc, OnceLock};
use std::time::Instant;

use http::Method;

use crate::app::at::PlaceSettings;
use crate::app::builder::{App, OnceSealed, Open};
use crate::app::handler;
use crate::app::routes::Declared;
use crate::budget::{Budget, budget_for};
use crate::cors::{Cors, CorsByPrefix, SealedCors};
use crate::counters::Flush;
use crate::error::Result;
use crate::exchange::{ErrorMap, Protocol, Scope, Shared};
use crate::health::{About, Heartbeat, Rounds};
use crate::json::text_into;
use crate::lifecycle::Initialization;
use crate::observe::Observe;
#[cfg(feature = "otel")]
use crate::otel::{Pipeline, Requests, Sampler};
use crate::platform::Instance;
use crate::platform::limits::{BODY_LIMIT_DEFAULT, BODY_PAUSE_DEFAULT, REQUEST_BODY_MAX};
use crate::route::{Conflict, Found, Pattern, Table};
use crate::sealed::{Handlers, Place, Sealed, Settings};
use crate::stop::Stops;
use crate::store::AnyStore;
use crate::task::Tracker;

/// The mistakes in an app, each with the line of code that made it.
///
/// `main` prints all of them. The app has not started.
///
/// ```
/// use fc_runtime::{App, AppErrors};
/// use std::net::TcpListener;
///
/// # fc_runtime::testing::run(async {
/// let app = App::new().get("/users/{id", async |_| "a user").get("orders", async |_| "orders");
/// let listener = TcpListener::bind("127.0.0.1:0").unwrap();
/// let error = app.serve(listener).await.unwrap_err();
/// let mistakes = error.find_cause::<AppErrors>().unwrap().to_string();
/// assert!(mistakes.starts_with("the app has 2 mistakes\n"), "{mistakes}");
/// # });
/// ```
pub struct AppErrors(Mistakes);

#[derive(Default)]
pub(crate) struct Mistakes(Vec<(String, Option<&'static Location<'static>>)>);

impl Mistakes {
    pub(crate) fn add(&mut self, what: impl Into<String>, line: &'static Location<'static>) {
        self.0.push((what.into(), Some(line)));
    }

    /// Adds a mistake in a setting. A default has no line.
    fn add_setting(&mut self, what: String, line: Option<&'static Location<'static>>) {
        self.0.push((what, line));
    }
}

/// A checked app, before its state is made.
pub(super) struct Plan<S> {
    table: Table<Arc<Place<S>>>,
    fallback: Option<Arc<Place<S>>>,
    fallbacks_below: Vec<Arc<Place<S>>>,
    cors: Option<Arc<SealedCors>>,
    cors_by_prefix: Option<CorsByPrefix>,
    handlers: Handlers<S>,
    error_maps: Vec<ErrorMap>,
    settings: Settings,
    protocol: Option<&'static Protocol>,
    once_sealed: Vec<OnceSealed<S>>,
    observers: Vec<Arc<dyn Observe>>,
    store: OnceLock<Arc<dyn AnyStore>>,
    flush: Vec<Flush>,
    #[cfg(feature = "otel")]
    otel: Option<crate::Otel>,
}

pub(super) fn check<S: Send + Sync + 'static>(app: Box<App<S>>) -> Result<(Plan<S>, Open<S>), AppErrors> {
    let App { open, mut routes, fallback, settings, error_maps, mut mistakes, .. } = *app;
    let App {
        event,
        doors,
        on_initialize,
        on_pre_stop,
        on_pre_freeze,
        run_hooks,
        ready_checks,
        ready,
        once_sealed,
        observers,
        store,
        flush,
        #[cfg(feature = "otel")]
        otel,
        ..
    } = *app;
    for (what, line) in routes.mistakes.drain(..) {
        mistakes.add(what, line);
    }
    let cors = seal_cors(routes.settings.cors.take().as_deref(), &mut mistakes, settings.cors_line);
    for (path, line) in
        [(&settings.health_path, settings.health_line), (&settings.ready_path, settings.ready_line)]
    {
        if !path.starts_with('/') || path.contains(['?', '#', ' ']) {
            let what = format!("the health path {path:?} has to be a path that starts with \"/\"");
            mistakes.add_setting(what, line);
        }
    }
    if let Some(prefix) = settings.base_path.as_deref().filter(|prefix| !prefix.is_empty())
        && (!prefix.starts_with('/') || prefix.contains(['?', '#', ' ']))
    {
        let what = format!("the base path {prefix:?} has to be a path that starts with \"/\"");
        mistakes.add_setting(what, settings.base_path_line);
    }
    let fallback = fallback.map(|endpoint| {
        let scope = Arc::new(scope(Pattern::default(), &routes.settings, cors.clone(), None, None));
        Arc::new(Place { scope, arounds: routes.arounds().to_vec(), endpoint })
    });
    if settings.health_path == settings.ready_path {
        let what = format!("live and ready cannot both be at {:?}", settings.ready_path);
        mistakes.add_setting(what, settings.ready_line.or(settings.health_line));
    }
    let policies = std::mem::take(&mut routes.cors_by_prefix);
    let (cors_by_prefix, fallbacks_below) = match routes.below {
        Some(below) => below(&policies, fallback.as_ref(), &routes.settings),
        None => (None, Vec::new()),
    };
    let ours = |path: &str| path == settings.health_path || (ready.is_some() && path == settings.ready_path);
    let declared = routes.finish();
    let protocol = declared.iter().find_map(|route| route.protocol);
    let table = table(declared, cors.as_ref(), &ours, &mut mistakes);
    if !mistakes.0.is_empty() {
        return Err(AppErrors(mistakes));
    }
    let handlers =
        Handlers { event, doors, on_initialize, on_pre_stop, on_pre_freeze, run_hooks, ready_checks, ready };
    Ok((
        Plan {
            table,
            fallback,
            fallbacks_below,
            cors,
            cors_by_prefix,
            handlers,
            error_maps,
            settings,
            protocol,
            once_sealed,
            observers,
            store,
            flush,
            #[cfg(feature = "otel")]
            otel,
        },
        open,
    ))
}

fn table<S: Send + Sync + 'static>(
    mut routes: Vec<Declared<S>>,
    app_cors: Option<&Arc<SealedCors>>,
    ours: &dyn Fn(&str) -> bool,
    mistakes: &mut Mistakes,
) -> Table<Arc<Place<S>>> {
    let mut table = Table::with_capacity(routes.len());
    // Only layers declare such routes. Without them the code of the sort is not linked.
    if cfg!(feature = "tower") {
        routes.sort_by_key(Declared::yields);
    }
    for route in routes {
        let (yields, keeps_slash) = (route.yields(), route.keeps_slash());
        let Declared { method, pattern: text, settings, arounds, protocol, line, .. } = route;
        let mut endpoint = route.endpoint;
        // What is wrong with the place of such a route is wrong with another route there, and told once.
        let mut told = Mistakes::default();
        let mistakes = if yields { &mut told } else { &mut *mistakes };
        if keeps_slash && matches!(table.find(&Method::TRACE, &text), Found::Endpoint(_)) {
            continue;
        }
        if yields {
            if matches!(table.find(&Method::OPTIONS, &text), Found::Endpoint(_)) {
                continue;
            }
            endpoint = handler::options(table.allow(&text));
        }
        let pattern = match Pattern::parse(text) {
            Ok(pattern) => pattern,
            Err((text, what)) => {
                mistakes.add(format!("the pattern {text:?}: {what}"), line);
                continue;
            }
        };
        let text = &pattern.text;
        if ours(text) {
            let advice = "move one of them, with App::health_path or App::ready_path for example";
            mistakes.add(format!("the route {text:?} is where a health check is; {advice}"), line);
        }
        if let Some(what) = protocol.and_then(|protocol| (protocol.path_mistake)(text)) {
            mistakes.add(format!("the route {text:?}: {what}"), line);
        }
        if let Some(limit) = settings.body_limit.filter(|limit| *limit > REQUEST_BODY_MAX) {
            let most = "the platform passes no more than 32 MiB";
            mistakes.add(format!("the body limit of {text:?} is {limit} bytes: {most}"), line);
        }
        let own_cors = seal_cors(settings.cors.as_deref(), mistakes, Some(line));
        let cors = own_cors.or_else(|| app_cors.cloned());
        let scope = Arc::new(scope(pattern, &settings, cors, protocol, Some(line)));
        let place = Arc::new(Place { scope: Arc::clone(&scope), arounds, endpoint });
        if let Err(conflict) = table.insert(scope.pattern.clone(), method.clone(), place) {
            let (text, name) = (&scope.pattern, method.as_ref().map_or("any method", Method::as_str));
            let before = match conflict {
                Conflict::Method => table.taken(text, method.as_ref()).and_then(|place| place.scope.line),
                Conflict::Pattern(_) => None,
            };
            let before = before.map_or_else(String::new, |line| format!(", first at {line}"));
            mistakes.add(format!("the route {name} {text:?}: {conflict}{before}"), line);
        }
    }
    table
}

fn seal_cors(
    cors: Option<&Cors>,
    mistakes: &mut Mistakes,
    line: Option<&'static Location<'static>>,
) -> Option<Arc<SealedCors>> {
    match cors?.seal() {
        Ok(sealed) => Some(Arc::new(sealed)),
        Err(what) => {
            mistakes.add_setting(format!("the CORS policy: {what}"), line);
            None
        }
    }
}

pub(super) fn scope(
    pattern: Pattern,
    settings: &PlaceSettings,
    cors: Option<Arc<SealedCors>>,
    protocol: Option<&'static Protocol>,
    line: Option<&'static Location<'static>>,
) -> Scope {
    let body_limit = match protocol {
        None => settings.body_limit.unwrap_or(BODY_LIMIT_DEFAULT),
        Some(Protocol { message_max, .. }) => settings.body_limit.unwrap_or(*message_max).min(*message_max),
    };
    let (before, behind) = (b"\",\"route\":\"", b"\",\"status\":");
    let mut logged = Vec::with_capacity(before.len() + pattern.text.len() + behind.len());
    logged.extend_from_slice(before);
    text_into(&mut logged, pattern.text.as_bytes());
    logged.extend_from_slice(behind);
    Scope {
        pattern: pattern.text,
        logged,
        params: pattern.params,
        hang_up_policy: settings.hang_up_policy.unwrap_or_default(),
        body_limit,
        body_pause: settings.body_pause.unwrap_or(BODY_PAUSE_DEFAULT),
        time_limit: settings.time_limit,
        line,
        cors,
        protocol,
    }
}

impl<S> Plan<S> {
    pub(super) fn open(self, state: S, instance: Instance) -> Arc<Sealed<S>> {
        let Self {
            table,
            fallback,
            fallbacks_below,
            cors,
            cors_by_prefix,
            handlers,
            error_maps,
            settings,
            protocol,
            once_sealed,
            #[cfg_attr(not(feature = "otel"), allow(unused_mut, reason = "the feature adds one"))]
            mut observers,
            store,
            #[cfg_attr(not(feature = "otel"), allow(unused_mut, reason = "the feature adds one"))]
            mut flush,
            #[cfg(feature = "otel")]
            otel,
        } = self;
        let about = About {
            started: Instant::now(),
            version: settings.version.clone().or_else(|| instance.function_version().map(str::to_owned)),
            commit: settings.commit.clone(),
            checks: handlers.ready_checks.iter().map(|(name, _)| *name).collect(),
        };
        let most = settings.client_memory.unwrap_or_else(|| budget_for(instance.memory_mib()));
        let budget = Budget::new(most);
        let shared = Shared {
            state: Arc::new(state),
            trusted: settings.trust.unwrap_or_else(|| instance.is_on_platform()),
            instance,
            tracker: Tracker::default(),
            store,
            // Made where it stays.
            counts: Arc::default(),
            budget,
            max_finishing: settings.max_finishing,
            initialization: Initialization::new(!handlers.on_initialize.is_empty()),
            error_maps,
            stops: Stops::default(),
            #[cfg(feature = "websocket")]
            pulse: crate::pulse::Pulse::default(),
            trusted_hops: settings.trusted_hops,
            base_path: settings.base_path.clone(),
        };
        let (shared, heartbeat, rounds) = (Arc::new(shared), Heartbeat::default(), Rounds::default());
        #[cfg(feature = "otel")]
        let sampler = otel.and_then(|otel| observe(&otel, &shared, &mut observers, &mut flush));
        let sealed = Sealed {
            shared,
            table,
            fallback,
            fallbacks_below,
            cors,
            cors_by_prefix,
            handlers,
            settings,
            heartbeat,
            rounds,
            about,
            protocol,
            is_observed: !observers.is_empty(),
            #[cfg(feature = "otel")]
            sampler,
        };
        // The app is new, so nobody has set them.
        if !observers.is_empty() {
            let _ = sealed.shared.counts.observers.set(observers);
        }
        if !flush.is_empty() {
            let _ = sealed.shared.counts.flush.set(flush);
        }
        let sealed = Arc::new(sealed);
        for tell in once_sealed {
            tell(&sealed);
        }
        sealed
    }
}

/// Has the spans of requests sent. Gives the choice of traces, unless the environment turns it off.
#[cfg(feature = "otel")]
fn observe<S>(
    otel: &crate::Otel,
    shared: &Shared<S>,
    observers: &mut Vec<Arc<dyn Observe>>,
    flush: &mut Vec<Flush>,
) -> Option<Sampler> {
    let pipeline = Pipeline::open(otel, &shared.instance, &shared.tracker)?;
    let sampler = pipeline.sampler();
    observers.push(Arc::new(Requests(Arc::clone(&pipeline))));
    flush.push(Box::new(move || {
        let pipeline = Arc::clone(&pipeline);
        Box::pin(async move { pipeline.flush().await })
    }));
    Some(sampler)
}

impl fmt::Display for AppErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.0.len();
        write!(f, "the app has {count} mistake{}", if count == 1 { "" } else { "s" })?;
        for (what, line) in &self.0.0 {
            match line {
                Some(line) => write!(f, "\n  {line}: {what}")?,
                None => write!(f, "\n  {what}")?,
            }
        }
        Ok(())
    }
}

impl fmt::Debug for AppErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

impl std::error::Error for AppErrors {}
