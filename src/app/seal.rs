//! Sealing: everything the author may have got wrong is checked here, and reported all at once.

use std::fmt;
use std::panic::Location;
use std::sync::Arc;

use crate::app::at::PlaceSettings;
use crate::app::handler::{EventHandler, HookHandler, Place};
use crate::app::settings::Settings;
use crate::app::{App, Open};
use crate::error::Result;
use crate::exchange::{ErrorMap, Scope, Shared};
use crate::lifecycle::Initialisation;
use crate::platform::Instance;
use crate::platform::limits::{BODY_LIMIT_DEFAULT, REQUEST_BODY_MAX};
use crate::route::{Pattern, Table};
use crate::tally::Tally;
use crate::task::Tracker;

/// A frozen app: what requests are answered from.
pub(crate) struct Sealed<S> {
    pub(crate) shared: Arc<Shared<S>>,
    pub(crate) table: Table<Arc<Place<S>>>,
    pub(crate) fallback: Option<Arc<Place<S>>>,
    pub(crate) event: Option<EventHandler<S>>,
    pub(crate) on_initialize: Vec<HookHandler<S>>,
    pub(crate) on_pre_stop: Vec<HookHandler<S>>,
    pub(crate) on_pre_freeze: Vec<HookHandler<S>>,
    pub(crate) settings: Settings,
}

/// Mistakes in an app, each with the line that made it.
///
/// `main` prints them all; nothing was started.
pub struct AppErrors(Mistakes);

#[derive(Default)]
pub(crate) struct Mistakes(Vec<(String, &'static Location<'static>)>);

impl Mistakes {
    pub(crate) fn add(&mut self, what: impl Into<String>, line: &'static Location<'static>) {
        self.0.push((what.into(), line));
    }
}

/// A checked app that waits for its state.
pub(super) struct Plan<S> {
    table: Table<Arc<Place<S>>>,
    fallback: Option<Arc<Place<S>>>,
    app: Rest<S>,
}

/// What `check` passes through untouched.
struct Rest<S> {
    event: Option<EventHandler<S>>,
    on_initialize: Vec<HookHandler<S>>,
    on_pre_stop: Vec<HookHandler<S>>,
    on_pre_freeze: Vec<HookHandler<S>>,
    error_maps: Vec<ErrorMap>,
    settings: Settings,
}

pub(super) fn check<S: Send + Sync + 'static>(app: App<S>) -> Result<(Plan<S>, Open<S>), AppErrors> {
    let App {
        open,
        routes,
        fallback,
        event,
        on_initialize,
        on_pre_stop,
        on_pre_freeze,
        error_maps,
        settings,
        mut mistakes,
    } = app;
    let default_settings = routes.settings;
    let outer = routes.arounds().to_vec();
    let mut table = Table::default();
    let mut lines: Vec<(String, Option<http::Method>, &'static Location<'static>)> = Vec::new();
    for route in routes.finish() {
        let pattern = match Pattern::parse(&route.pattern) {
            Ok(pattern) => pattern,
            Err(what) => {
                mistakes.add(format!("the pattern {:?}: {what}", route.pattern), route.line);
                continue;
            }
        };
        if let Some(body_limit) = route.settings.body_limit.filter(|limit| *limit > REQUEST_BODY_MAX) {
            let most = "the platform passes no more than 32 MiB";
            mistakes.add(
                format!("the body limit of {:?} is {body_limit} bytes: {most}", route.pattern),
                route.line,
            );
        }
        let scope = Arc::new(scope(pattern.clone(), route.settings));
        let place = Place { scope, arounds: route.arounds, endpoint: route.endpoint };
        if let Err(conflict) = table.insert(pattern, route.method.clone(), Arc::new(place)) {
            let first = lines.iter().find(|(text, method, _)| {
                matches!(conflict, crate::route::Conflict::Method)
                    && *text == route.pattern
                    && *method == route.method
            });
            let first = first.map_or_else(String::new, |(.., line)| format!(", first at {line}"));
            let method = route.method.as_ref().map_or("any method", http::Method::as_str);
            mistakes.add(format!("the route {method} {:?}: {conflict}{first}", route.pattern), route.line);
        } else {
            lines.push((route.pattern, route.method, route.line));
        }
    }
    if !mistakes.0.is_empty() {
        return Err(AppErrors(mistakes));
    }
    let fallback = fallback.map(|endpoint| {
        let scope = Arc::new(scope(Pattern::default(), default_settings));
        Arc::new(Place { scope, arounds: outer, endpoint })
    });
    let app = Rest { event, on_initialize, on_pre_stop, on_pre_freeze, error_maps, settings };
    Ok((Plan { table, fallback, app }, open))
}

fn scope(pattern: Pattern, settings: PlaceSettings) -> Scope {
    Scope {
        pattern: pattern.text,
        names: pattern.names,
        policy: settings.policy.unwrap_or_default(),
        body_limit: settings.body_limit.unwrap_or(BODY_LIMIT_DEFAULT),
        time_limit: settings.time_limit,
    }
}

impl<S> Plan<S> {
    pub(super) fn open(self, state: S, instance: Instance) -> Sealed<S> {
        let Rest { event, on_initialize, on_pre_stop, on_pre_freeze, error_maps, settings } = self.app;
        let shared = Shared {
            state: Arc::new(state),
            trusted: settings.trust.unwrap_or_else(|| instance.is_on_platform()),
            instance,
            tracker: Tracker::default(),
            tally: Arc::new(Tally::default()),
            initialisation: Initialisation::new(!on_initialize.is_empty()),
            error_maps,
        };
        Sealed {
            shared: Arc::new(shared),
            table: self.table,
            fallback: self.fallback,
            event,
            on_initialize,
            on_pre_stop,
            on_pre_freeze,
            settings,
        }
    }
}

impl fmt::Display for AppErrors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let count = self.0.0.len();
        write!(f, "the app has {count} mistake{}", if count == 1 { "" } else { "s" })?;
        for (what, line) in &self.0.0 {
            write!(f, "\n  {line}: {what}")?;
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
