//! Lifecycle hooks: initialize once, prepare for a stop or a freeze, and keep serving.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Response, StatusCode, header};

use crate::error::{Error, Result};
use crate::exchange::{Call, Hook};
use crate::headers::set;
use crate::lifecycle::{Start, outcome};
use crate::log::{current, sink};
use crate::platform::CallKind;
use crate::reply::Body;
use crate::sealed::{Handlers, HookHandler, Sealed};
use crate::stage::{Markers, Outgoing, PanicGuarded, drain_leftover, log_cause, respond};
use crate::task::{BoxFuture, Kind};

const UNAVAILABLE: StatusCode = StatusCode::SERVICE_UNAVAILABLE;

/// Answers a hook of the platform. Hooks are not traffic: they have start and end lines, and no record.
///
/// A failure is answered with 404, because after a 5xx the platform restarts the instance over and over.
pub(crate) async fn answer_hook<S>(
    app: &Arc<Sealed<S>>,
    call: Arc<Call>,
    kind: CallKind,
    marked: bool,
) -> Response<Outgoing>
where
    S: Send + Sync + 'static,
{
    let markers = match kind {
        CallKind::PreStop => Markers::PreStop,
        CallKind::PreFreeze => Markers::PreFreeze,
        _ => Markers::Initialize,
    };
    if marked {
        markers.start(call.id.as_str());
    }
    let result = match kind {
        CallKind::PreStop | CallKind::PreFreeze => {
            if matches!(kind, CallKind::PreStop) {
                app.shared.counts.pre_stopped.store(true, Ordering::Relaxed);
                app.shared.stops.announce();
            }
            match app.handlers.run_hooks {
                Some(run) => run(Arc::clone(app), Arc::clone(&call), kind).await,
                None => Ok(()),
            }
        }
        _ => ensure_initialized(app, &call).await,
    };
    drain_leftover(&call, &app.shared.tracker);
    // The platform may freeze the instance once the hook is answered.
    if let Some(flush) = app.shared.counts.flush() {
        flush.await;
    }
    sink::flush();
    let (status, word) = match &result {
        Ok(()) => (StatusCode::OK, ""),
        Err(_) => (StatusCode::NOT_FOUND, ", Error: Unhandled function error"),
    };
    if marked {
        markers.end(call.id.as_str(), word);
    }
    let mut headers = HeaderMap::new();
    let body = match result {
        Ok(()) => Body::Empty,
        Err(error) => {
            set(&mut headers, header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
            Body::Once(Bytes::from(error.to_event_failure()))
        }
    };
    respond(status, headers, Outgoing::new(body, None), false)
}

/// Returns when the initialization is complete, by this caller or another one.
pub(crate) async fn ensure_initialized<S>(app: &Arc<Sealed<S>>, call: &Arc<Call>) -> Result
where
    S: Send + Sync + 'static,
{
    if app.shared.initialization.is_done() {
        return Ok(());
    }
    match app.handlers.run_hooks {
        Some(run) => run(Arc::clone(app), Arc::clone(call), CallKind::Initialize).await,
        None => Ok(()),
    }
}

/// Runs the hooks of a kind. The builder alone refers to it, where a hook is added, so that a function without hooks does not
/// link its code.
pub(crate) fn run_hooks<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    call: Arc<Call>,
    kind: CallKind,
) -> BoxFuture<Result> {
    let limit = app.settings.pre_stop;
    match kind {
        CallKind::PreStop => {
            within(Arc::clone(&call), limit, run_all(app, call, |handlers| &handlers.on_pre_stop))
        }
        CallKind::PreFreeze => {
            within(Arc::clone(&call), limit, run_all(app, call, |handlers| &handlers.on_pre_freeze))
        }
        _ => initialize(app, call),
    }
}

/// Runs the initialization, or waits for the caller that runs it.
///
/// The initialization runs in a task of its own, so that a client that leaves does not stop it. The futures of hooks are
/// boxed: hooks are rare, and without a box the code of each future would be in the binary once per caller.
fn initialize<S: Send + Sync + 'static>(app: Arc<Sealed<S>>, call: Arc<Call>) -> BoxFuture<Result> {
    let limit = app.settings.initialize;
    match app.shared.initialization.start() {
        Start::Done => Box::pin(std::future::ready(Ok(()))),
        Start::Wait(attempt) => within(call, limit, Box::pin(outcome(attempt))),
        Start::Run(ticket) => {
            let (shared, own) = (Arc::clone(&app.shared), Arc::clone(&call));
            let task = shared.tracker.spawn_for(Kind::Handler, async move {
                let ran = run_all(Arc::clone(&app), own, |handlers| &handlers.on_initialize).await;
                app.shared.initialization.finish(&ticket, ran)
            });
            let ended = async {
                task.await
                    .unwrap_or_else(|| Err(Error::of_ours(UNAVAILABLE, "the function is shutting down")))
            };
            within(call, limit, Box::pin(ended))
        }
    }
}

/// Which hooks of an app.
type Hooks<S> = fn(&Handlers<S>) -> &[HookHandler<S>];

/// Runs hooks one after the other, until one fails. The failure is logged here.
fn run_all<S: Send + Sync + 'static>(
    app: Arc<Sealed<S>>,
    call: Arc<Call>,
    hooks: Hooks<S>,
) -> BoxFuture<Result> {
    Box::pin(async move {
        for hook in hooks(&app.handlers) {
            let held = Hook::new(Arc::clone(&call), Arc::clone(&app.shared));
            let ran = PanicGuarded::new(Arc::clone(&call), || hook(held)).await;
            if let Err(error) = ran.unwrap_or_else(|_| Err(app.shared.panicked("a lifecycle hook panicked")))
            {
                let _entered = current::enter(Arc::clone(&call) as _);
                log_cause(&error);
                return Err(error.reported());
            }
        }
        Ok(())
    })
}

fn within(call: Arc<Call>, limit: Duration, work: BoxFuture<Result>) -> BoxFuture<Result> {
    Box::pin(async move {
        tokio::time::timeout(limit, work).await.unwrap_or_else(|_| {
            let error = Error::of_ours(UNAVAILABLE, format!("a lifecycle hook took longer than {limit:?}"));
            let _entered = current::enter(call as _);
            log_cause(&error);
            Err(error.reported())
        })
    })
}
