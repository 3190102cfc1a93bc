//! `InvokeFunction`.

use base64::Engine;

use testkit::events::kind;
use testkit::h1::{exchange, request};

use crate::harness::{Local, f};

#[test]
fn an_event_reaches_the_function_and_its_body_comes_back() {
    let local = Local::scripted(f());
    let reply = local.invoke("", b"hello");
    assert_eq!((reply.status, reply.text().as_str()), (200, "HELLO"));
    assert_eq!(reply.header("x-fc-error-type"), None);
    assert_eq!(reply.header("x-fc-status"), None, "the function's headers do not reach the caller");
    assert_eq!(reply.header("x-fc-invocation-service-version"), Some("LATEST"));
    assert!(reply.header("x-fc-instance-id").is_some_and(|id| id.starts_with("c-")));

    let head =
        local.invoke("content-type: text/plain\r\nx-own: 1\r\nauthorization: secret\r\n", b"head").text();
    assert!(head.starts_with("POST /invoke HTTP/1.1"), "{head}");
    for line in ["content-type: application/octet-stream", "x-fc-control-path: /invoke", "content-length: 4"]
    {
        assert!(head.contains(line), "{line} in {head}");
    }
    for name in ["x-own", "authorization"] {
        assert!(!head.contains(name), "{name} in {head}");
    }
    let reply = local.invoke("", b"");
    assert_eq!((reply.status, reply.body.len()), (200, 0));
}

#[test]
fn the_functions_verdict_is_a_header() {
    let local = Local::scripted(f());
    let reply = local.invoke("", b"fail");
    assert_eq!((reply.status, reply.text().as_str()), (200, r#"{"errorMessage":"as asked"}"#));
    assert_eq!(reply.header("x-fc-error-type"), Some("UnhandledInvocationError"));
    let reply = local.invoke("", b"status");
    assert_eq!((reply.status, reply.text().as_str()), (200, "no x-fc-status"));
    assert_eq!(reply.header("x-fc-error-type"), None, "without x-fc-status a call is a success");
    assert_eq!(reply.header("x-own"), None);
    local
        .invoke("", b"crash")
        .assert_function_error(200, "Process exited unexpectedly before completing request");
}

#[test]
fn what_is_not_there_is_an_error_of_the_platform() {
    let local = Local::scripted(f());
    let main = local.main_port();
    let post = |target: &str, headers: &str| exchange(main, &request("POST", target, headers, b"x"));
    let path = "/2023-03-30/functions/f/invocations";
    let reply = post("/2023-03-30/functions/none/invocations", "");
    reply.assert_platform_error(404, "FcCommonError", "FunctionNotFound", "function 'none' does not exist");
    post("/2023-03-30/functions/%66/invocations?qualifier=LATEST", "").assert_ok();
    post(&format!("{path}?qualifier=3"), "").assert_platform_error(
        404,
        "FcCommonError",
        "VersionNotFound",
        "'3'",
    );
    post("/2023-03-30/functions/f/none", "").assert_platform_error(
        400,
        "FcCommonError",
        "InvalidArgument",
        "offers",
    );
    post("/2023-03-30/functions/f", "").assert_platform_error(
        400,
        "FcCommonError",
        "PathNotSupported",
        "'POST' against",
    );
    let reply = exchange(main, &request("GET", path, "", b""));
    reply.assert_platform_error(400, "FcCommonError", "PathNotSupported", "'GET' against");
    let reply = post(path, "x-fc-invocation-type: Async\r\n");
    assert_eq!((reply.status, reply.body.len()), (202, 0));
    let claim = format!("POST {path} HTTP/1.1\r\nhost: localhost\r\ncontent-length: 33554433\r\n\r\n");
    exchange(main, claim.as_bytes()).assert_platform_error(
        400,
        "FcCommonError",
        "EntityTooLarge",
        "33554432",
    );
}

#[test]
fn pages_of_other_sites_cannot_call_the_api() {
    let local = Local::scripted(f());
    let main = local.main_port();
    let ask = |host: &str, headers: &str| {
        let head = format!(
            "POST /2023-03-30/functions/f/invocations HTTP/1.1\r\nhost: {host}\r\n{headers}content-length: 1\r\n\r\nx"
        );
        exchange(main, head.as_bytes())
    };
    for (host, headers) in [
        ("evil.example", ""),
        ("localhost", "origin: https://evil.example\r\n"),
        ("localhost", "origin: null\r\n"),
        ("localhost", "sec-fetch-site: cross-site\r\n"),
    ] {
        let reply = ask(host, headers);
        reply.assert_platform_error(403, "FcCommonError", "AccessDenied", "");
    }
    ask(&format!("localhost:{main}"), &format!("origin: http://localhost:{main}\r\n")).assert_ok();
    ask("[::1]", "").assert_ok();
}

#[test]
fn a_caller_can_ask_for_the_log() {
    let local = Local::scripted(f());
    let reply = local.invoke("x-fc-log-type: Tail\r\n", b"hello");
    let log =
        base64::engine::general_purpose::STANDARD.decode(reply.header("x-fc-log-result").unwrap()).unwrap();
    let log = String::from_utf8(log).unwrap();
    assert!(log.contains("event of 5 bytes\nFC Invoke End RequestId: "), "{log}");

    // Also when the function ends in the call, by the instance that had it.
    let reply = local.invoke("x-fc-log-type: Tail\r\n", b"crash");
    reply.assert_function_error(200, "Process exited unexpectedly");
    let instance = reply.header("x-fc-instance-id").unwrap();
    let log =
        base64::engine::general_purpose::STANDARD.decode(reply.header("x-fc-log-result").unwrap()).unwrap();
    let log = String::from_utf8(log).unwrap();
    assert!(
        log.contains(&format!("FC Invoke End RequestId: {}, Error: Process exited", reply.id())),
        "{log}"
    );
    let record = local.wait_for(kind("request").request(&reply.id()));
    assert_eq!(record["instance"], *instance);
}

#[test]
fn the_record_says_which_way_a_call_came_in() {
    let local = Local::scripted(f());
    let record = |id: String| local.wait_for(kind("request").request(&id));
    for (id, via) in
        [(local.get("/name").id(), "http_trigger"), (local.invoke("", b"hello").id(), "invoke_function")]
    {
        let record = record(id);
        assert_eq!((&record["via"], &record["attempt"]), (&via.into(), &1.into()), "{record}");
    }
    let refused = record(local.call("OPTIONS", "/", "", b"").id());
    assert!(refused.get("via").is_none() && refused.get("attempt").is_none(), "{refused}");
}
