//! How heads and bodies are framed: what cannot be read, many headers, codings, trailers, functions that speak HTTP/1.0.

use std::time::Duration;

use testkit::events::{kind, printed};
use testkit::h1::{Conn, exchange, request};
use testkit::{Ask, h2};

use crate::harness::{Local, f};

fn chunked(method: &str, target: &str) -> Vec<u8> {
    let head = format!("{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\n\r\n");
    format!("{head}6\r\nhello \r\n5\r\nworld\r\n0\r\n\r\n").into_bytes()
}

/// The function goes on: nothing of it has ended.
#[test]
fn a_chunk_that_cannot_be_read_is_said_as_such() {
    let local = Local::scripted(f());
    local.call("GET", "/bad-chunk?ms=300", "", b"");
    let told = local.wait_for(kind("call_failed").field("failure", "bad_response"));
    assert!(
        told["message"].as_str().unwrap().starts_with("the chunks of the function's reply cannot be read"),
        "{told}"
    );
    local.wait_for(kind("request").request(told.request()).field("by", "function").field("level", "error"));
}

#[test]
fn trailers_of_a_reply_pass_to_a_client_that_takes_them() {
    let local = Local::scripted(f().concurrency(1));
    let pid = local.get("/pid").text();
    for (headers, end) in [
        ("", "5\r\nwhole\r\n0\r\n\r\n"),
        ("connection: te\r\nte: trailers\r\n", "5\r\nwhole\r\n0\r\nx-sum: 1\r\n\r\n"),
    ] {
        let mut conn = Conn::open(local.function_port("f"));
        conn.send(&request("GET", "/trailers", headers, b""));
        let head = conn.answer_head();
        assert_eq!(head.header("trailer"), Some("x-sum, x-fc-own"), "{head:?}");
        let bytes = conn.bytes(end.len());
        assert_eq!(String::from_utf8_lossy(&bytes), end, "{headers}");
        local.wait_for(kind("request").request(&head.id()).status(200));
    }
    // HTTP/2 has trailers for everybody.
    let mut conn = h2::Conn::open(local.function_port("f"));
    let answer = conn.ask(&Ask::get("/trailers"));
    assert_eq!(answer.text(), "whole");
    assert_eq!(answer.trailers, [("x-sum".to_owned(), "1".to_owned())]);
    // A caller that wants the log gets a whole reply.
    let whole = local.call("GET", "/trailers", "x-fc-log-type: Tail\r\nte: trailers\r\n", b"");
    assert_eq!((whole.text().as_str(), whole.header("trailer")), ("whole", None), "{whole:?}");
    assert_eq!(local.get("/pid").text(), pid, "the instance is kept");
    assert_eq!(local.count(kind("call_cancelled")), 0);
}

/// HTTP/2 drops what it has not sent when a stream is reset, and hyper's HTTP/1 when a body fails.
#[test]
fn what_came_before_the_failure_of_a_stream_reaches_the_client() {
    let local = Local::scripted(f().concurrency(10));
    let mut conn = h2::Conn::open(local.function_port("f"));
    // Within the window of a stream, so that nothing depends on how soon the client reads.
    for length in [1, 20_000, 60_000] {
        let id = conn.send(&Ask::get(format!("/broken?n={length}")));
        let answer = conn.answer_or_reset(id);
        assert_eq!((answer.status, answer.body.len(), answer.is_cut), (200, length, true));
    }
    for length in [1, 60_000, 4 << 20] {
        let mut conn = Conn::open(local.function_port("f"));
        conn.send(&request("GET", &format!("/broken?n={length}"), "", b""));
        let head = conn.answer_head();
        let body = String::from_utf8(conn.rest()).unwrap();
        assert_eq!((head.status, body.matches('x').count()), (200, length));
        assert!(!body.ends_with("0\r\n\r\n"), "it is cut");
    }
    // A failure that the client has read is recorded as the function's.
    local.wait_for_nth(6, kind("request").field("path", "/broken").field("failure", "process_exited"));
    assert_eq!(local.count(kind("request").status(499)), 0);
    conn.ask(&Ask::get("/name")).assert_status(200);
}

#[test]
fn a_slow_client_gets_what_came_before_the_failure_of_a_stream() {
    const SLOW: Duration = Duration::from_millis(120);
    let local = Local::scripted(f().concurrency(10));
    for (length, step) in [(400 << 10, 64 << 10), (4 << 20, 1 << 20)] {
        let mut conn = h2::Conn::open(local.function_port("f"));
        let id = conn.send(&Ask::get(format!("/broken?n={length}")));
        let (mut read, mut room) = (0, 65_535);
        loop {
            if read == room {
                assert!(conn.is_quiet_for(SLOW), "there is no room for more");
                conn.open_window(id, step);
                room += step as usize;
            }
            match conn.read() {
                frame if frame.stream != id => {}
                frame if frame.kind == h2::RST_STREAM => break,
                // Data has the type 0.
                frame if frame.kind == 0 => read += frame.payload.len(),
                frame => assert_eq!(frame.kind, 1, "a head"),
            }
        }
        assert_eq!(read, length);
    }
}

