//! The drain: requests in flight are finished under a deadline; the rest is cut and counted.

use std::fmt::Write as _;
use std::sync::Arc;
use std::task::Context;
use std::time::Duration;

use crate::log::{AccessLog, say};
use crate::sealed::Sealed;
use crate::serve::signal::Signals;
use crate::watched::{Observer, Watched};

/// The stage of the stop.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Stage {
    Serving,
    /// Requests in flight are finished, new ones are refused.
    Draining,
    /// Connections close now.
    Cutting,
}

/// Announces the stage of the stop to every connection.
#[derive(Default)]
pub(crate) struct Drain(Watched);

impl Drain {
    /// Creates observers, on the door's thread too.
    pub(crate) fn observers(&self) -> DrainObservers {
        DrainObservers(self.0.clone())
    }

    /// Waits for requests in flight until the deadline. The deadline or a second signal cuts the rest.
    pub(crate) async fn run<S: Send + Sync + 'static>(&self, app: &Arc<Sealed<S>>, mut signals: Signals) {
        let tracker = &app.shared.tracker;
        self.advance(Stage::Draining);
        app.shared.stops.announce_last();
        let deadline = app.settings.drain;
        let idle = within(deadline, tracker.idle(), signals.first()).await;
        if let Err(why) = idle {
            let mut left = String::new();
            for (kind, count) in tracker.running().filter(|(_, count)| *count > 0) {
                let _ = write!(left, " {count} {kind}");
            }
            say::warn(format_args!("{why}: cutting{left}"));
            app.shared.counts.start_cutting();
            self.advance(Stage::Cutting);
            // Connections drop their requests at once. Tasks of the author end with the runtime.
            let _ = tokio::time::timeout(Duration::from_millis(100), tracker.idle()).await;
            cut_rest(app);
        }
        say_stopped(app);
    }

    pub(super) fn advance(&self, stage: Stage) {
        self.0.update(|_| stage as u64);
    }
}

/// Counts and records the requests that are still in flight when the process ends.
pub(crate) fn cut_rest<S>(app: &Sealed<S>) {
    app.shared.counts.cut_rest(app.settings.access_log != AccessLog::Off);
}

/// Logs the end. The numbers are fields, so that operators can sum them.
pub(crate) fn say_stopped<S>(app: &Sealed<S>) {
    let counters = app.shared.counters();
    tracing::info!(
        target: "fc_runtime",
        finished = counters.finished,
        cancelled = counters.cancelled,
        cut = counters.cut,
        "stopped"
    );
}

/// If the embedder drops the future of `serve`, every connection closes.
impl Drop for Drain {
    fn drop(&mut self) {
        self.advance(Stage::Cutting);
    }
}

async fn within(
    deadline: Duration,
    idle: impl Future<Output = ()>,
    signal: impl Future<Output = &'static str>,
) -> Result<(), String> {
    let mut idle = std::pin::pin!(idle);
    let mut signal = std::pin::pin!(signal);
    let first = std::future::poll_fn(|cx| {
        if idle.as_mut().poll(cx).is_ready() {
            return std::task::Poll::Ready(Ok(()));
        }
        signal.as_mut().poll(cx).map(|signal| Err(format!("a second signal, {signal}")))
    });
    tokio::time::timeout(deadline, first)
        .await
        .unwrap_or_else(|_| Err(format!("the drain deadline of {deadline:?} has passed")))
}

/// Creates an observer for each connection.
pub(crate) struct DrainObservers(Watched);

impl DrainObservers {
    pub(crate) fn observe(&self) -> DrainObserver {
        DrainObserver(self.0.observe())
    }
}

/// The stage of the stop, as one connection sees it.
pub(crate) struct DrainObserver(Observer);

impl DrainObserver {
    /// The current stage. A change wakes the task.
    pub(crate) fn stage(&mut self, cx: &Context<'_>) -> Stage {
        match self.0.look(cx) {
            0 => Stage::Serving,
            1 => Stage::Draining,
            _ => Stage::Cutting,
        }
    }
}
