//! Lifecycle hooks.

use super::sources::{HOOK_STATUSES, HOOKS};
use crate::doctor::facts::{Answer, Facts, Function};
use crate::doctor::finding::{Finding, Level, Rule};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "initializer-not-answered",
        level: Level::Error,
        title: "A configured initializer is answered.",
        why: "The platform sends `POST /initialize` to each new instance. A status outside 200 to 299 is a failure: the \
              instance is destroyed and another one tried, and after a 5xx for ever. An app of fc-runtime answers the hook \
              by itself.",
        source: HOOK_STATUSES,
        check: initializer_not_answered,
    },
    Rule {
        id: "pre-stop-not-answered",
        level: Level::Warning,
        title: "A configured pre-stop hook is answered.",
        why: "The platform sends `GET /pre-stop` before an instance is frozen or destroyed. A failure is passed over, and \
              with it whatever was to be flushed; after a 5xx the instance is restarted.",
        source: HOOK_STATUSES,
        check: pre_stop_not_answered,
    },
    Rule {
        id: "hook-not-configured",
        level: Level::Warning,
        title: "What the app does at its begin and its end is configured.",
        why: "The platform calls a hook only if the manifest has it. An `on_initialize` of fc-runtime then runs within the \
              first call, whose client waits and whose time-out counts; an `on_pre_stop` never runs, and what it would flush \
              is lost.",
        source: HOOKS,
        check: hook_not_configured,
    },
    Rule {
        id: "hook-without-code",
        level: Level::Note,
        title: "A configured hook has something to do.",
        why: "Each hook is a call to every instance, and is paid as one. The app answers it, but has nothing registered for it.",
        source: HOOKS,
        check: hook_without_code,
    },
    Rule {
        id: "hook-slower-than-timeout",
        level: Level::Error,
        title: "A hook ends within its time-out.",
        why: "A hook has 3 seconds unless the manifest says otherwise, 300 at most for an initializer and 90 for pre-stop. \
              One that takes longer fails.",
        source: HOOKS,
        check: hook_slower_than_timeout,
    },
    Rule {
        id: "pre-stop-budget-over-timeout",
        level: Level::Warning,
        title: "What runs in pre-stop may take no longer than the hook.",
        why: "The platform waits for pre-stop as long as `timeout` says, 3 seconds unless the manifest has another value, \
              and 90 at most. `App::pre_stop_budget` of fc-runtime is 2.5 seconds. Where it is longer than the hook, an \
              instance may be gone before everything is flushed.",
        source: HOOKS,
        check: pre_stop_budget_over_timeout,
    },
    Rule {
        id: "drain-over-timeout",
        level: Level::Warning,
        title: "A drain waits no longer than the platform does.",
        why: "The one time that the documents give an instance at its end is the `timeout` of pre-stop; how long it lives \
              after a signal, they do not say. A drain that was made longer than fc-runtime's 10 seconds, and than the \
              hook, counts on time that nobody has promised: what runs then may be cut without a line in the log.",
        source: HOOKS,
        check: drain_over_timeout,
    },
    Rule {
        id: "pre-freeze-is-gone",
        level: Level::Warning,
        title: "The pre-freeze hook exists in Function Compute 2.0 alone.",
        why: "Function Compute 3.0 calls no pre-freeze hook, and the deployment tool drops the key. What is to be flushed \
              is flushed before the reply, or in pre-stop.",
        source: HOOKS,
        check: pre_freeze_is_gone,
    },
];

fn not_answered(
    facts: &Facts,
    hook: &str,
    what: &str,
    answer: fn(&Function) -> Option<&Answer>,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let Some(answer) = answer(function).filter(|answer| !answer.is_success()) else { continue };
        let place = facts.key(function, &["instanceLifecycleConfig", hook]);
        let text = format!("`{what}` {}, which is a failed hook", answer.told());
        let fix = format!("answer it with 200, or remove `{hook}` from `instanceLifecycleConfig`");
        found.push(Finding::new(place, text, fix));
    }
    found
}

fn initialize(function: &Function) -> Option<&Answer> {
    function.server.as_ref()?.initialize.as_ref()
}

fn pre_stop(function: &Function) -> Option<&Answer> {
    function.server.as_ref()?.pre_stop.as_ref()
}

fn initializer_not_answered(facts: &Facts) -> Vec<Finding> {
    not_answered(facts, "initializer", "POST /initialize", initialize)
}

fn pre_stop_not_answered(facts: &Facts) -> Vec<Finding> {
    not_answered(facts, "preStop", "GET /pre-stop", pre_stop)
}

/// The hooks of the platform: in the manifest, in the app, and with the lines that configure them.
const HOOKS_OF_APPS: [(&str, &str, &str); 2] = [
    ("initializer", "initialize", "initializer:\n    handler: initialize\n    timeout: 30"),
    ("preStop", "pre-stop", "preStop:\n    handler: pre-stop\n    timeout: 5"),
];

