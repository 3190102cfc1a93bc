//! Health: whether the executor turns, and whether what the app depends on is there.

use std::fmt::Write as _;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant};

use tokio::sync::watch;

use crate::json::Object;

/// Whether the executor turns: it is asked when a probe comes, and is alive while its last answer is not overdue.
///
/// Nothing ticks while nobody probes, so an idle or frozen instance does not wake up for it.
#[derive(Debug, Default)]
pub(crate) struct Heartbeat {
    asked: Mutex<Option<Instant>>,
}

impl Heartbeat {
    /// Whether the executor is alive. `ask` is called when it has to be asked anew; it leads to `answer`.
    pub(crate) fn is_alive(&self, limit: Duration, ask: impl FnOnce()) -> bool {
        let mut asked = lock(&self.asked);
        if let Some(since) = *asked {
            return since.elapsed() < limit;
        }
        *asked = Some(Instant::now());
        drop(asked);
        ask();
        true
    }

    /// Called on the executor.
    pub(crate) fn answer(&self) {
        *lock(&self.asked) = None;
    }
}

/// What those inside the instance are told beside "ok".
#[derive(Debug)]
pub(crate) struct About {
    pub(crate) started: Instant,
    pub(crate) version: Option<String>,
    pub(crate) commit: Option<String>,
    pub(crate) checks: Vec<&'static str>,
}

impl About {
    pub(crate) fn live(&self, alive: bool, limit: Duration) -> String {
        let status = if alive { "ok" } else { "the executor does not answer" };
        let mut about = Object::new();
        about.text("status", status);
        about.value("uptime_s", self.started.elapsed().as_secs());
        for (name, value) in [("version", &self.version), ("commit", &self.commit)] {
            match value {
                Some(value) => about.text(name, value),
                None => about.value(name, "null"),
            }
        }
        about.texts("ready_checks", self.checks.iter().copied());
        about.value("heartbeat_limit_s", limit.as_secs_f64());
        about.end()
    }
}

/// The last round of ready checks: one runs at a time, and its outcome holds for a while.
#[derive(Debug, Default)]
pub(crate) struct Rounds {
    last: Mutex<Option<watch::Receiver<Option<Arc<Report>>>>>,
}

/// How one round ended.
#[derive(Debug)]
pub(crate) struct Report {
    at: Instant,
    pub(crate) checks: Vec<(&'static str, Result<(), String>)>,
}

/// What a caller has to do.
pub(crate) enum Join {
    /// Run the checks, and tell the outcome.
    Run(watch::Sender<Option<Arc<Report>>>, watch::Receiver<Option<Arc<Report>>>),
    /// Somebody runs them, or has just done so.
    Wait(watch::Receiver<Option<Arc<Report>>>),
}

impl Rounds {
    pub(crate) fn join(&self, holds: Duration) -> Join {
        let mut last = lock(&self.last);
        if let Some(round) = &*last {
            let usable = match &*round.borrow() {
                Some(report) => report.at.elapsed() < holds,
                // Still running, unless its task was dropped.
                None => round.has_changed().is_ok(),
            };
            if usable {
                return Join::Wait(round.clone());
            }
        }
        let (tell, round) = watch::channel(None);
        *last = Some(round.clone());
        Join::Run(tell, round)
    }
}

impl Report {
    pub(crate) fn new(checks: Vec<(&'static str, Result<(), String>)>) -> Self {
        Self { at: Instant::now(), checks }
    }

    pub(crate) fn is_ready(&self) -> bool {
        self.checks.iter().all(|(_, outcome)| outcome.is_ok())
    }

    /// For those inside the instance.
    pub(crate) fn details(&self) -> String {
        let mut checks = Object::new();
        for (name, outcome) in &self.checks {
            checks.text(name, outcome.as_ref().err().map_or("ok", String::as_str));
        }
        let mut report = Object::new();
        report.value("ready", self.is_ready());
        report.value("checks", checks.end());
        report.end()
    }

    /// For the log: what is wrong.
    pub(crate) fn failures(&self) -> String {
        let mut text = String::new();
        for (name, outcome) in &self.checks {
            if let Err(error) = outcome {
                let _ = write!(text, "{}{name}: {error}", if text.is_empty() { "" } else { "; " });
            }
        }
        text
    }
}

/// Waits for a round's outcome; `None` when it was dropped.
pub(crate) async fn outcome(mut round: watch::Receiver<Option<Arc<Report>>>) -> Option<Arc<Report>> {
    round.wait_for(Option::is_some).await.ok().and_then(|report| report.clone())
}

fn lock<T>(of: &Mutex<T>) -> MutexGuard<'_, T> {
    of.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_executor_is_alive_until_an_answer_is_overdue() {
        let heartbeat = Heartbeat::default();
        let mut asked = 0;
        assert!(heartbeat.is_alive(Duration::from_secs(10), || asked += 1));
        assert!(heartbeat.is_alive(Duration::from_secs(10), || asked += 1));
        assert_eq!(asked, 1, "it is asked once until it answers");
        assert!(!heartbeat.is_alive(Duration::ZERO, || asked += 1));
        heartbeat.answer();
        assert!(heartbeat.is_alive(Duration::ZERO, || asked += 1));
        assert_eq!(asked, 2);
    }

    #[tokio::test]
    async fn one_round_runs_at_a_time_and_holds_for_a_while() {
        let rounds = Rounds::default();
        let Join::Run(tell, _) = rounds.join(Duration::from_secs(1)) else {
            panic!("the first has to run it")
        };
        let Join::Wait(round) = rounds.join(Duration::from_secs(1)) else { panic!("the second has to wait") };
        tell.send_replace(Some(Arc::new(Report::new(vec![("database", Err("down".to_owned()))]))));
        let report = outcome(round).await.unwrap();
        assert!(!report.is_ready());
        assert_eq!(report.failures(), "database: down");
        assert!(matches!(rounds.join(Duration::from_secs(60)), Join::Wait(_)));
        assert!(matches!(rounds.join(Duration::ZERO), Join::Run(..)));
    }

    #[test]
    fn a_round_that_was_dropped_is_run_again() {
        let rounds = Rounds::default();
        drop(rounds.join(Duration::from_secs(1)));
        assert!(matches!(rounds.join(Duration::from_secs(1)), Join::Run(..)));
    }
}
