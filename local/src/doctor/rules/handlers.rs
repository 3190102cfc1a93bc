//! What the app takes, beside what the manifest lets through.

use super::sources::{HTTP_TRIGGER, WEB_HANDLER};
use crate::doctor::facts::{Facts, methods};
use crate::doctor::finding::{Finding, Level, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "events-not-taken",
        level: Level::Error,
        title: "A function with event triggers takes events.",
        why: "Events of timers, object stores, queues and others come as `POST /invoke`. The app has no event handler \
              (`.event(…)`), so it answers 404, and each event fails after its retries.",
        source: WEB_HANDLER,
        check: events_not_taken,
    },
    Rule {
        id: "trigger-type-not-taken",
        level: Level::Error,
        title: "The event handler takes what the trigger sends.",
        why: "The app's event handler takes a type of fc-events, which other kinds of triggers send. Their events cannot be \
              read, and fail after their retries.",
        source: WEB_HANDLER,
        check: trigger_type_not_taken,
    },
    Rule {
        id: "method-not-let-through",
        level: Level::Warning,
        title: "The trigger lets every method through that the app answers.",
        why: "A method that is not in `methods` gets 403 from the platform, and the function never sees the request.",
        source: HTTP_TRIGGER,
        check: method_not_let_through,
    },
];

fn events_not_taken(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let is_deaf =
            function.described.as_ref().is_some_and(|app| app.event.is_none() && !app.event_as_http);
        for (kind, trigger) in function.event_triggers().filter(|_| is_deaf) {
            let text = format!("the trigger sends events of `{kind}`, and the app has no event handler");
            let fix = ".event(async |event| …)";
            found.push(Finding::new(facts.at(function, trigger, "triggerType"), text, fix));
        }
    }
    found
}

fn trigger_type_not_taken(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let event = function.described.as_ref().and_then(|app| app.event.as_ref());
        let Some(event) = event.filter(|event| !event.triggers.is_empty()) else { continue };
        for (kind, trigger) in function.event_triggers() {
            if event.triggers.iter().any(|own| own == kind) {
                continue;
            }
            let name = event.name.as_deref().unwrap_or("a type of its own");
            let text = format!(
                "the trigger sends events of `{kind}`, and the app takes {name} ({})",
                event.triggers.join(", ")
            );
            let fix = "take the trigger's type, or any payload";
            found.push(Finding::new(facts.at(function, trigger, "triggerType"), text, fix));
        }
    }
    found
}

fn method_not_let_through(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let Some(app) = &function.described else { continue };
        for trigger in function.http_triggers() {
            let allowed = methods(trigger);
            let is_missing = |method: &&str| {
                // HEAD comes with GET, and OPTIONS with CORS, which another rule is about.
                !allowed.contains(method) && !matches!(*method, "HEAD" | "OPTIONS")
            };
            let mut missing: Vec<&str> =
                app.routes.iter().filter_map(|route| route.method.as_deref()).filter(is_missing).collect();
            missing.sort_unstable();
            missing.dedup();
            if !missing.is_empty() && !allowed.is_empty() {
                let text =
                    format!("the app answers {}, which the trigger refuses with 403", missing.join(", "));
                let fix = format!("methods: [{}, {}]", allowed.join(", "), missing.join(", "));
                found.push(Finding::new(facts.at(function, trigger, "methods"), text, fix));
            }
        }
    }
    found
}
