//! Problems: errors and notes about a manifest, with their lines.

use std::fmt;
use std::path::{Path, PathBuf};

use crate::event::Remark;

/// One problem, with its line. [`ManifestError`] shows how problems are read.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Problem {
    /// The line, counted from 1.
    pub line: usize,
    /// The file, if the problem is not the manifest's own.
    pub file: Option<PathBuf>,
    /// Whether the problem keeps the functions from starting.
    pub fatal: bool,
    /// The mistake, and what to do about it.
    pub text: String,
    /// The variable that has no value because of the problem.
    pub(crate) variable: Option<String>,
    pub(crate) matters: Matters,
}

/// To whom a problem matters.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Matters {
    /// To functions on this machine, and to a deployment if the problem is fatal.
    Usually,
    /// To this machine alone: a deployment takes the file.
    Here,
    /// To a deployment: the tool refuses the file, though nothing here needs what is wrong.
    Refused,
    /// To a deployment: the tool passes a value over without a word, or takes it for another.
    Lost,
}

impl Problem {
    pub(crate) fn error(line: usize, text: impl Into<String>) -> Self {
        Problem {
            line,
            file: None,
            fatal: true,
            text: text.into(),
            variable: None,
            matters: Matters::Usually,
        }
    }

    /// The problem as part of an event.
    pub(crate) fn remark(&self) -> Remark {
        match &self.file {
            None => Remark { line: self.line, text: self.text.clone() },
            // The event names the manifest; which line of the manifest led to the file is not known here.
            Some(file) => {
                Remark { line: 1, text: format!("{}:{}: {}", file.display(), self.line, self.text) }
            }
        }
    }

    pub(crate) fn in_file(self, file: &Path) -> Self {
        Problem { file: Some(file.to_owned()), ..self }
    }

    /// The problem with its place: `manifest` is the file of problems that name none.
    pub(crate) fn placed(&self, manifest: &Path) -> String {
        let file = self.file.as_deref().unwrap_or(manifest);
        format!("{}:{}: {}", file.display(), self.line, self.text)
    }

    pub(crate) fn note(line: usize, text: impl Into<String>) -> Self {
        Problem {
            line,
            file: None,
            fatal: false,
            text: text.into(),
            variable: None,
            matters: Matters::Usually,
        }
    }

    /// A problem that a deployment does not have.
    pub(crate) fn here(line: usize, text: impl Into<String>) -> Self {
        Problem { matters: Matters::Here, ..Problem::error(line, text) }
    }

    /// A value that a deployment passes over, or takes for another.
    pub(crate) fn lost(line: usize, text: impl Into<String>) -> Self {
        Problem { matters: Matters::Lost, ..Problem::note(line, text) }
    }
}

/// Everything that keeps a manifest from being used, and beside it the notes about the manifest, marked as such.
///
/// ```
/// use fc_local::Manifest;
///
/// let error = Manifest::load("there-is-none.yaml".as_ref()).unwrap_err();
/// assert!(error.problems[0].fatal);
/// assert!(error.to_string().contains("there-is-none.yaml:1: "), "{error}");
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub struct ManifestError {
    /// The file.
    pub file: PathBuf,
    /// All problems of the manifest, fatal or not.
    pub problems: Vec<Problem>,
}

impl ManifestError {
    pub(crate) fn new(file: &Path, problems: Vec<Problem>) -> Self {
        ManifestError { file: file.to_owned(), problems }
    }
}

impl fmt::Display for ManifestError {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        let mut separator = "";
        for problem in &self.problems {
            let kind = if problem.fatal { "" } else { "note: " };
            let file = problem.file.as_deref().unwrap_or(&self.file);
            write!(out, "{separator}{}:{}: {kind}{}", file.display(), problem.line, problem.text)?;
            separator = "\n";
        }
        Ok(())
    }
}

impl std::error::Error for ManifestError {}
