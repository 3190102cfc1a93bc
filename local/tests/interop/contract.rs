//! The contract example behind fc-local, in both editions of the platform.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::json;
use testkit::Answer;
use testkit::events::kind;
use testkit::h1::{exchange, request};

use super::example;
use crate::harness::{Local, f, write_manifest};

fn start(edition: &str) -> Local {
    let folder = testkit::Folder::new();
    folder.link("code/bootstrap", example("contract").to_str().unwrap());
    let hook = json!({"handler": "x", "timeout": 5});
    let function = f().timeout(60).concurrency(10).local("freeze", true);
    let function =
        function.hook("initializer", hook.clone()).hook("preFreeze", hook.clone()).hook("preStop", hook);
    write_manifest(&folder, function);
    Local::start(folder, &["--edition", edition])
}

fn log(answer: &Answer) -> String {
    String::from_utf8(STANDARD.decode(answer.header("x-fc-log-result").unwrap()).unwrap()).unwrap()
}

fn check(edition: &str) {
    let mut local = start(edition);
    local.get("/plaintext").assert_text("Hello, World!");
    local.get("/users/7/posts/8").assert_text(r#"{"user":7,"post":8}"#);
    let order = |body: &[u8]| local.call("POST", "/orders", "content-type: application/json\r\n", body);
    assert_eq!(order(br#"{"item":"tea","quantity":1}"#).status, 201);
    assert_eq!(order(br#"{"item":"tea","quantity":0}"#).status, 422);
    let echoed = local.call("POST", "/echo", "content-type: text/plain\r\n", b"as it is");
    assert_eq!((echoed.text().as_str(), echoed.header("content-type")), ("as it is", Some("text/plain")));
    assert!(local.get("/sse?n=2&ms=1").text().contains("tick 1"));
    let context = local.get("/context");
    assert!(context.text().contains(&context.id()), "{}", context.text());
    assert_eq!(local.get("/counters").json()["initialized"], true);
    local.get("/panic").assert_status(500);

    assert_eq!(local.invoke("", b"hello").text(), "HELLO");
    let failed = local.invoke("", b"fail");
    assert_eq!((failed.status, failed.header("x-fc-error-type")), (200, Some("UnhandledInvocationError")));
    // In edition 2.0 the runtime marks its calls, in edition 3.0 the platform does. Either way there is one mark.
    let told = log(&local.invoke("x-fc-log-type: Tail\r\n", b"hello"));
    assert_eq!(told.matches("FC Invoke Start RequestId: ").count(), 1, "{edition}: {told}");

    if edition == "fc2" {
        let target = "/2016-08-15/proxy/test/f/users/7";
        exchange(local.main_port(), &request("GET", target, "", b"")).assert_text("7");
        let target = "/2016-08-15/services/test/functions/f/invocations";
        assert_eq!(exchange(local.main_port(), &request("POST", target, "", b"hello")).text(), "HELLO");
    }
    assert_eq!(local.interrupt(), Some(0));
    for failed in ["pre_freeze_failed", "pre_stop_failed", "instance_ended"] {
        assert_eq!(local.count(kind(failed)), 0, "{edition}: {failed}");
    }
}

#[test]
#[ignore = "builds the contract example"]
fn the_contract_holds_in_edition_3() {
    check("fc3");
}

#[test]
#[ignore = "builds the contract example"]
fn the_contract_holds_in_edition_2() {
    check("fc2");
}
