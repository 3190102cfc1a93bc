//! How bodies are framed: replies that end in trailers, and functions that speak HTTP/1.0.

use testkit::events::kind;
use testkit::h1::exchange;

use crate::harness::{Local, f};

fn chunked(method: &str, target: &str) -> Vec<u8> {
    let head = format!("{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n");
    format!("{head}6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n").into_bytes()
}

#[test]
fn a_reply_that_ends_in_trailers_is_whole() {
    let local = Local::scripted(f().concurrency(1));
    let pid = local.get("/pid").text();
    for headers in ["", "te: trailers\r\n"] {
        let reply = local.call("GET", "/trailers", headers, b"");
        assert_eq!((reply.text().as_str(), reply.is_cut), ("whole", false));
        local.wait_for(kind("request").request(&reply.id()).status(200));
    }
    assert_eq!(local.get("/pid").text(), pid, "the instance is kept");
    assert_eq!(local.count(kind("call_cancelled")), 0);
}

#[test]
fn a_function_that_speaks_http_1_0_gets_each_body_by_its_length() {
    let local = Local::scripted(f());
    let port = local.function_port("f");
    // From the first reply on it is known.
    local.get("/http10").assert_ok();
    for (nth, method) in ["POST", "PUT", "PATCH"].into_iter().enumerate() {
        let reply = exchange(port, &chunked(method, "/http10"));
        let text = reply.text();
        let (head, body) = text.split_once("\r\n\r\n").unwrap();
        assert_eq!((reply.status, body), (200, "hello world"), "{head}");
        assert!(head.contains("content-length: 11") && !head.contains("transfer-encoding"), "{head}");
        assert_eq!(
            reply.header("x-connection"),
            Some(&*(nth + 2).to_string()),
            "the connection is used again"
        );
    }
    let reply = exchange(port, &chunked("POST", "/seen"));
    assert!(
        reply.text().contains("content-length: 11") && reply.text().ends_with("hello world"),
        "{reply:?}"
    );
}

#[test]
fn a_body_that_breaks_off_while_it_is_taken_in_is_the_clients_fault() {
    let local = Local::scripted(f());
    let port = local.function_port("f");
    local.get("/http10").assert_ok();
    let head = "POST /http10 HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n";
    let reply = exchange(port, format!("{head}5\r\nhello\r\nnot a size\r\n").as_bytes());
    reply.assert_platform_error(400, "FcCommonError", "InvalidArgument", "the request's body ended early");
    let reply = exchange(port, &chunked("POST", "/http10"));
    assert!(reply.text().ends_with("hello world"), "{reply:?}");
}
