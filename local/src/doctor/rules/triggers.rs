//! Triggers, and who may call.

use super::sources::{GRPC, HTTP_TRIGGER, TABLESTORE, WEB_HANDLER};
use crate::doctor::facts::{Facts, Function, methods};
use crate::doctor::finding::{Finding, Level, Rule};
use crate::manifest::Node;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "anonymous-trigger",
        level: Level::Note,
        title: "A trigger that anybody may call is a decision.",
        why: "With `authType: anonymous` the platform checks nothing: whoever knows the address calls the function, and its \
              owner pays. That is right for a public site, and for an app that checks its callers itself (`guard` in \
              fc-runtime). Otherwise use `function`, `jwt`, `bearer` or `basic`. Where it is meant, say so: \
              `# doctor: allow anonymous-trigger: the site is public`.",
        source: HTTP_TRIGGER,
        check: anonymous_trigger,
    },
    Rule {
        id: "anonymous-bypass",
        level: Level::Warning,
        title: "A domain's check is not passed by at the built-in address.",
        why: "The domain checks its callers, but the trigger's own address on the public internet leads to the same function \
              and checks nothing. `disableURLInternet: true` closes that address; domains go on working.",
        source: HTTP_TRIGGER,
        check: anonymous_bypass,
    },
    Rule {
        id: "anonymous-tasks",
        level: Level::Note,
        title: "Anonymous clients cannot queue tasks by a header.",
        why: "`X-Fc-Invocation-Type: Async` of any client turns its call into an asynchronous one: the platform answers 202, \
              and carries the call out later, with its retries and destinations. On an anonymous trigger of a function with \
              `asyncInvokeConfig` strangers can fill the queue. Let callers sign (`authType: function`), or check them.",
        source: HTTP_TRIGGER,
        check: anonymous_tasks,
    },
    Rule {
        id: "mixed-triggers",
        level: Level::Note,
        title: "Events beside HTTP come to /invoke.",
        why: "A function with an HTTP trigger and others gets the events as `POST /invoke`, on the same port. The server has \
              to answer that path (`.event(…)` in fc-runtime), and `timeout` holds for both. In Function Compute 2.0 such a \
              mix is refused.",
        source: WEB_HANDLER,
        check: mixed_triggers,
    },
    Rule {
        id: "tablestore-timeout",
        level: Level::Warning,
        title: "A Tablestore trigger's function ends within a minute.",
        why: "The function has to finish within one minute. What fails is repeated without end, until the data of the \
              stream expires, and newer rows wait behind it.",
        source: TABLESTORE,
        check: tablestore_timeout,
    },
    Rule {
        id: "grpc-without-post",
        level: Level::Error,
        title: "A gRPC function's trigger lets POST through.",
        why: "Each gRPC call is a `POST`. Clients dial port 8089 of the built-in `fcapp.run` address or of a custom domain, \
              with TLS; the function's own port may be any.",
        source: GRPC,
        check: grpc_without_post,
    },
    Rule {
        id: "grpc-domain-path",
        level: Level::Warning,
        title: "A gRPC function's domain routes every path.",
        why: "The path of a gRPC call is `/package.Service/Method`. A route that is narrower than `/*` refuses the services \
              that it does not cover, and reflection and health with them.",
        source: GRPC,
        check: grpc_domain_path,
    },
];

fn is_anonymous(trigger: &Node) -> bool {
    trigger.child("authType").and_then(Node::as_text) == Some("anonymous")
}

/// Whether the trigger's own address is on the public internet.
fn is_public(trigger: &Node) -> bool {
    !trigger.child("disableURLInternet").is_some_and(Node::is_true)
}

/// A finding for each HTTP trigger of the kind.
fn each_trigger(
    facts: &Facts,
    key: &str,
    is_found: impl Fn(&Function, &Node) -> bool,
    text: &str,
    fix: &str,
) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in &facts.functions {
        for trigger in function.http_triggers().filter(|trigger| is_found(function, trigger)) {
            found.push(Finding::new(facts.at(function, trigger, key), text, fix));
        }
    }
    found
}

