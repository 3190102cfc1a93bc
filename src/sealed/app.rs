//! A frozen app.

use std::sync::Arc;

use crate::cors::SealedCors;
use crate::exchange::{Protocol, Shared};
use crate::health::{About, Heartbeat, Report, Rounds};
use crate::route::Table;
use crate::sealed::{EventHandler, HookHandler, Place, ReadyCheck, Settings};
use crate::task::BoxFuture;

/// A frozen app: what requests are answered from.
pub(crate) struct Sealed<S> {
    pub(crate) shared: Arc<Shared<S>>,
    pub(crate) table: Table<Arc<Place<S>>>,
    pub(crate) fallback: Option<Arc<Place<S>>>,
    /// What holds where no place does: refusals.
    pub(crate) cors: Option<Arc<SealedCors>>,
    pub(crate) handlers: Handlers<S>,
    pub(crate) settings: Settings,
    pub(crate) heartbeat: Heartbeat,
    pub(crate) rounds: Rounds,
    pub(crate) about: About,
    /// What some routes speak beside HTTP.
    pub(crate) protocol: Option<&'static Protocol>,
}

/// What answers the platform rather than a client.
pub(crate) struct Handlers<S> {
    pub(crate) event: Option<EventHandler<S>>,
    pub(crate) on_initialize: Vec<HookHandler<S>>,
    pub(crate) on_pre_stop: Vec<HookHandler<S>>,
    pub(crate) on_pre_freeze: Vec<HookHandler<S>>,
    pub(crate) ready_checks: Vec<(&'static str, ReadyCheck<S>)>,
    /// Runs them; `None` when there are none.
    pub(crate) ready: Option<Ready<S>>,
}

/// The outcome of the round of ready checks that runs or has just run, or of a new one.
pub(crate) type Ready<S> = fn(&Arc<Sealed<S>>) -> BoxFuture<Option<Arc<Report>>>;
