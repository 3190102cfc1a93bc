//! Time-outs, and how many calls share an instance.

use super::sources::{LIMITS, WEB_FUNCTION};
use crate::doctor::facts::Facts;
use crate::doctor::finding::{Finding, Level, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "default-timeout",
        level: Level::Warning,
        title: "A function says how long a call may take.",
        why: "Without `timeout` the deployment tool and the API give a function 3 seconds, a cold start not counted. A call \
              that takes longer ends with 502, and so does a WebSocket, a stream or a gRPC call that is still open. The \
              console suggests 60 seconds, so a function made there behaves otherwise.",
        source: WEB_FUNCTION,
        check: default_timeout,
    },
    Rule {
        id: "default-concurrency",
        level: Level::Note,
        title: "A web function says how many calls share an instance.",
        why: "Without `instanceConcurrency` each instance takes one call at a time: ten clients at once are ten instances \
              and ten cold starts, and ten times the price. A server in Rust handles many calls at once; up to 200 are \
              allowed. If one at a time is meant, write `instanceConcurrency: 1`.",
        source: LIMITS,
        check: default_concurrency,
    },
    Rule {
        id: "hook-timeout-over-limit",
        level: Level::Error,
        title: "A hook's time-out is within the platform's limit.",
        why: "An initializer may take 300 seconds, a pre-stop hook 90. The schema of the deployment tool takes any number, \
              and the API refuses it at the end of a deployment.",
        source: LIMITS,
        check: hook_timeout_over_limit,
    },
];

fn default_timeout(facts: &Facts) -> Vec<Finding> {
    let without = facts.functions.iter().filter(|function| !function.has("timeout"));
    let finding = |function| {
        let text = "there is no `timeout`, so each call ends after 3 s";
        Finding::new(facts.of(function), text, "timeout: 60")
    };
    without.map(finding).collect()
}

fn default_concurrency(facts: &Facts) -> Vec<Finding> {
    let without = facts.functions.iter().filter(|function| {
        function.is_custom() && facts.is_web(function) && !function.has("instanceConcurrency")
    });
    let finding = |function| {
        let text = "there is no `instanceConcurrency`, so each call needs an instance for itself";
        Finding::new(facts.of(function), text, "instanceConcurrency: 20")
    };
    without.map(finding).collect()
}

fn hook_timeout_over_limit(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        for (hook, most) in [("initializer", 300), ("preStop", 90)] {
            let Some(seconds) = function.hook_seconds(hook).filter(|seconds| *seconds > most) else {
                continue;
            };
            let place = facts.key(function, &["instanceLifecycleConfig", hook, "timeout"]);
            let text = format!("`{hook}` may take {seconds} s here; the platform allows {most} s");
            found.push(Finding::new(place, text, format!("timeout: {most}")));
        }
    }
    found
}
