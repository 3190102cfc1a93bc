//! What pages show, asked of the rooms that have it. Everything is bounded: a page has some hundred rows at most.

use std::sync::Arc;
use std::time::Duration;

use crate::event::{Event, Level, Log, LogFilter};
use crate::model::PoolLook;
use crate::registry::State;
pub(super) use crate::registry::{Functions, Registry};

/// The most rows of a list.
pub(super) const ROWS_MAX: usize = 200;

/// The most functions of a list.
pub(super) const FUNCTIONS_MAX: usize = 200;

/// An event with its number.
pub(super) type Numbered = (u64, Arc<Event>);

/// A function with its instances.
#[derive(Debug, Clone)]
pub(super) struct FunctionView {
    pub(super) name: String,
    /// The state in a few words.
    pub(super) text: &'static str,
    /// Whether clients of HTTP reach the function. `None` before its first deployment.
    pub(super) has_trigger: Option<bool>,
    pub(super) is_signed: bool,
    pub(super) last_error: Option<String>,
    /// `None` before its first deployment.
    pub(super) settings: Option<Settings>,
    pub(super) pools: Vec<PoolLook>,
}

/// The settings of a function that explain its instances.
#[derive(Debug, Clone)]
pub(super) struct Settings {
    pub(super) runtime: String,
    pub(super) memory_mib: u32,
    pub(super) concurrency: usize,
    pub(super) timeout: Duration,
    pub(super) kept: usize,
    pub(super) hooks: Vec<&'static str>,
    /// The path of the health check, if there is one.
    pub(super) health: Option<String>,
}

impl FunctionView {
    /// The instances that run or are being stopped.
    pub(super) fn instances(&self) -> usize {
        self.pools.iter().map(|pool| pool.instances.len()).sum()
    }
}

/// The text without the secrets of the functions, those of clients of the API among them.
pub(super) fn masked(registry: &Registry, text: String) -> String {
    let functions = registry.functions();
    let deployed = functions.names().filter_map(|name| functions.get(name));
    deployed.fold(text, |text, deployed| deployed.mask(text))
}

/// The functions, in the order of their names.
pub(super) fn functions(registry: &Registry) -> Vec<FunctionView> {
    let functions = registry.functions();
    let view = |state: State<'_>| {
        let deployed = functions.get(state.name);
        FunctionView {
            name: state.name.to_owned(),
            text: state.text,
            has_trigger: state.has_trigger,
            is_signed: state.is_signed,
            last_error: state.last_error,
            settings: deployed.map(|deployed| settings(&deployed.settings())),
            pools: deployed.map(|deployed| deployed.look()).unwrap_or_default(),
        }
    };
    functions.states().into_iter().take(FUNCTIONS_MAX).map(view).collect()
}

/// The functions and domains now.
pub(super) fn current(registry: &Registry) -> Arc<Functions> {
    registry.functions()
}

/// The names of the functions, in their order.
pub(super) fn names(registry: &Registry) -> Vec<String> {
    let functions = registry.functions();
    let mut names: Vec<String> = functions.names().map(str::to_owned).collect();
    names.sort_unstable();
    names.truncate(FUNCTIONS_MAX);
    names
}

fn settings(function: &crate::model::Function) -> Settings {
    let hooks = [
        ("initializer", function.initializer.is_some()),
        ("pre-stop", function.pre_stop.is_some()),
        ("pre-freeze", function.pre_freeze.is_some()),
    ];
    Settings {
        runtime: function.runtime.clone(),
        memory_mib: function.memory_mib,
        concurrency: function.concurrency,
        timeout: function.timeout,
        kept: function.instances_min,
        hooks: hooks.into_iter().filter(|(_, has)| *has).map(|(name, _)| name).collect(),
        health: function.health.as_ref().map(|health| health.path.clone()),
    }
}

/// The latest rare events that need attention, the newest first.
pub(super) fn troubles(log: &Log, most: usize) -> Vec<Numbered> {
    let news = log.news();
    news.into_iter().rev().filter(|(_, event)| event.kind.level() > Level::Info).take(most).collect()
}

/// The latest events of instances, the newest first.
pub(super) fn of_instances(log: &Log, function: Option<&str>, most: usize) -> Vec<Numbered> {
    let news = log.news();
    let is_wanted = |event: &Event| {
        event.instance.is_some() && function.is_none_or(|name| event.function.as_deref() == Some(name))
    };
    news.into_iter().rev().filter(|(_, event)| is_wanted(event)).take(most).collect()
}

/// Events for the page of logs.
#[derive(Debug, Default)]
pub(super) struct Logged {
    /// The newest first.
    pub(super) events: Vec<Numbered>,
    /// Whether older ones fit the filter too.
    pub(super) has_more: bool,
    /// How many events there were in all, and how many of them are still looked at.
    pub(super) total: u64,
    pub(super) kept: usize,
}

/// The latest events that fit the filter.
pub(super) fn logs(log: &Log, filter: &LogFilter) -> Logged {
    let latest = log.latest(0);
    let (total, kept) = (latest.last, latest.events.len());
    let mut fitting = latest.events.into_iter().rev().filter(|(_, event)| filter.takes(event));
    let events: Vec<Numbered> = fitting.by_ref().take(ROWS_MAX).collect();
    let has_more = fitting.next().is_some();
    Logged { events, has_more, total, kept }
}
