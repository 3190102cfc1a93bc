//! Asynchronous calls.

use super::sources::{ASYNC, DESTINATIONS};
use crate::doctor::facts::{Facts, Function};
use crate::doctor::finding::{Finding, Level, Rule};
use crate::manifest::Node;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "failures-go-nowhere",
        level: Level::Warning,
        title: "Failed asynchronous calls end somewhere.",
        why: "A call that fails after its retries is gone, unless `destinationConfig.onFailure` sends it to a queue, a topic, \
              a bus or a function, or `asyncTask: true` keeps a record of it for seven days.",
        source: DESTINATIONS,
        check: failures_go_nowhere,
    },
    Rule {
        id: "event-age-below-timeout",
        level: Level::Warning,
        title: "An asynchronous call may wait as long as another one runs.",
        why: "`maxAsyncEventAgeInSeconds` counts from acceptance to the moment a call is taken from the queue. Where a call \
              may run longer than that, those behind it expire unseen while every instance is busy.",
        source: ASYNC,
        check: event_age_below_timeout,
    },
    Rule {
        id: "destination-is-itself",
        level: Level::Error,
        title: "The outcome of a call does not call the same function.",
        why: "Each outcome is an event for the destination. A function that is its own destination is called for ever, and \
              each call is paid.",
        source: DESTINATIONS,
        check: destination_is_itself,
    },
];

fn config(function: &Function) -> Option<&Node> {
    function.get(&["asyncInvokeConfig"])
}

fn destination<'a>(function: &'a Function, outcome: &str) -> Option<&'a str> {
    function.text(&["asyncInvokeConfig", "destinationConfig", outcome, "destination"])
}

fn failures_go_nowhere(facts: &Facts) -> Vec<Finding> {
    let loses = |function: &&Function| {
        config(function).is_some_and(|config| !config.child("asyncTask").is_some_and(Node::is_true))
            && destination(function, "onFailure").is_none()
    };
    let finding = |function: &Function| {
        let text = "a call that fails after its retries is lost: there is no `onFailure`, and it is no task";
        let fix = "asyncTask: true";
        Finding::new(facts.key(function, &["asyncInvokeConfig"]), text, fix)
    };
    facts.functions.iter().filter(loses).map(finding).collect()
}

fn event_age_below_timeout(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let path = ["asyncInvokeConfig", "maxAsyncEventAgeInSeconds"];
        let Some(age) = function.integer(&path).filter(|age| *age < function.timeout()) else { continue };
        let timeout = function.timeout();
        let text = format!("a call may run {timeout} s, and one that waits for it expires after {age} s");
        found.push(Finding::new(
            facts.key(function, &path),
            text,
            format!("maxAsyncEventAgeInSeconds: {}", timeout.max(3600)),
        ));
    }
    found
}

fn destination_is_itself(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        for outcome in ["onSuccess", "onFailure"] {
            let Some(destination) = destination(function, outcome) else { continue };
            let own =
                destination.split_once("functions/").map(|(_, name)| name.split('/').next().unwrap_or(name));
            if own == Some(function.name.as_str()) {
                let place =
                    facts.key(function, &["asyncInvokeConfig", "destinationConfig", outcome, "destination"]);
                found.push(Finding::new(
                    place,
                    "the function is its own destination, and calls itself for ever",
                    "name another function",
                ));
            }
        }
    }
    found
}
