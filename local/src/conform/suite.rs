//! A run of the cases, one after the other.

use std::time::{Duration, Instant};

use tokio_util::task::TaskTracker;

use super::bench::{Bench, Settings};
use super::case::{Case, Finding, Need, Outcome};

/// What came of a case.
#[derive(Debug)]
pub(crate) struct Verdict {
    pub(crate) case: &'static Case,
    pub(crate) ended: Ended,
    pub(crate) took: Duration,
}

#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Ended {
    Passed,
    /// What was seen.
    Failed(String),
    /// Why it was not checked.
    Skipped(String),
}

impl Verdict {
    /// Whether the program is no custom runtime because of this case.
    pub(crate) fn is_fatal(&self) -> bool {
        matches!(self.ended, Ended::Failed(_)) && self.case.need == Need::Must
    }
}

/// What is left out, and what must not be.
#[derive(Debug, Default)]
pub(crate) struct Choice {
    /// Ids that are skipped because the caller says so.
    pub(crate) skipped: Vec<String>,
    /// Whether what the program does not offer is a failure.
    pub(crate) requires_all: bool,
}

/// Runs the cases, and gives each verdict to `tell` as soon as it is known.
pub(crate) async fn run(
    settings: Settings,
    cases: &[&'static Case],
    choice: &Choice,
    tell: &mut dyn FnMut(Verdict),
) {
    let tasks = TaskTracker::new();
    let mut bench = Bench::new(settings, tasks);
    let mut has_tried = false;
    for case in cases {
        let begin = Instant::now();
        let ended = if choice.skipped.iter().any(|id| id == case.id) {
            Ended::Skipped("by --skip".to_owned())
        } else if has_tried && !bench.has_started {
            Ended::Skipped("the program has not started".to_owned())
        } else {
            has_tried = true;
            match checked(case, &mut bench).await {
                Ok(()) => Ended::Passed,
                Err(Finding::Absent(why)) if choice.requires_all => Ended::Failed(why),
                Err(Finding::Absent(why)) => Ended::Skipped(why),
                Err(Finding::Failed(what)) => {
                    // What the case has left behind must not fail the next one.
                    bench.end().await;
                    Ended::Failed(what)
                }
            }
        };
        tell(Verdict { case, ended, took: begin.elapsed() });
    }
    bench.end().await;
}

async fn checked(case: &Case, bench: &mut Bench) -> Outcome {
    if !case.route.is_empty() {
        bench.program().await?;
        bench.check_route(case.route).await?;
    }
    (case.run)(bench).await
}
