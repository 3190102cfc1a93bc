//! Health checks.

use super::sources::{AFTER_499, HEALTH};
use crate::doctor::facts::{Described, Facts, Function, Route};
use crate::doctor::finding::{Finding, Level, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "replaced-after-cancel",
        level: Level::Warning,
        title: "A web function with one call at a time has a health check.",
        why: "When a client leaves before the reply, the platform counts 499. An instance that takes one call at a time and \
              has no health check is then replaced: every impatient client costs a cold start. With a health check of its \
              own, only that check decides. A higher `instanceConcurrency` has the same effect.",
        source: AFTER_499,
        check: replaced_after_cancel,
    },
    Rule {
        id: "health-path-not-answered",
        level: Level::Error,
        title: "The health check's path is answered.",
        why: "A check is passed by a status of 200 to 399 within its time-out. The first check of an instance belongs to its \
              start: where it fails, no instance ever takes a call.",
        source: HEALTH,
        check: health_path_not_answered,
    },
    Rule {
        id: "health-check-impatient",
        level: Level::Warning,
        title: "A health check waits until the server can answer it.",
        why: "The first check decides over the start of an instance, and it comes right after the initializer. With \
              `failureThreshold: 1` one slow answer, such as after a thaw, takes an instance out of service.",
        source: HEALTH,
        check: health_check_impatient,
    },
];

fn config(function: &Function) -> &'static str {
    if function.is_container() { "customContainerConfig" } else { "customRuntimeConfig" }
}

fn replaced_after_cancel(facts: &Facts) -> Vec<Finding> {
    let is_replaced = |function: &&Function| {
        // Of functions with a GPU, no instance is replaced.
        function.is_custom()
            && !function.has("gpuConfig")
            && facts.is_web(function)
            && function.concurrency() == 1
            && function.get(&[config(function), "healthCheckConfig"]).is_none()
    };
    let finding = |function: &Function| {
        let place = facts.key(function, &["instanceConcurrency"]);
        let text =
            "one call at a time and no health check: each client that leaves early has the instance replaced";
        let fix = format!("{}:\n  healthCheckConfig:\n    httpGetUrl: /healthz", config(function));
        Finding::new(place, text, fix)
    };
    facts.functions.iter().filter(is_replaced).map(finding).collect()
}

fn health_path_not_answered(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let keys = [config(function), "healthCheckConfig", "httpGetUrl"];
        let Some(path) = function.text(&keys) else { continue };
        let answer = function.server.as_ref().and_then(|server| server.health.as_ref());
        let told = match (answer, &function.described) {
            (Some(answer), _) if matches!(answer.status, Ok(200..=399)) => continue,
            (Some(answer), _) => answer.told(),
            (None, Some(app)) if !may_answer(app, path) => "is no route of the app".to_owned(),
            (None, _) => continue,
        };
        let text = format!("`GET {path}` {told}, so no instance is ever healthy");
        let fix = "answer the path with 200, or name the one that is answered";
        found.push(Finding::new(facts.key(function, &keys), text, fix));
    }
    found
}

/// Whether an app answers a path: by its own check, or by a route.
fn may_answer(app: &Described, path: &str) -> bool {
    let path = path.split('?').next().unwrap_or(path);
    let of_route = |route: &Route| {
        let is_asked = route.method.as_deref().is_none_or(|method| method == "GET");
        is_asked && fits(&route.pattern, path)
    };
    app.health_path == path || app.routes.iter().any(of_route)
}

/// Whether a route's pattern may be the path's. `{name}` is a part, `{*name}` the rest.
fn fits(pattern: &str, path: &str) -> bool {
    let mut parts = path.split('/');
    for expected in pattern.split('/') {
        if expected.contains("{*") {
            return true;
        }
        let Some(part) = parts.next() else { return false };
        if part != expected && !expected.contains('{') {
            return false;
        }
    }
    parts.next().is_none()
}

fn health_check_impatient(facts: &Facts) -> Vec<Finding> {
    let is_impatient = |function: &&Function| {
        function.integer(&[config(function), "healthCheckConfig", "failureThreshold"]) == Some(1)
    };
    let finding = |function: &Function| {
        let place = facts.key(function, &[config(function), "healthCheckConfig", "failureThreshold"]);
        let text = "one failed check takes the instance out of service";
        Finding::new(place, text, "failureThreshold: 3")
    };
    facts.functions.iter().filter(is_impatient).map(finding).collect()
}
