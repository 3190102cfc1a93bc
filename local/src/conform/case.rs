//! A case: what is required, by which document, and what came of it.

use std::fmt::Display;
use std::io;
use std::pin::Pin;

use super::bench::Bench;
use super::sources::Source;

/// What is checked from outside, once.
#[derive(Debug)]
pub(crate) struct Case {
    /// Unique, in kebab-case; its first word is the subject.
    pub(crate) id: &'static str,
    /// What the program has to have for it, as docs/conform.md names it. Empty where nothing is needed.
    pub(crate) route: &'static str,
    /// What holds when the case passes. It has no `#` and no backslash: readers of TAP differ on both.
    pub(crate) title: &'static str,
    pub(crate) need: Need,
    pub(crate) source: Source,
    /// What to do when it fails.
    pub(crate) advice: &'static str,
    pub(super) run: for<'a> fn(&'a mut Bench) -> Running<'a>,
}

/// How much depends on a case.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Need {
    /// Without it calls fail on the platform.
    Must,
    /// Without it something is lost: time, data at a stop, a figure in the platform's metrics.
    Should,
}

impl Need {
    pub(crate) fn word(self) -> &'static str {
        match self {
            Need::Must => "MUST",
            Need::Should => "SHOULD",
        }
    }
}

/// A case under way.
pub(super) type Running<'a> = Pin<Box<dyn Future<Output = Outcome> + 'a>>;

/// What came of a case that ran.
pub(super) type Outcome<T = ()> = Result<T, Finding>;

/// Why a case has not passed.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Finding {
    /// What was seen instead.
    Failed(String),
    /// Why it could not be checked.
    Absent(String),
}

impl From<io::Error> for Finding {
    fn from(error: io::Error) -> Self {
        Finding::Failed(error.to_string())
    }
}

/// What was seen, where it is not what is required.
pub(super) fn seen<T>(text: impl Display) -> Outcome<T> {
    Err(Finding::Failed(text.to_string()))
}

/// Fails with `text` unless `holds`.
pub(super) fn check(holds: bool, text: impl FnOnce() -> String) -> Outcome {
    if holds { Ok(()) } else { Err(Finding::Failed(text())) }
}