#[test]
fn interim_replies_pass_to_a_client_of_http_1_1() {
    let local = Local::scripted(f().concurrency(10));
    let port = local.function_port("f");
    let mut conn = Conn::open(port);
    // The connection is used again: what is interim is between whole replies.
    for ms in [0, 300, 0] {
        conn.send(&request("GET", &format!("/early?ms={ms}"), "", b""));
        for _ in 0..2 {
            let early = conn.answer_head();
            assert_eq!((early.status, early.header("link")), (103, Some("</a.css>; rel=preload")));
            assert_eq!(early.header("x-fc-own"), None, "{early:?}");
        }
        let reply = conn.answer("GET");
        assert_eq!((reply.status, reply.text().as_str()), (200, "late"));
    }
    // Two requests at once.
    conn.send(&[request("GET", "/name", "", b""), request("GET", "/early", "", b"")].concat());
    conn.answer("GET").assert_ok();
    assert_eq!([conn.answer_head().status, conn.answer_head().status], [103, 103]);
    conn.answer("GET").assert_ok();
    // HTTP/1.0 has none, and hyper's HTTP/2 sends none.
    let mut old = Conn::open(port);
    old.send(b"GET /early HTTP/1.0\r\nhost: 127.0.0.1\r\n\r\n");
    let reply = String::from_utf8(old.rest()).unwrap();
    assert!(reply.starts_with("HTTP/1.0 200 OK\r\n") && reply.ends_with("\r\n\r\nlate"), "{reply}");
    assert_eq!(h2::Conn::open(port).ask(&Ask::get("/early")).text(), "late");
}

