//! A row: a question that is asked of several servers side by side, and a section of the report.

use crate::Outcome;
use crate::figures::Figures;
use crate::measure::Measure;
use crate::process::Bench;

pub(crate) struct Row {
    /// On the command line.
    pub(crate) name: &'static str,
    pub(crate) title: &'static str,
    /// How it is taken.
    pub(crate) about: &'static str,
    /// The columns of its table.
    pub(crate) measures: &'static [&'static Measure],
    /// Those of which a plot is drawn.
    pub(crate) plots: &'static [&'static Measure],
    /// Whether `--ci` takes it: counts, and quickly.
    pub(crate) ci: bool,
    pub(crate) take: fn(&Bench, &mut Figures) -> Outcome<()>,
}

/// A picture of a row: its measures as the points of a line for each server.
pub(crate) struct Curves {
    pub(crate) row: &'static Row,
    pub(crate) file: &'static str,
    /// What the points stand along, and what they are.
    pub(crate) along: &'static str,
    pub(crate) unit: &'static str,
    pub(crate) points: &'static [(u16, &'static Measure)],
}
