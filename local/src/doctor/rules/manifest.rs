//! What the reader of the manifest says, and what is allowed in it.

use super::sources::{TOOL, TOOL_RUN};
use crate::doctor::allow;
use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Level, Rule};
use crate::manifest::{Matters, Problem};

/// The rule that every other one says better, where both find the same.
pub(crate) const MANIFEST: &str = "manifest";
/// The rule about values that do not reach the component, whose absence the reader may report too.
pub(crate) const VALUE_LOST: &str = "value-lost";

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: MANIFEST,
        level: Level::Error,
        title: "The manifest is one that the deployment tool and the platform take.",
        why: "Wrong values and types, missing keys, unknown words, expressions without a value, an edition other than 3.0.0. \
              `s deploy` checks little of that: its own check writes to a debug log, and most is refused by the API at the \
              end. `s verify` ends with 0 for a file without an edition.",
        source: TOOL,
        check: manifest,
    },
    Rule {
        id: VALUE_LOST,
        level: Level::Warning,
        title: "Each key and value reaches the platform.",
        why: "The deployment tool drops keys that its component does not know, makes an empty map of a date without quotes, \
              and leaves an expression as it is that needs a third replacement. None of that is told.",
        source: TOOL_RUN,
        check: value_lost,
    },
    Rule {
        id: "allow-without-reason",
        level: Level::Warning,
        title: "What is allowed has a reason and an id.",
        why: "`# doctor: allow ID: reason` on a line, or above it, keeps a finding there quiet; `x-local.doctor.allow` does so \
              for a resource or for the file: a map of ids and reasons. Without a reason, or with an id that no rule has, \
              nothing is allowed.",
        source: "fc-local doctor: docs/doctor.md",
        check: allow_without_reason,
    },
];

fn each(facts: &Facts, is_found: impl Fn(&Problem) -> bool) -> Vec<Finding> {
    let found = facts.problems.iter().filter(|problem| is_found(problem)).map(|problem| {
        let key = problem.text.split('`').nth(1).unwrap_or_default();
        Finding::new(facts.manifest.place(problem.line, key, None), problem.text.clone(), "")
    });
    let mut all: Vec<Finding> = Vec::new();
    for finding in found {
        if !all.contains(&finding) {
            all.push(finding);
        }
    }
    all
}

fn manifest(facts: &Facts) -> Vec<Finding> {
    each(facts, |problem| match problem.matters {
        Matters::Refused => true,
        Matters::Usually => problem.fatal,
        Matters::Here | Matters::Lost => false,
    })
}

fn value_lost(facts: &Facts) -> Vec<Finding> {
    each(facts, |problem| problem.matters == Matters::Lost)
}

fn allow_without_reason(facts: &Facts) -> Vec<Finding> {
    let wrong = allow::of(facts).into_iter().filter_map(|allow| {
        let text = allow.mistake()?;
        Some(Finding::new(allow.place, text, "# doctor: allow ID: reason"))
    });
    wrong.collect()
}