#[test]
fn trailers_of_a_request_pass_without_what_a_client_may_not_say() {
    let local = Local::scripted(f());
    let head = "HTTP/1.1\r\nhost: 127.0.0.1\r\ntransfer-encoding: chunked\r\ntrailer: x-sum, x-fc-own, x-forwarded-for\r\n";
    let body = "5\r\nhello\r\n0\r\nx-sum: 1\r\nx-fc-own: 1\r\nx-forwarded-for: 1.2.3.4\r\nx-other: 1\r\n\r\n";
    for (method, te) in [("POST", "connection: te\r\nte: trailers\r\n"), ("GET", ""), ("HEAD", "")] {
        let reply =
            exchange(local.function_port("f"), format!("{method} /trailed {head}{te}\r\n{body}").as_bytes());
        if method != "HEAD" {
            assert_eq!(reply.text(), "hello then \"x-sum: 1\"", "{method}");
        }
        local.wait_for(printed(if te.is_empty() { "te: " } else { "te: trailers" }));
    }
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

fn with_fields(count: usize) -> String {
    let fields: Vec<String> = (0..count).map(|at| format!("a{at}:\r\n")).collect();
    let fields = fields.concat();
    format!("GET /name HTTP/1.1\r\nhost: a\r\n{fields}\r\n")
}

/// What the HTTP library would refuse without a word.
#[test]
fn heads_that_cannot_be_read_are_told_and_recorded() {
    let local = Local::scripted(f());
    let port = local.function_port("f");
    let long = "x".repeat(600 * 1024);
    for (head, part, method, path) in [
        (with_fields(1030), "more than 1024 headers", "GET", "/name"),
        (format!("GET /name HTTP/1.1\r\nhost: a\r\nx: {long}\r\n\r\n"), "262144 bytes", "GET", "/name"),
        ("PUT /name?secret HTTP/1.1\r\nx y: z\r\n\r\n".to_owned(), "cannot be read", "PUT", "/name"),
        ("nonsense\r\n\r\n".to_owned(), "cannot be read", "nonsense", ""),
        (
            "PUT / HTTP/1.1\r\nhost: a\r\ntransfer-encoding: gzip\r\n\r\n".to_owned(),
            "cannot be read",
            "-",
            "",
        ),
    ] {
        let mut conn = Conn::open(port);
        let _ = conn.try_send(head.as_bytes());
        let reply = conn.answer("GET");
        reply.assert_platform_error(400, "FcCommonError", "InvalidArgument", part);
        assert_eq!((reply.header("connection"), conn.rest()), (Some("close"), Vec::new()), "{part}");
        let of_it = kind("request").request(&reply.id()).status(400);
        local.wait_for(of_it.field("method", method).field("path", path));
    }
    // Behind a request that was answered.
    let mut conn = Conn::open(port);
    conn.send(b"GET /name HTTP/1.1\r\nhost: a\r\n\r\nnonsense\r\n\r\n");
    conn.answer("GET").assert_ok();
    conn.answer("GET").assert_platform_error(400, "FcCommonError", "InvalidArgument", "cannot be read");
}

#[test]
fn many_headers_pass_both_ways() {
    let local = Local::scripted(f());
    let port = local.function_port("f");
    for count in [84, 100, 500, 1000] {
        exchange(port, with_fields(count).as_bytes()).assert_ok();
    }
    // A head that is read once more stands between two others, with a body larger than one read.
    let mut conn = Conn::open(port);
    let many = with_fields(150).replace("GET /name", "POST /length");
    let many = many.replace("host: a", "host: a\r\ncontent-length: 300000");
    let usual = "GET /name HTTP/1.1\r\nhost: a\r\n\r\n";
    conn.send(usual.as_bytes());
    conn.answer("GET").assert_ok();
    conn.send([many.as_str(), "x".repeat(300_000).as_str(), usual].concat().as_bytes());
    assert_eq!(conn.answer("POST").text(), "300000");
    conn.answer("GET").assert_ok();
    for count in [101, 500] {
        let reply = local.get(&format!("/many-headers?n={count}"));
        reply.assert_ok();
        assert!(reply.headers.len() > count, "{}", reply.headers.len());
    }
}

#[test]
fn only_a_single_chunked_is_a_coding() {
    let local = Local::scripted(f());
    let port = local.function_port("f");
    let send = |codings: &str| {
        let head = format!("POST /length HTTP/1.1\r\nhost: a\r\n{codings}\r\n\r\n1\r\nx\r\n0\r\n\r\n");
        exchange(port, head.as_bytes())
    };
    assert_eq!(send("Transfer-Encoding: Chunked").text(), "1");
    for codings in
        ["transfer-encoding: gzip, chunked", "transfer-encoding: chunked\r\ntransfer-encoding: chunked"]
    {
        send(codings).assert_platform_error(400, "FcCommonError", "InvalidArgument", "Transfer-Encoding");
    }
    for path in ["/coding", "/codings"] {
        local.get(path).assert_platform_error(
            502,
            "UnhandledInvocationError",
            "BadResponse",
            "Transfer-Encoding",
        );
        assert_eq!(local.invoke("", b"x").status, 200);
    }
}

/// A client must not take a reply for a success whose body fails before its first piece.
#[test]
fn a_body_that_fails_at_once_is_a_502() {
    let local = Local::scripted(f());
    for ms in [0, 20] {
        let reply = local.get(&format!("/cut-first?ms={ms}"));
        reply.assert_function_error(502, "Process exited unexpectedly");
        local.wait_for(kind("request").request(&reply.id()).status(502));
    }
    // The first piece may take longer than the head is held for it.
    let mut conn = Conn::open(local.function_port("f"));
    conn.send(b"GET /cut-first?ms=600 HTTP/1.1\r\nhost: a\r\n\r\n");
    conn.answer_head().assert_status(200);
    let reply = local.get("/chunks?n=3&ms=150");
    assert_eq!((reply.text().as_str(), reply.is_cut), ("chunk 0\nchunk 1\nchunk 2\n", false));
    let reply = local.get("/chunks?n=0");
    assert_eq!((reply.status, reply.text().as_str(), reply.is_cut), (200, "", false));
}

#[test]
fn targets_in_other_forms_reach_the_function() {
    let local = Local::scripted(f().methods(&["GET", "OPTIONS"]));
    let port = local.function_port("f");
    for (shape, text) in [
        ("OPTIONS * HTTP/1.1\r\nhost: a\r\n\r\n", "OPTIONS"),
        ("GET http://a?b HTTP/1.1\r\nhost: a\r\n\r\n", "GET"),
        ("GET http://a:80/ HTTP/1.1\r\nhost: A\r\n\r\n", "GET"),
    ] {
        let reply = exchange(port, shape.as_bytes());
        assert_eq!((reply.status, reply.text().as_str()), (200, text), "{shape}");
    }
    for host in ["a b", "a/b", "u@a", "a:99999", "a:x", "[::1", "[a]", "::1"] {
        let reply = exchange(port, format!("GET / HTTP/1.1\r\nhost: {host}\r\n\r\n").as_bytes());
        reply.assert_platform_error(400, "FcCommonError", "InvalidArgument", "not a host");
    }
}
