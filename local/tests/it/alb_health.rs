//! Health checks of functions: cold, slow and failing ones, and what becomes of requests meanwhile.

use serde_json::{Value, json};
use testkit::events::kind;
use testkit::h1::{exchange, request};
use testkit::manifest::Function;
use testkit::until;

use crate::alb::{forward, group, listener, manifest, port_of, records, rule, start};
use crate::harness::{Local, f, scripted};

/// The group `name` of a function, checked each second.
fn checked(name: &str, function: &str, path: &str, more: &str) -> String {
    let check = format!(
        "health_check_enabled = true\n health_check_interval = 1\n health_check_timeout = 1\n health_check_path = \"{path}\"\n \
         healthy_threshold = 2\n unhealthy_threshold = 2\n {more}"
    );
    group(name)
        .replace("health_check_enabled = false", &check)
        .replace(&format!("functions/{name}"), &format!("functions/{function}"))
}

fn target(local: &Local, group: &str) -> Value {
    let state = exchange(local.main_port(), &request("GET", "/_local/v1/alb", "", b"")).json();
    let groups = state["groups"].as_array().unwrap();
    groups.iter().find(|own| own["name"] == format!("{group}-group")).unwrap()["targets"][0].clone()
}

fn news(what: &str, group: &str) -> testkit::events::Matcher {
    kind("alb").field("what", what).field("group", format!("{group}-group"))
}

#[test]
fn codes_and_time_outs_decide_and_requests_go_on() {
    let also = "health_check_codes = [\"http_2xx\", \"http_4xx\"]";
    let terraform = [
        checked("strict", "f", "/status?code=404", ""),
        checked("lenient", "f", "/status?code=404", also),
        checked("slow", "f", "/sleep?ms=20000", ""),
        checked("broken", "g", "/exit?code=3", ""),
        checked("read", "f", "/bytes?n=100000", "health_check_method = \"GET\""),
        listener(80, "strict", ""),
        rule(80, 10, "/name", &forward(1, "slow")),
        rule(80, 20, "/pid", &forward(1, "broken")),
    ]
    .concat();
    let folder = scripted();
    folder.write("alb/main.tf", &terraform);
    let functions = [f().timeout(60).concurrency(20), Function::new("g").concurrency(20)];
    folder.write("s.yaml", &manifest(functions, &[80]).to_string());
    let local = Local::start(folder, &[]);
    let port = port_of(&local, 80);
    for (group, error) in
        [("strict", "status 404"), ("slow", "no reply within 1 s"), ("broken", "status 502")]
    {
        let event = local.wait_for(news("unhealthy", group));
        assert_eq!(event["error"], error, "{group}");
        let target = target(&local, group);
        assert_eq!((&target["health"], &target["error"]), (&json!("unhealthy"), &json!(error)), "{group}");
        // Never before so many checks as the threshold says.
        assert!(target["checks"].as_u64().unwrap() >= 2, "{target}");
    }
    for group in ["lenient", "read"] {
        local.wait_for(news("healthy", group));
        assert_eq!(target(&local, group)["error"], Value::Null, "{group}");
    }
    // A function is all that its group has: it gets the requests all the same.
    for path in ["/", "/name"] {
        exchange(port, &request("GET", path, "", b"")).assert_status(200);
    }
    // A check that ends the instance may take a request along.
    until("an instance answers", || {
        (exchange(port, &request("GET", "/pid", "", b"")).status == 200).then_some(())
    });
    // Each check is a call with a record, and one that is given up is one whose client left.
    let slow = local.wait_for(kind("request").field("path", "/sleep").status(499));
    assert_eq!((&slow["alb"]["probe"], &slow["alb"]["group"]), (&json!(true), &json!("slow-group")));
    assert_eq!((&slow["via"], &slow["method"]), (&json!("alb"), &json!("HEAD")));
    assert!(slow["instance"].is_string() && slow["function"] == "f", "{slow:?}");
    let broken = local.wait_for(kind("request").field("path", "/exit").status(502));
    assert_eq!(broken["alb"]["probe"], true);
    assert_eq!(broken["alb"]["statusBy"], "function_compute");
    assert_eq!(records(&local, "/bytes")[0]["method"], "GET");
    let strict = target(&local, "strict")["checks"].as_u64().unwrap();
    let seen = target(&local, "lenient")["checks"].as_u64().unwrap() + strict;
    local.wait_for_nth(usize::try_from(seen).unwrap(), kind("request").field("path", "/status").status(404));
}

/// A start that takes longer than a check waits.
#[test]
fn a_cold_function_fails_its_first_checks_and_passes_later_ones() {
    let terraform = checked("f", "f", "/healthz", "") + &listener(80, "f", "");
    let function = f().timeout(60).concurrency(20).var("SCRIPT_START", "late:4000");
    let folder = scripted();
    folder.write("alb/main.tf", &terraform);
    folder.write("s.yaml", &manifest([function], &[80]).to_string());
    let local = Local::spawn(folder, &[]);
    let failed = local.wait_for(news("unhealthy", "f"));
    assert_eq!(failed["error"], "no reply within 1 s");
    local.wait_for(kind("request").field("path", "/healthz").status(499));
    local.wait_for(news("healthy", "f"));
    local.wait_for(kind("request").field("path", "/healthz").status(200));
    // A request waits for the instance as every other does.
    exchange(port_of(&local, 80), &request("GET", "/name", "", b"")).assert_status(200);
    assert_eq!(target(&local, "f")["health"], "healthy");
}

/// Checks keep an instance, which costs in the cloud.
#[test]
fn checks_are_calls_that_the_function_sees() {
    let terraform =
        checked("f", "f", "/healthz", "health_check_host = \"check.example.com\"") + &listener(80, "f", "");
    let local = start(scripted(), f().concurrency(20), &terraform, &[80]);
    local.wait_for(news("healthy", "f"));
    let count = |local: &Local| {
        exchange(port_of(local, 80), &request("GET", "/count", "", b"")).text().parse::<u64>().unwrap()
    };
    let before = count(&local);
    let checks = target(&local, "f")["checks"].as_u64().unwrap();
    local.wait_for_nth(usize::try_from(checks).unwrap() + 2, kind("request").field("path", "/healthz"));
    assert!(count(&local) >= before + 2, "the function was asked by the checks too");
}