fn hook_not_configured(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        for (hook, own, lines) in HOOKS_OF_APPS {
            let is_there = function.described.as_ref().is_some_and(|app| app.has_hook(own));
            if is_there && function.get(&["instanceLifecycleConfig", hook]).is_none() {
                let text =
                    format!("the app has a hook `{own}`, and `instanceLifecycleConfig` has no `{hook}`");
                let fix = format!("instanceLifecycleConfig:\n  {lines}");
                found.push(Finding::new(facts.of(function), text, fix));
            }
        }
    }
    found
}

fn hook_without_code(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        for (hook, own, _) in HOOKS_OF_APPS {
            let is_empty = function.described.as_ref().is_some_and(|app| !app.has_hook(own));
            if is_empty && function.has_hook_request(hook) {
                let text = format!("`{hook}` is called at every instance, and the app has nothing for it");
                let place = facts.key(function, &["instanceLifecycleConfig", hook]);
                found.push(Finding::new(place, text, format!("remove `{hook}`")));
            }
        }
    }
    found
}

fn hook_slower_than_timeout(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        for (hook, answer) in [("initializer", initialize(function)), ("preStop", pre_stop(function))] {
            let (Some(answer), Some(allowed)) = (answer, function.hook_seconds(hook)) else { continue };
            let took = answer.time.as_secs_f64();
            #[expect(clippy::cast_precision_loss, reason = "a few hundred seconds at most")]
            let is_late = took > allowed as f64;
            if is_late {
                let place = facts.key(function, &["instanceLifecycleConfig", hook, "timeout"]);
                let text = format!("`{hook}` took {took:.1} s on this machine; it is given {allowed} s");
                #[expect(clippy::cast_possible_truncation, reason = "a few hundred seconds at most")]
                let fix = format!("timeout: {}", (took * 2.0).ceil() as i64);
                found.push(Finding::new(place, text, fix));
            }
        }
    }
    found
}

/// The time of pre-stop that the manifest or the platform's default gives; `None` without the hook, or where it is a command.
fn pre_stop_seconds(function: &Function) -> Option<i64> {
    function.hook_seconds("preStop").filter(|_| function.has_hook_request("preStop"))
}

/// The longest that the platform lets pre-stop take.
const PRE_STOP_MAX: f64 = 90.0;

/// The line that gives pre-stop so many seconds, or the words that say that none does.
fn longer_pre_stop(seconds: f64, setting: &str) -> String {
    if seconds > PRE_STOP_MAX {
        return format!("`{setting}` of at most {PRE_STOP_MAX} s: a hook may take no longer");
    }
    #[expect(clippy::cast_possible_truncation, reason = "90 at most")]
    let seconds = seconds.ceil() as i64;
    format!("timeout: {seconds}")
}

fn pre_stop_budget_over_timeout(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let budget = function.described.as_ref().and_then(|app| app.pre_stop_budget);
        let (Some(budget), Some(allowed)) = (budget, pre_stop_seconds(function)) else { continue };
        #[expect(clippy::cast_precision_loss, reason = "a few hundred seconds at most")]
        if budget > allowed as f64 {
            let place = facts.key(function, &["instanceLifecycleConfig", "preStop", "timeout"]);
            let text = format!(
                "the app gives its pre-stop hooks {budget} s; the platform waits {allowed} s for them"
            );
            found.push(Finding::new(place, text, longer_pre_stop(budget, "App::pre_stop_budget")));
        }
    }
    found
}

/// The drain of an app that says nothing of it, in seconds. Whether the platform grants it is not documented.
const DRAIN_DEFAULT: f64 = 10.0;

fn drain_over_timeout(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        let drain = function.described.as_ref().and_then(|app| app.drain_deadline);
        let Some(drain) = drain.filter(|drain| *drain > DRAIN_DEFAULT) else { continue };
        let allowed = pre_stop_seconds(function);
        #[expect(clippy::cast_precision_loss, reason = "a few hundred seconds at most")]
        if allowed.is_some_and(|allowed| drain <= allowed as f64) {
            continue;
        }
        let (place, promised) = match allowed {
            Some(seconds) => (
                facts.key(function, &["instanceLifecycleConfig", "preStop", "timeout"]),
                format!("pre-stop has {seconds} s"),
            ),
            None => (facts.of(function), "no pre-stop hook is configured".to_owned()),
        };
        let text = format!("the app goes on for {drain} s after a signal to stop; {promised}");
        let fix = match allowed {
            Some(_) => longer_pre_stop(drain, "App::drain_deadline"),
            None => "a shorter `App::drain_deadline`, or a pre-stop hook that has the time".to_owned(),
        };
        found.push(Finding::new(place, text, fix));
    }
    found
}

fn pre_freeze_is_gone(facts: &Facts) -> Vec<Finding> {
    let has = |function: &&Function| {
        !function.is_fc2 && function.get(&["instanceLifecycleConfig", "preFreeze"]).is_some()
    };
    let finding = |function: &Function| {
        let place = facts.key(function, &["instanceLifecycleConfig", "preFreeze"]);
        Finding::new(
            place,
            "`preFreeze` is never called by Function Compute 3.0",
            "preStop:\n  handler: pre-stop\n  timeout: 5",
        )
    };
    facts.functions.iter().filter(has).map(finding).collect()
}
