//! Where logs go.

use super::sources::LOGS;
use crate::doctor::facts::{Facts, Function};
use crate::doctor::finding::{Finding, Level, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "no-log-config",
    level: Level::Warning,
    title: "A function's lines go somewhere.",
    why: "Without `logConfig` the platform keeps nothing of what a function prints: a failure in production leaves no \
          trace, and no metric of single calls exists. `logConfig: auto` has the deployment tool make a project and a store; \
          both are billed by what is written.",
    source: LOGS,
    check: no_log_config,
}];

fn no_log_config(facts: &Facts) -> Vec<Finding> {
    let without = |function: &&Function| !function.has("logConfig");
    let finding = |function: &Function| {
        let text = "there is no `logConfig`: what the function prints is kept nowhere";
        Finding::new(facts.of(function), text, "logConfig: auto")
    };
    facts.functions.iter().filter(without).map(finding).collect()
}
