//! What is seen in an app's description of itself.

use serde_json::{Value, json};
use testkit::Folder;

use super::{check, check_none, facts};
use crate::doctor::facts::{Facts, describe};

pub(super) fn ids() -> impl Iterator<Item = &'static str> {
    [
        "hook-not-configured",
        "hook-without-code",
        "pre-stop-budget-over-timeout",
        "drain-over-timeout",
        "events-not-taken",
        "trigger-type-not-taken",
        "method-not-let-through",
    ]
    .into_iter()
}

/// The good manifest with parts replaced, and an app that says this of itself.
fn with(replaced: &[(&str, &str)], app: &Value) -> Facts {
    let mut facts = facts(&Folder::new(), replaced);
    facts.functions[0].described = Some(serde_json::from_value(app.clone()).unwrap());
    facts
}

fn app() -> Value {
    json!({
        "runtime": "fc-runtime", "version": "0.1.0", "eventAsHttp": false, "healthPath": "/healthz",
        "routes": [{"pattern": "/", "method": "GET"}, {"pattern": "/orders", "method": "POST"}],
        "event": {"type": "fc_events::TimerEvent", "triggers": ["timer"]},
        "hooks": ["initialize", "pre-stop"], "preStopBudget": 2.5, "drainDeadline": 10,
    })
}

fn app_with(member: &str, value: Value) -> Value {
    let mut app = app();
    app[member] = value;
    app
}

const HOOKS: (&str, &str) = (
    "      instanceLifecycleConfig:
        initializer: {handler: x, timeout: 10}
        preStop: {handler: x, timeout: 5}
",
    "",
);

#[test]
fn hooks_of_the_app_are_those_of_the_manifest() {
    check_none(&with(&[], &app()), "both");
    check(&with(&[HOOKS], &app()), "hook-not-configured");
    check(&with(&[], &app_with("hooks", json!([]))), "hook-without-code");
    check_none(&with(&[HOOKS], &app_with("hooks", json!([]))), "neither");
}

#[test]
fn what_runs_at_the_end_has_the_time_for_it() {
    let budget = |seconds: f64| app_with("preStopBudget", seconds.into());
    check_none(&with(&[], &budget(5.0)), "as long as the hook");
    check(&with(&[], &budget(5.5)), "pre-stop-budget-over-timeout");
    // The platform's 3 seconds.
    check(&with(&[(", timeout: 5", "")], &budget(4.0)), "pre-stop-budget-over-timeout");
    check_none(&with(&[("{handler: x, timeout: 5}", "{command: [sync]}")], &budget(60.0)), "a command");
    let drain = |seconds: u64| app_with("drainDeadline", seconds.into());
    check_none(&with(&[], &drain(10)), "as long as without a setting");
    check(&with(&[], &drain(30)), "drain-over-timeout");
    check_none(&with(&[("timeout: 5", "timeout: 30")], &drain(30)), "as long as the hook");
    let mut without = drain(30);
    without["hooks"] = json!([]);
    check(&with(&[HOOKS], &without), "drain-over-timeout");
    let mut older = drain(30);
    for member in ["preStopBudget", "drainDeadline"] {
        older.as_object_mut().unwrap().remove(member);
    }
    check_none(&with(&[], &older), "a runtime that does not tell");
}

const HTTP: &str = "triggerType: http
          triggerConfig:
            authType: function
            methods: [GET, POST, OPTIONS]
";

#[test]
fn the_events_are_those_that_the_app_takes() {
    let timer =
        (HTTP, "triggerType: timer\n          triggerConfig: {cronExpression: '@every 5m', enable: true}\n");
    let oss = (
        HTTP,
        "triggerType: oss\n          triggerConfig: {events: ['oss:ObjectCreated:PutObject'], filter: {key: {prefix: a, suffix: b}}}\n",
    );
    check_none(&with(&[timer], &app()), "the type's own trigger");
    check(&with(&[oss], &app()), "trigger-type-not-taken");
    check_none(&with(&[oss], &app_with("event", json!({}))), "any payload");
    check(&with(&[oss], &app_with("event", Value::Null)), "events-not-taken");
    let mut by_routes = app_with("event", Value::Null);
    by_routes["eventAsHttp"] = true.into();
    check_none(&with(&[oss], &by_routes), "routes take the events");
}

#[test]
fn a_mix_of_triggers_is_no_question_where_the_app_answers_it() {
    let mixed = format!(
        "{HTTP}        - triggerName: t\n          triggerType: timer\n          triggerConfig: {{cronExpression: '@every 5m', enable: true}}\n"
    );
    check_none(&with(&[(HTTP, &mixed)], &app()), "described");
    check(&facts(&Folder::new(), &[(HTTP, &mixed)]), "mixed-triggers");
}

#[test]
fn the_trigger_lets_the_methods_of_the_routes_through() {
    let put =
        json!([{"pattern": "/a", "method": "PUT"}, {"pattern": "/any"}, {"pattern": "/b", "method": "HEAD"}]);
    let app = app_with("routes", put);
    check(&with(&[], &app), "method-not-let-through");
    check_none(&with(&[("[GET, POST, OPTIONS]", "[GET, POST, PUT]")], &app), "let through");
}

#[test]
fn the_health_path_is_one_of_the_app() {
    let other = ("httpGetUrl: /healthz", "httpGetUrl: /alive");
    check(&with(&[other], &app()), "health-path-not-answered");
    check_none(&with(&[other], &app_with("healthPath", "/alive".into())), "its own path");
    let routes = json!([{"pattern": "/alive", "method": "GET"}]);
    check_none(&with(&[other], &app_with("routes", routes)), "a route");
    for (pattern, answers) in [
        ("/{page}", true),
        ("/{*rest}", true),
        ("/alive/{*rest}", true),
        ("/al{rest}", true),
        ("/users/{id}", false),
        ("/{a}/{b}", false),
        ("/alive/", false),
    ] {
        let app = app_with("routes", json!([{"pattern": pattern, "method": "GET"}]));
        if answers {
            check_none(&with(&[other], &app), pattern);
        } else {
            check(&with(&[other], &app), "health-path-not-answered");
        }
    }
    let post = json!([{"pattern": "/alive", "method": "POST"}]);
    check(&with(&[other], &app_with("routes", post)), "health-path-not-answered");
}

#[tokio::test]
async fn a_program_is_asked_if_it_knows_the_question() {
    let folder = Folder::new();
    let description = app().to_string();
    let knows =
        format!("#!/bin/sh\n[ \"$FC_RUNTIME_DESCRIBE\" = 1 ] && echo started && echo '{description}'\n");
    // One that does not know the question would serve, and is not started.
    let marker = folder.file("was-started");
    let serves = format!("#!/bin/sh\n/bin/touch {}\n", marker.display());
    for (text, expected) in [(knows, true), (serves, false)] {
        let file = folder.write("program", &text);
        std::fs::set_permissions(&file, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
        let described = describe(&file).await;
        assert_eq!(described.is_some_and(|app| app.has_hook("pre-stop")), expected, "{text}");
    }
    assert!(!marker.exists());
}
