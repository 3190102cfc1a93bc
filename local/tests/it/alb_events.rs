//! Event functions behind a load balancer: the JSON in place of the request, and the reply that is made of theirs.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use serde_json::{Value, json};
use testkit::events::kind;
use testkit::h1::{Conn, exchange, request};
use testkit::{Answer, Ask};

use crate::alb::{alb_part, group, listener, port_of, start};
use crate::harness::{Local, f, scripted};

fn started() -> (Local, u16) {
    let terraform = [group("f"), listener(80, "f", "")].concat();
    let local = start(scripted(), f().timeout(30).local("eventFunction", true), &terraform, &[80]);
    let port = port_of(&local, 80);
    (local, port)
}

fn get(port: u16, target: &str) -> Answer {
    exchange(port, &request("GET", target, "", b""))
}

#[test]
fn an_event_function_gets_the_request_as_json() {
    let (local, port) = started();
    let sent = "x-two: a\r\nx-two: b\r\nuser-agent: me\r\ncontent-type: text/plain\r\n";
    let answer = exchange(port, &request("PUT", "/as-event?tag=a&tag=b%20c&x=%26", sent, b"hello"));
    answer.assert_status(203).assert_header("content-type", "application/json").assert_header("x-own", "1");
    let event = answer.json();
    assert_eq!((&event["version"], &event["rawPath"]), (&json!("v1"), &json!("/as-event")));
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!("hello"), &json!(false)));
    assert_eq!(event["queryParameters"], json!({"tag": "a,b c", "x": "&"}));
    let headers = &event["headers"];
    assert_eq!((&headers["X-Two"], &headers["User-Agent"]), (&json!("a,b"), &json!("me")));
    assert_eq!(headers["X-Forwarded-For"], "127.0.0.1");
    assert_eq!(headers["Alicloud-Alb-Trace"].as_str().unwrap().len(), 16);
    let fc: Vec<&String> =
        headers.as_object().unwrap().keys().filter(|name| name.to_lowercase().starts_with("x-fc-")).collect();
    assert!(fc.is_empty(), "{fc:?}");
    let context = &event["requestContext"];
    assert_eq!(context["requestId"], answer.id());
    let http = json!({
        "method": "PUT", "path": "/as-event", "protocol": "HTTP/1.1", "sourceIp": "127.0.0.1", "userAgent": "me",
    });
    assert_eq!(context["http"], http);
    assert_eq!(context["domainName"], headers["Host"]);
    assert!(context["timeEpoch"].as_str().unwrap().parse::<u64>().is_ok());
    let told = alb_part(&local, "/as-event", 203);
    assert_eq!((&told["statusBy"], &told["upstreamStatus"]), (&json!("function"), &json!(203)));

    // Binary bodies are base64, both ways.
    let bytes: Vec<u8> = (0..=255).collect();
    let event = Conn::open(port).ask(&Ask::post("/as-event", bytes.clone())).json();
    assert_eq!((&event["body"], &event["isBase64Encoded"]), (&json!(STANDARD.encode(bytes)), &json!(true)));
    let answer = get(port, "/as-binary");
    answer.assert_status(201).assert_header("content-type", "image/png");
    assert_eq!(answer.body, [0xff, 0, 1]);
}

#[test]
fn what_is_no_object_with_a_status_is_the_body() {
    let (_local, port) = started();
    get(port, "/as-text")
        .assert_status(200)
        .assert_text("hello world")
        .assert_header("content-type", "text/plain; charset=utf-8");
    get(port, "/as-json").assert_status(200).assert_header("content-type", "application/json");
    get(port, "/as-nothing").assert_status(404).assert_text("no such word");
    let answer = get(port, "/as-reserved");
    answer.assert_status(200).assert_text("x").assert_header("x-own", "1").assert_no_header("x-fc-own");
    assert_ne!(answer.header("server"), Some("me"), "the platform's own headers are not the function's");
}

#[test]
fn wrong_replies_and_failures_are_502() {
    let (local, port) = started();
    for (target, part) in [("/as-status", "statusCode"), ("/as-header", "`a b`"), ("/as-base64", "no base64")]
    {
        let answer = get(port, target);
        answer.assert_status(502);
        let told = answer.json();
        assert_eq!(told["Code"], "BadResponse", "{told}");
        assert!(told["Message"].as_str().unwrap().contains(part), "{told}");
        assert_eq!(alb_part(&local, target, 502)["statusBy"], "function_compute");
    }
    let answer = get(port, "/as-failure");
    answer.assert_status(502).assert_header("x-fc-error-type", "UnhandledInvocationError");
    assert_eq!(answer.json()["errorMessage"], "as asked");
    let answer = get(port, "/as-crash");
    answer.assert_status(502);
    assert!(answer.json()["errorMessage"].as_str().unwrap().contains("exited"), "{}", answer.text());
    local.wait_for(kind("request").field("path", "/as-crash").status(502));
}

/// The other ways in to an event function pass requests on in the same form, and an asynchronous one is stored so.
#[test]
fn every_way_in_passes_the_same_event() {
    let (local, port) = started();
    let event: Value = local.call("POST", "/as-event", "", b"x").json();
    assert_eq!((&event["body"], &event["headers"]["X-Forwarded-Proto"]), (&json!("x"), &json!("http")));
    // What the API sends is the payload as it is.
    assert_eq!(local.invoke("", b"hello").text(), "HELLO");
    let answer = exchange(port, &request("POST", "/as-text", "x-fc-invocation-type: Async\r\n", b"x"));
    answer.assert_status(202);
    local.wait_for(
        kind("async_call").field("state", "succeeded").or(kind("async_call").field("state", "Succeeded")),
    );
}
