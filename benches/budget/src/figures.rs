//! What was measured.

use std::collections::BTreeMap;

use crate::subjects::Subject;

/// What a number counts.
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Measure {
    Instructions,
    InstructionsOnFc,
    Allocations,
    AllocationsOfProcess,
    Syscalls,
    Writes,
    HeapPerConnection,
    RssPerConnection,
    StartInstructions,
    StartFaults,
    StartWall,
    IdleRss,
    Size,
    Crates,
    BuildSeconds,
}

pub(crate) const MEASURES: [Measure; 15] = [
    Measure::Instructions,
    Measure::InstructionsOnFc,
    Measure::Allocations,
    Measure::AllocationsOfProcess,
    Measure::Syscalls,
    Measure::Writes,
    Measure::HeapPerConnection,
    Measure::RssPerConnection,
    Measure::StartInstructions,
    Measure::StartFaults,
    Measure::StartWall,
    Measure::IdleRss,
    Measure::Size,
    Measure::Crates,
    Measure::BuildSeconds,
];

impl Measure {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Instructions => "instructions per request",
            Self::InstructionsOnFc => "instructions per request with the platform's headers",
            Self::Allocations => "allocations per request",
            Self::AllocationsOfProcess => "allocations per request, whole process",
            Self::Syscalls => "system calls per request",
            Self::Writes => "of these, writes to stdout",
            Self::HeapPerConnection => "heap per idle connection, B",
            Self::RssPerConnection => "RSS per idle connection, B",
            Self::StartInstructions => "start to first 200, instructions",
            Self::StartFaults => "start to first 200, page faults",
            Self::StartWall => "start to first 200, ms (minimum of 15)",
            Self::IdleRss => "idle RSS, kB",
            Self::Size => "stripped binary, kB",
            Self::Crates => "crates in the tree",
            Self::BuildSeconds => "clean release build, s",
        }
    }

    pub(crate) fn decimals(self) -> usize {
        match self {
            Self::Allocations
            | Self::AllocationsOfProcess
            | Self::Syscalls
            | Self::Writes
            | Self::StartWall => 2,
            Self::BuildSeconds => 1,
            _ => 0,
        }
    }
}

#[derive(Debug, Default)]
pub(crate) struct Figures(BTreeMap<(Measure, Subject), f64>);

impl Figures {
    pub(crate) fn set(&mut self, measure: Measure, subject: Subject, value: f64) {
        self.0.insert((measure, subject), value);
    }

    pub(crate) fn of(&self, measure: Measure, subject: Subject) -> Option<f64> {
        self.0.get(&(measure, subject)).copied()
    }

    pub(crate) fn has(&self, measure: Measure) -> bool {
        self.0.keys().any(|(known, _)| *known == measure)
    }

    pub(crate) fn has_subject(&self, subject: Subject) -> bool {
        self.0.keys().any(|(_, known)| *known == subject)
    }
}
