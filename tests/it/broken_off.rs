//! Requests that are broken off: no reader takes what came of a body for the whole.

use crate::grpc::{call, hello};
use crate::support::{Ask, Launch, Server, build, h2};

const DATA: u8 = 0;
const RST_STREAM: u8 = 3;

/// `NO_ERROR` is how some clients leave; to a reader all codes say the same.
const NO_ERROR: &[u8] = b"\x00\x00\x00\x00";
const CODES: [&[u8]; 3] = [NO_ERROR, b"\x00\x00\x00\x02", b"\x00\x00\x00\x08"];

/// Each with a beginning that would do for a whole body.
fn readers() -> Vec<(Ask, Vec<u8>)> {
    let plain = |path: &str, content_type: &str, body: &[u8]| {
        (Ask::new("POST", path).header("content-type", content_type), body.to_vec())
    };
    vec![
        plain("/bytes", "application/octet-stream", b"some"),
        plain("/text", "text/plain", b"some"),
        plain("/json", "application/json", b"[1]"),
        plain("/form", "application/x-www-form-urlencoded", b"a=1"),
        plain("/pieces", "application/octet-stream", b"some"),
        plain("/finish/bytes", "application/octet-stream", b"some"),
        plain("/invoke", "application/octet-stream", b"some"),
        (call("/it.Bodies/One", b""), hello(&["a"])),
        (call("/it.Bodies/Gather", b""), hello(&["a"])),
    ]
}

/// A request whose end has not been sent.
#[track_caller]
fn begin(conn: &mut h2::Conn, ask: &Ask, id: &str, part: &[u8]) -> u32 {
    let ask = Ask { body: Some(Vec::new()), chunked: true, ..ask.clone() };
    let stream = conn.send_head(&ask.header("x-fc-request-id", id));
    conn.frame(DATA, 0, stream, part);
    stream
}

/// It is a departure, and nobody took the body for whole.
#[track_caller]
fn check_broken_off(server: &Server, id: &str, phase: &str) {
    let record = server.record(id);
    assert_eq!((&record["status"], &record["end"]), (&499.into(), &"client left".into()), "{record}");
    assert_eq!(record["phase"], phase, "{record}");
    let seen = server.seen();
    assert!(!seen.contains(&format!("whole:{id}")), "{seen:?}");
}

#[test]
fn by_a_reset_of_any_code() {
    let server = Server::app("bodies");
    for (ask, part) in readers() {
        for (at, code) in CODES.iter().enumerate() {
            let id = format!("reset-{at}{}", ask.target);
            let mut conn = h2::Conn::open(server.port);
            let stream = begin(&mut conn, &ask, &id, &part);
            server.until_counter("in_flight", 2);
            conn.frame(RST_STREAM, 0, stream, code);
            check_broken_off(&server, &id, "reading");
            server.until_idle();
        }
    }
}

/// The frames come together: the handler finds the reset when it begins to read.
#[test]
fn by_a_reset_at_once() {
    let server = Server::app("bodies");
    for (ask, part) in readers() {
        let id = format!("at-once{}", ask.target);
        let mut conn = h2::Conn::open(server.port);
        let stream = begin(&mut conn, &ask, &id, &part);
        conn.frame(RST_STREAM, 0, stream, NO_ERROR);
        // One that is reset before it is taken over is no request at all.
        conn.ask(&Ask::get("/counters")).assert_status(200);
        server.until_idle();
        let seen = server.seen();
        assert!(!seen.contains(&format!("whole:{id}")), "{seen:?}");
    }
}

/// A reply that is a stream may read on: it ends with its client, and does not end well.
#[test]
fn while_a_reply_is_sent() {
    let server = Server::app("bodies");
    let mut conn = h2::Conn::open(server.port);
    let stream = begin(&mut conn, &call("/it.Bodies/Talk", b""), "talk", &hello(&["a"]));
    server.until_seen("reading:talk");
    conn.frame(RST_STREAM, 0, stream, NO_ERROR);
    check_broken_off(&server, "talk", "replying");
}

#[test]
fn in_front_of_a_generated_service() {
    let server = Launch::program(build::greeter("greeter-service")).start();
    let mut conn = h2::Conn::open(server.port);
    let mut stream = 0;
    for method in ["SayHello", "Collect"] {
        stream = begin(&mut conn, &call(&format!("/greeter.Greeter/{method}"), b""), "", &hello(&["a"]));
        conn.frame(RST_STREAM, 0, stream, NO_ERROR);
        conn.ask(&call("/greeter.Greeter/SayHello", &hello(&["a"]))).assert_status(200);
    }
    assert!(stream > 0);
    drop(conn);
    let mut server = server;
    let lines = server.stop();
    let ends = |end: &str| lines.iter().filter(|line| line["end"] == end).count();
    assert_eq!(ends("client left"), 2, "{lines:?}");
    assert!(lines.iter().all(|line| line["grpc"] != "UNKNOWN"), "{lines:?}");
}

/// The stream ends in order, but before its length.
#[test]
fn by_an_end_short_of_the_length() {
    let server = Server::app("bodies");
    for (ask, part) in readers() {
        let id = format!("short{}", ask.target);
        let mut conn = h2::Conn::open(server.port);
        let stream = begin(&mut conn, &ask.header("content-length", "5000"), &id, &part);
        server.until_counter("in_flight", 2);
        conn.frame(DATA, 1, stream, b"");
        check_broken_off(&server, &id, "reading");
        server.until_idle();
    }
}

/// Neither a length nor chunks tell a reader that comes late what its connection did not bring.
#[test]
fn over_http1_before_anybody_reads() {
    let server = Server::app("bodies");
    for (name, framing) in [
        ("length", "Content-Length: 500000\r\n\r\nsome"),
        ("chunks", "Transfer-Encoding: chunked\r\n\r\n4\r\nsome\r\n"),
        ("chunk", "Transfer-Encoding: chunked\r\n\r\n8\r\nsome"),
    ] {
        let id = format!("http1-{name}");
        let mut conn = server.connect();
        let head = format!("POST /finish/late HTTP/1.1\r\nHost: a\r\nx-fc-request-id: {id}\r\n");
        conn.send(format!("{head}{framing}").as_bytes());
        server.until_seen(&format!("waiting:{id}"));
        drop(conn);
        server.until_seen(&format!("cut:{id}"));
        assert_eq!(server.record(&id)["status"], 499);
        assert!(!server.seen().contains(&format!("whole:{id}")));
    }
}

/// What was whole before its client left is read to its end by who finishes.
#[test]
fn not_when_all_of_it_had_come() {
    let server = Server::app("bodies");
    let head = "POST /finish/late HTTP/1.1\r\nHost: a\r\nx-fc-request-id: whole-1\r\n";
    let mut conn = server.connect();
    conn.send(format!("{head}Content-Length: 4\r\n\r\nsome").as_bytes());
    server.until_seen("waiting:whole-1");
    drop(conn);
    server.until_seen("whole:whole-1");
    let mut conn = h2::Conn::open(server.port);
    let ask = Ask::post("/finish/late", "some").header("x-fc-request-id", "whole-2");
    let stream = conn.send(&ask);
    server.until_seen("waiting:whole-2");
    conn.frame(RST_STREAM, 0, stream, NO_ERROR);
    server.until_seen("whole:whole-2");
    assert_eq!(server.record("whole-2")["status"], 499);
}
