//! The live and ready checks for probes that reach the executor: on a reused connection, over HTTP/2, in tests.

use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use crate::exchange::Peer;
use crate::headers::set;
use crate::health::{Join, Report, outcome};
use crate::log::say;
use crate::platform::names::shows_a_proxy;
use crate::reply::Body;
use crate::sealed::Sealed;
use crate::stage::{Outgoing, respond};
use crate::task::{BoxFuture, Kind};

/// How long the outcome of a round of ready checks is valid.
const HOLDS: Duration = Duration::from_secs(1);

/// The kind of a probe.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Probe {
    Live,
    Ready,
}

/// A probe that the executor answers.
pub(crate) struct Probing {
    probe: Probe,
    method: Method,
    /// Whether the caller is inside the instance, and gets details.
    inside: bool,
}

impl Probing {
    /// A request through the trigger or a proxy has headers that show it.
    pub(crate) fn new(probe: Probe, head: &Parts, peer: Option<&Peer>) -> Self {
        let inside = peer.is_some_and(|peer| peer.address.ip().is_loopback())
            && !head.headers.keys().any(|name| shows_a_proxy(name.as_str()));
        Self { probe, method: head.method.clone(), inside }
    }
}

/// Answers a probe. Probes are not traffic: they have no record and no id.
pub(crate) async fn answer_probe<S: Send + Sync + 'static>(
    app: &Arc<Sealed<S>>,
    asked: Probing,
) -> Response<Outgoing> {
    if asked.method != Method::GET && asked.method != Method::HEAD {
        let mut allow = HeaderMap::new();
        set(&mut allow, header::ALLOW, HeaderValue::from_static("GET, HEAD"));
        return respond(StatusCode::METHOD_NOT_ALLOWED, allow, Outgoing::new(Body::Empty, None), false);
    }
    let (good, word, details) = match asked.probe {
        // The executor runs this code, so it is alive.
        Probe::Live => (true, "ok", asked.inside.then(|| app.about.live(true, app.settings.heartbeat_limit))),
        Probe::Ready => match outcome_of(app).await {
            Some(report) if report.is_ready() => (true, "ready", asked.inside.then(|| report.details())),
            Some(report) => (false, "not ready", asked.inside.then(|| report.details())),
            None => (false, "not ready", None),
        },
    };
    let status = if good { StatusCode::OK } else { StatusCode::SERVICE_UNAVAILABLE };
    let (kind, text) = match details {
        Some(details) => ("application/json", Bytes::from(details)),
        None => ("text/plain; charset=utf-8", Bytes::from_static(word.as_bytes())),
    };
    let mut headers = HeaderMap::new();
    set(&mut headers, header::CONTENT_TYPE, HeaderValue::from_static(kind));
    respond(status, headers, Outgoing::new(Body::Once(text), None), asked.method == Method::HEAD)
}

async fn outcome_of<S>(app: &Arc<Sealed<S>>) -> Option<Arc<Report>> {
    match app.handlers.ready {
        Some(ready) => ready(app).await,
        None => None,
    }
}

/// The outcome of the current or last round, or of a new one. A round runs in a task, so that a prober that gives up
/// does not waste it.
pub(crate) fn ready<S: Send + Sync + 'static>(app: &Arc<Sealed<S>>) -> BoxFuture<Option<Arc<Report>>> {
    let round = match app.rounds.join(HOLDS) {
        Join::Wait(round) => round,
        Join::Run(tell, round) => {
            let run = Arc::clone(app);
            app.shared.tracker.spawn(Kind::Check, async move {
                let report = check_all(&run).await;
                if !report.is_ready() {
                    say::warn(format_args!("not ready: {}", report.failures()));
                }
                tell.send_replace(Some(Arc::new(report)));
            });
            round
        }
    };
    Box::pin(outcome(round))
}

/// Runs all checks concurrently, each with the time limit. A panic counts as a failure.
async fn check_all<S: Send + Sync + 'static>(app: &Arc<Sealed<S>>) -> Report {
    let limit = app.settings.ready_limit;
    let start = |at: usize| {
        let app = Arc::clone(app);
        let tracker = app.shared.tracker.clone();
        tracker.spawn_for(Kind::Check, async move {
            let (_, check) = &app.handlers.ready_checks[at];
            tokio::time::timeout(limit, check(Arc::clone(&app.shared.state))).await
        })
    };
    let running: Vec<_> = (0..app.handlers.ready_checks.len()).map(start).collect();
    let mut checks = Vec::with_capacity(running.len());
    for ((name, _), task) in app.handlers.ready_checks.iter().zip(running) {
        let outcome = match task.await {
            Some(Ok(Ok(()))) => Ok(()),
            Some(Ok(Err(error))) => Err(error.message().to_owned()),
            Some(Err(_)) => Err(format!("no answer within {limit:?}")),
            None => Err("the check panicked".to_owned()),
        };
        checks.push((*name, outcome));
    }
    Report::new(checks)
}
