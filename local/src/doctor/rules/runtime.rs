//! The start of the program.

use super::sources::STARTS;
use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Level, Rule};

pub(super) const RULES: &[Rule] = &[Rule {
    id: "does-not-start",
    level: Level::Error,
    title: "The program starts, and listens where the platform looks.",
    why: "An instance has 120 seconds until its port answers: the one of `customRuntimeConfig.port`, 9000 without one, at \
          all addresses (0.0.0.0), not at 127.0.0.1 alone. Where a program ends, or listens elsewhere, calls get 412 \
          `CAExited` or `FunctionNotStarted`.",
    source: STARTS,
    check: does_not_start,
}];

fn does_not_start(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let Some(why) = function.server.as_ref().and_then(|server| server.failure.as_ref()) else { continue };
        let address = function.server.as_ref().map(|server| server.address.as_str()).unwrap_or_default();
        let text = if address.is_empty() {
            format!("the function does not start: {why}")
        } else {
            format!("{address} is not answered: {why}")
        };
        let fix = "start the program by itself, and look at what it prints";
        found.push(Finding::new(facts.key(function, &["customRuntimeConfig", "port"]), text, fix));
    }
    found
}