fn has_checking_domain(facts: &Facts, function: &Function) -> bool {
    facts.domains_of(function).any(|domain| domain.auth() != "anonymous")
}

fn anonymous_trigger(facts: &Facts) -> Vec<Finding> {
    let is_found = |function: &Function, trigger: &Node| {
        // The two others say more.
        let is_told = has_checking_domain(facts, function) || function.has("asyncInvokeConfig");
        is_anonymous(trigger) && is_public(trigger) && !is_told
    };
    let text = "anybody may call this function, unless the app checks its callers itself";
    each_trigger(facts, "authType", is_found, text, "# doctor: allow anonymous-trigger: WHY")
}

fn anonymous_bypass(facts: &Facts) -> Vec<Finding> {
    let is_found = |function: &Function, trigger: &Node| {
        is_anonymous(trigger) && is_public(trigger) && has_checking_domain(facts, function)
    };
    let text = "the domain checks its callers, but the trigger's own public address checks nobody";
    each_trigger(facts, "authType", is_found, text, "disableURLInternet: true")
}

fn anonymous_tasks(facts: &Facts) -> Vec<Finding> {
    let is_found = |function: &Function, trigger: &Node| {
        is_anonymous(trigger) && is_public(trigger) && function.has("asyncInvokeConfig")
    };
    let text = "anybody may queue asynchronous calls here, by the header X-Fc-Invocation-Type";
    each_trigger(facts, "authType", is_found, text, "authType: function")
}

fn mixed_triggers(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    let is_mixed = |function: &&Function| {
        // An app that describes itself has rules of its own.
        let is_unknown = function.described.is_none() || function.is_fc2;
        function.is_custom() && is_unknown && function.http_triggers().next().is_some()
    };
    for function in facts.functions.iter().filter(is_mixed) {
        if let Some((kind, trigger)) = function.event_triggers().next() {
            let edition = if function.is_fc2 { "; Function Compute 2.0 refuses the mix" } else { "" };
            let text =
                format!("the events of `{kind}` come to `POST /invoke` beside the HTTP calls{edition}");
            let fix = "answer `POST /invoke`, or make a function of its own for the events";
            found.push(Finding::new(facts.at(function, trigger, "triggerType"), text, fix));
        }
    }
    found
}

fn tablestore_timeout(facts: &Facts) -> Vec<Finding> {
    let has = |function: &&Function| {
        function.timeout() > 60 && function.event_triggers().any(|(kind, _)| kind == "tablestore")
    };
    let finding = |function: &Function| {
        let text = format!(
            "a Tablestore trigger waits one minute, and the function may take {} s",
            function.timeout()
        );
        Finding::new(facts.key(function, &["timeout"]), text, "timeout: 60")
    };
    facts.functions.iter().filter(has).map(finding).collect()
}

fn grpc_without_post(facts: &Facts) -> Vec<Finding> {
    let is_found = |function: &Function, trigger: &Node| {
        function.speaks_grpc() && !methods(trigger).is_empty() && !methods(trigger).contains(&"POST")
    };
    let text = "gRPC calls are `POST`, which this trigger refuses";
    each_trigger(facts, "methods", is_found, text, "methods: [GET, POST]")
}

fn grpc_domain_path(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for function in facts.functions.iter().filter(|function| function.speaks_grpc()) {
        for domain in facts.domains_of(function) {
            let mut paths = domain.routes.iter().filter(|(name, _)| *name == function.name);
            if paths.clone().any(|(_, path)| path == "/*") {
                continue;
            }
            if let Some((_, path)) = paths.next() {
                let line = domain.node.line;
                let place = facts.manifest.place(line, "", Some(&domain.resource));
                let text = format!("`{}` leads `{path}` alone to this gRPC function", domain.name);
                found.push(Finding::new(place, text, "path: /*"));
            }
        }
    }
    found
}
