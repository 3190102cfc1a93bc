//! Behind a load balancer (ALB), which `x-local.doctor.alb` describes.

use super::sources::{ALB_GROUPS, ALB_LISTENER, HTTP_TRIGGER};
use crate::doctor::facts::{Alb, Facts, Function, Head};
use crate::doctor::finding::{Finding, Level, Place, Rule};
use crate::manifest::Node;

pub(super) const RULES: &[Rule] = &[
    Rule {
        id: "alb-auth-type",
        level: Level::Error,
        title: "Behind ALB no signature is asked for.",
        why: "ALB passes the client's request on and signs nothing. With `authType: function` every request gets 403. Let the \
              trigger be anonymous, close its public address by `disableURLInternet: true`, and let ALB insert a header that \
              the app asks for; or use `jwt`, whose token the client brings.",
        source: ALB_GROUPS,
        check: auth_type,
    },
    Rule {
        id: "alb-health-check-cost",
        level: Level::Warning,
        title: "ALB's health checks of a function are off.",
        why: "Each health check is a call of the function, and is paid as one; it also keeps an instance alive. A group of \
              Function Compute has one server, so a failed check leads nowhere else. Checks are off unless they are \
              switched on.",
        source: ALB_GROUPS,
        check: health_check_cost,
    },
    Rule {
        id: "alb-health-check-fails",
        level: Level::Error,
        title: "ALB's health check is answered.",
        why: "The check asks `HEAD /` unless it is told otherwise, and counts 2xx and 3xx as healthy. Answer HEAD wherever GET \
              is answered, without a check of the caller.",
        source: ALB_GROUPS,
        check: health_check_fails,
    },
    Rule {
        id: "alb-request-timeout",
        level: Level::Warning,
        title: "ALB waits as long as a call may take.",
        why: "ALB waits 60 seconds for the begin of a reply, unless `RequestTimeout` says otherwise. Then the client gets 504, \
              while the function goes on and is paid.",
        source: ALB_LISTENER,
        check: request_timeout,
    },
    Rule {
        id: "alb-idle-timeout",
        level: Level::Note,
        title: "Streams behind ALB are never silent for long.",
        why: "ALB closes a connection on which nothing moved for 15 seconds, unless `IdleTimeout` says otherwise. A stream of \
              events sends a comment, and a WebSocket a ping, more often than that.",
        source: ALB_LISTENER,
        check: idle_timeout,
    },
    Rule {
        id: "alb-async-header",
        level: Level::Warning,
        title: "Clients behind ALB cannot make calls asynchronous.",
        why: "Whether ALB passes `X-Fc-Invocation-Type: Async` of a client on is not documented. If so, the platform answers \
              202 and carries the call out later: a public client turns replies off, and fills the queue. Remove the header \
              by a rule of the listener (RemoveHeader, `x-fc-invocation-type`).",
        source: HTTP_TRIGGER,
        check: async_header,
    },
];

/// The functions behind a load balancer.
fn behind(facts: &Facts) -> impl Iterator<Item = (&Function, Alb, Place)> {
    facts.functions.iter().filter_map(|function| {
        let alb = function.alb?;
        Some((function, alb, facts.manifest.place(alb.line, "alb", Some(&function.resource))))
    })
}

fn auth_type(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for (function, ..) in behind(facts) {
        let signed = |trigger: &&Node| trigger.child("authType").and_then(Node::as_text) == Some("function");
        for trigger in function.http_triggers().filter(signed) {
            let text = "the trigger wants signed requests, and ALB signs none";
            let fix = "authType: anonymous\ndisableURLInternet: true";
            found.push(Finding::new(facts.at(function, trigger, "authType"), text, fix));
        }
    }
    found
}

fn health_check_cost(facts: &Facts) -> Vec<Finding> {
    let checked = behind(facts).filter_map(|(_, alb, place)| {
        let every = alb.check_seconds.filter(|seconds| *seconds > 0)?;
        let text =
            format!("health checks every {every} s are {} paid calls a day, from each zone", 86_400 / every);
        Some(Finding::new(place, text, "healthCheck: false"))
    });
    checked.collect()
}

fn health_check_fails(facts: &Facts) -> Vec<Finding> {
    let failed = behind(facts).filter_map(|(function, alb, place)| {
        alb.check_seconds?;
        let head: &Head = function.server.as_ref()?.head.as_ref()?;
        let is_bad = !(200..400).contains(&head.status);
        is_bad.then(|| {
            let text = format!("`HEAD /` answers {}, so ALB takes the function for ill", head.status);
            Finding::new(place, text, "answer `HEAD /`, or check another path")
        })
    });
    failed.collect()
}

fn request_timeout(facts: &Facts) -> Vec<Finding> {
    let longer = behind(facts).filter_map(|(function, alb, _)| {
        let timeout = function.timeout();
        (timeout > alb.request_seconds).then(|| {
            let text = format!(
                "a call may take {timeout} s, and ALB answers 504 after {} s without a reply",
                alb.request_seconds
            );
            let fix = format!("timeout: {}", alb.request_seconds);
            Finding::new(facts.key(function, &["timeout"]), text, fix)
        })
    });
    longer.collect()
}

fn idle_timeout(facts: &Facts) -> Vec<Finding> {
    let longer = behind(facts).filter_map(|(function, alb, place)| {
        (function.timeout() > alb.idle_seconds).then(|| {
            let text = format!("ALB cuts a stream that is silent for {} s", alb.idle_seconds);
            Finding::new(
                place,
                text,
                "send a comment or a ping more often, or raise the listener's IdleTimeout",
            )
        })
    });
    longer.collect()
}

fn async_header(facts: &Facts) -> Vec<Finding> {
    let mut found = Vec::new();
    for (function, ..) in behind(facts) {
        let open = |trigger: &&Node| trigger.child("authType").and_then(Node::as_text) == Some("anonymous");
        for trigger in function.http_triggers().filter(open) {
            let text = "a client behind ALB may set X-Fc-Invocation-Type, and make its calls asynchronous";
            let fix = "remove the header by a rule of the listener, then: # doctor: allow alb-async-header: a rule removes it";
            found.push(Finding::new(facts.at(function, trigger, "authType"), text, fix));
        }
    }
    found
}
