//! A rule, and what is found by it.

use std::path::PathBuf;

use super::facts::Facts;

/// How much a finding matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Level {
    /// Calls or deployments fail.
    Error,
    /// It works, until it bites.
    Warning,
    /// To be known, and to be decided.
    Note,
}

impl Level {
    /// The word for people, for JSON and for SARIF.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Level::Error => "error",
            Level::Warning => "warning",
            Level::Note => "note",
        }
    }
}

/// One rule. Its id stays as it is: files name it.
#[derive(Debug)]
pub(crate) struct Rule {
    pub(crate) id: &'static str,
    pub(crate) level: Level,
    /// The rule in one sentence.
    pub(crate) title: &'static str,
    /// What happens on the platform, and what to do.
    pub(crate) why: &'static str,
    /// The document that says so, with its section.
    pub(crate) source: &'static str,
    pub(super) check: fn(&Facts) -> Vec<Finding>,
}

/// Something that a rule found.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Finding {
    pub(crate) place: Place,
    /// What is wrong, and what follows from it.
    pub(crate) text: String,
    /// The lines to write, or what to do. May be empty.
    pub(crate) fix: String,
}

impl Finding {
    pub(super) fn new(place: Place, text: impl Into<String>, fix: impl Into<String>) -> Self {
        Finding { place, text: text.into(), fix: fix.into() }
    }
}

/// Where something stands.
#[derive(Debug, Clone, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) struct Place {
    pub(crate) file: PathBuf,
    /// Counted from 1.
    pub(crate) line: usize,
    /// In characters, counted from 1.
    pub(crate) column: usize,
    /// The resource of the manifest, if it is in one.
    pub(crate) resource: Option<String>,
}
