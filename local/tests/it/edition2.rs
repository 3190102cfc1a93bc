//! Edition 2.0: services, other headers, limits and errors, and the pre-freeze hook.

use testkit::Answer;
use testkit::events::kind;
use testkit::h1::{exchange, request};
use testkit::manifest::{Function, Manifest};

use crate::harness::{Local, f, scripted, write_manifest};

fn start(function: Function) -> Local {
    let folder = scripted();
    write_manifest(&folder, Manifest::from(function).with("name", "shop"));
    Local::start(folder, &["--edition", "fc2"])
}

fn get(local: &Local, target: &str) -> Answer {
    exchange(local.main_port(), &request("GET", target, "", b""))
}

#[test]
fn a_trigger_has_the_address_and_the_headers_of_edition_2() {
    let local = start(f());
    let seen = get(&local, "/2016-08-15/proxy/shop/f/seen?a=b");
    seen.assert_ok();
    let text = seen.text();
    assert!(text.starts_with("GET /seen?a=b HTTP/1.1\r\n"), "{text}");
    for line in
        ["x-fc-base-path: /2016-08-15/proxy/shop/f/", "x-fc-service-name: shop", "x-fc-qualifier: LATEST"]
    {
        assert!(text.contains(line), "{line} in {text}");
    }
    let parts: Vec<usize> = seen.id().split('-').map(str::len).collect();
    assert_eq!(parts, [8, 4, 4, 4, 12], "the id is a UUID");
    assert_eq!(seen.header("x-fc-invocation-service-version"), Some("LATEST"));
    assert!(seen.header("x-fc-instance-id").unwrap().starts_with("c-"));
    assert!(seen.header("x-fc-invocation-duration").unwrap().parse::<u64>().is_ok());
    assert!(seen.header("x-fc-max-memory-usage").unwrap().parse::<f64>().is_ok());
    let exposed = seen.header("access-control-expose-headers").unwrap();
    assert!(exposed.starts_with("Date,x-fc-request-id,x-fc-error-type,"), "{exposed}");

    // The path may have 8 KiB.
    let long = format!("/2016-08-15/proxy/shop/f/seen?{}", "x".repeat(7000));
    get(&local, &long).assert_ok();
    assert_eq!(get(&local, &format!("{long}{}", "x".repeat(2000))).status, 400);
    assert_eq!(
        get(&local, "/2016-08-15/proxy/shop.LATEST/f").header("x-fc-invocation-service-version"),
        Some("LATEST")
    );
}

#[test]
fn errors_have_the_shape_of_their_api() {
    let local = start(f());
    let code = |answer: &Answer, key: &str| answer.json()[key].as_str().unwrap_or_default().to_owned();
    let reply = get(&local, "/2016-08-15/proxy/other/f/");
    assert_eq!((reply.status, code(&reply, "ErrorCode")), (404, "ServiceNotFound".to_owned()));
    assert!(code(&reply, "ErrorMessage").contains("there is: shop"), "{reply:?}");
    let post = |target: &str| exchange(local.main_port(), &request("POST", target, "", b"hello"));
    let reply = post("/2016-08-15/services/shop.prod/functions/f/invocations");
    assert_eq!((reply.status, code(&reply, "ErrorCode")), (404, "AliasNotFound".to_owned()));
    let reply = post("/2021-04-06/services/shop/functions/f/invocations?qualifier=prod");
    assert_eq!((reply.status, code(&reply, "Code")), (404, "AliasNotFound".to_owned()));
    let reply = post("/2023-03-30/functions/f/invocations?qualifier=prod");
    assert_eq!((reply.status, code(&reply, "Code")), (404, "AliasNotFound".to_owned()));
    for target in [
        "/2016-08-15/services/shop/functions/f/invocations",
        "/2016-08-15/services/shop.LATEST/functions/f/invocations",
        "/2021-04-06/services/shop/functions/f/invocations",
    ] {
        assert_eq!(post(target).text(), "HELLO", "{target}");
    }
}

#[test]
fn a_function_of_edition_3_has_no_services() {
    let local = Local::scripted(f());
    let reply = exchange(local.main_port(), &request("GET", "/2016-08-15/proxy/test/f/", "", b""));
    assert_eq!(reply.status, 400);
    assert!(reply.json()["ErrorMessage"].as_str().unwrap().contains("--edition fc2"), "{reply:?}");
}

#[test]
fn the_program_itself_marks_its_calls_in_the_log() {
    let local = start(f());
    let reply = local.call("GET", "/log", "x-fc-log-type: Tail\r\n", b"");
    let log = reply.header("x-fc-log-result").unwrap();
    let log = base64::Engine::decode(&base64::engine::general_purpose::STANDARD, log).unwrap();
    let log = String::from_utf8(log).unwrap();
    assert!(log.starts_with("a line of ") && !log.contains("FC Invoke"), "{log}");
}

#[test]
fn the_pre_freeze_hook_comes_before_each_freeze() {
    let hooked = f().hook("preFreeze", serde_json::json!({"handler": "x", "timeout": 5}));
    let local = start(hooked.local("freeze", true));
    local.get("/name").assert_ok();
    local.wait_for(kind("stdout").text("pre-freeze"));
    // The instance is thawed for the next call.
    local.get("/name").assert_ok();
    local.wait_for_nth(2, kind("stdout").text("pre-freeze"));
}

#[test]
fn a_pre_freeze_hook_that_fails_is_told_and_the_function_goes_on() {
    let hooked = f().hook("preFreeze", serde_json::json!({"handler": "x", "timeout": 5}));
    let local = start(hooked.var("SCRIPT_PRE_FREEZE", "fails").local("freeze", true));
    local.get("/name").assert_ok();
    local.wait_for(kind("pre_freeze_failed").field("status", 500));
    local.get("/name").assert_ok();
}
