//! CORS: of the function, and of the platform.

use super::sources::HTTP_TRIGGER;
use crate::doctor::facts::{Facts, Function, methods};
use crate::doctor::finding::{Finding, Level, Place, Rule};
use crate::manifest::{Node, items};

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "options-missing",
        level: Level::Warning,
        title: "A function with CORS of its own gets the preflights.",
        why: "Without OPTIONS in `methods` the platform answers a browser's preflight by itself, and lets every origin in, \
              with credentials. What the function says of origins, methods and headers never reaches the browser.",
        source: HTTP_TRIGGER,
        check: options_missing,
    },
    Rule {
        id: "cors-twice",
        level: Level::Error,
        title: "CORS is said by the function or by corsConfig, not by both.",
        why: "The platform adds the headers of `corsConfig` to those of the function. Two `Access-Control-Allow-Origin` are \
              refused by every browser.",
        source: HTTP_TRIGGER,
        check: cors_twice,
    },
    Rule {
        id: "cors-not-said",
        level: Level::Note,
        title: "Silence about CORS lets every origin in.",
        why: "Where neither the function nor `corsConfig` says anything, the platform answers with the caller's own origin \
              and `Access-Control-Allow-Credentials: true`: any page may read the replies that a visitor's cookies open. \
              An app of fc-runtime says it by `.cors(Cors::allow(\"https://shop.example\"))`.",
        source: HTTP_TRIGGER,
        check: cors_not_said,
    },
    Rule {
        id: "cors-credentials-for-all",
        level: Level::Error,
        title: "Credentials are not for all origins.",
        why: "With `allowCredentials: true` the list of `allowOrigins` may not have `*`: the platform refuses the setting, and \
              browsers would refuse the reply.",
        source: HTTP_TRIGGER,
        check: cors_credentials_for_all,
    },
];

/// Whether the server itself answers a page of another origin with headers of CORS. `None` if nobody knows.
fn says_cors(function: &Function) -> Option<bool> {
    let server = function.server.as_ref().filter(|server| !server.is_behind_platform())?;
    let heads = [server.cross.as_ref(), server.preflight.as_ref()];
    server.page.as_ref()?;
    Some(heads.iter().flatten().any(|head| head.has_cors()))
}

/// The settings of CORS that stand before a function, with their places.
fn configs<'a>(facts: &'a Facts, function: &'a Function) -> Vec<(&'a Node, Place)> {
    let triggers = function.http_triggers().filter_map(|trigger| {
        Some((trigger.child("corsConfig")?, facts.at(function, trigger, "corsConfig")))
    });
    let domains = facts.domains_of(function).filter_map(|domain| {
        let entry = domain.node.entry("corsConfig")?;
        Some((&entry.node, facts.manifest.place(entry.line, "corsConfig", Some(&domain.resource))))
    });
    triggers.chain(domains).collect()
}

fn options_missing(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in facts.functions.iter().filter(|function| says_cors(function) == Some(true)) {
        for trigger in function.http_triggers() {
            let methods = methods(trigger);
            if methods.is_empty() || methods.contains(&"OPTIONS") || trigger.child("corsConfig").is_some() {
                continue;
            }
            let text =
                "the function answers preflights, but the platform does so before it: OPTIONS is missing";
            let fix = format!("methods: [{}, OPTIONS]", methods.join(", "));
            found.push(Finding::new(facts.at(function, trigger, "methods"), text, fix));
        }
    }
    found
}

fn cors_twice(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in facts.functions.iter().filter(|function| says_cors(function) == Some(true)) {
        for (_, place) in configs(facts, function) {
            let text = "`corsConfig` and the function both name origins, and browsers refuse two answers";
            found.push(Finding::new(place, text, "remove `corsConfig`, or what the code says of CORS"));
        }
    }
    found
}

fn cors_not_said(facts: &Facts) -> Vec<Finding> {
    let is_silent = |function: &&Function| {
        facts.is_web(function) && says_cors(function) == Some(false) && configs(facts, function).is_empty()
    };
    let finding = |function: &Function| {
        let text =
            "neither the function nor `corsConfig` speaks of CORS, so the platform lets every origin in";
        Finding::new(facts.of(function), text, "say in the code which origins may read, if browsers call it")
    };
    facts.functions.iter().filter(is_silent).map(finding).collect()
}

fn cors_credentials_for_all(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        for (config, place) in configs(facts, function) {
            let origins = config.child("allowOrigins").map(items).unwrap_or_default();
            let has_all = origins.iter().any(|origin| origin.as_text() == Some("*"));
            if has_all && config.child("allowCredentials").is_some_and(Node::is_true) {
                let text = "`allowCredentials: true` does not go with `*` in `allowOrigins`";
                found.push(Finding::new(place, text, "allowOrigins: [https://shop.example]"));
            }
        }
    }
    found
}
