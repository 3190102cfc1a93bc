//! Header values are octets: one that is no ASCII hides nothing of what stands beside it.

use crate::support::{Answer, Server};

/// One request with this header line.
#[track_caller]
fn ask(server: &Server, start: &str, line: &[u8], body: &str) -> Answer {
    let mut conn = server.connect();
    let length = body.len();
    let head = format!("{start} HTTP/1.1\r\nHost: a\r\nContent-Length: {length}\r\n");
    conn.send(&[head.as_bytes(), line, b"\r\n\r\n", body.as_bytes()].concat());
    conn.answer("GET")
}

#[test]
fn cookies() {
    let server = Server::app("octets");
    for (line, expected) in [
        (&b"Cookie: sid=7"[..], "7"),
        (b"Cookie: name=\xe4; sid=7", "7"),
        (b"Cookie: sid=7; name=\xe4\xff", "7"),
        (b"Cookie: \xe4=1; sid=7", "7"),
        (b"Cookie: a=1\r\nCookie: b=\xff;sid=7", "7"),
        ("Cookie: sid=ä".as_bytes(), "ä"),
        // What is no text is no value that could be given.
        (b"Cookie: sid=\xe4", "none"),
        (b"Cookie: sid=\xe4; sid=7", "none"),
    ] {
        ask(&server, "GET /cookie", line, "").assert_status(200).assert_text(expected);
    }
}

#[test]
fn content_types() {
    let server = Server::app("octets");
    let json = ask(&server, "POST /json", b"Content-Type: application/json; name=\"\xe4\"", "[1]");
    json.assert_status(200).assert_text("1");
    let form =
        ask(&server, "POST /form", b"Content-Type: application/x-www-form-urlencoded; name=\xff", "a=b");
    form.assert_status(200).assert_text("1");
    let text = ask(&server, "POST /text", b"Content-Type: text/plain; name=\xe4; charset=koi8-r", "text");
    text.assert_problem(415);
    let none = ask(&server, "POST /json", b"Content-Type: \xe4pplication/json", "[1]");
    assert!(none.assert_problem(415)["detail"].as_str().unwrap().contains("pplication/json"));
}

#[test]
fn the_last_event_id() {
    let server = Server::app("octets");
    for (line, expected) in [
        (&b"Last-Event-ID: 7"[..], "7"),
        ("Last-Event-ID: größe".as_bytes(), "größe"),
        (b"Last-Event-ID: gr\xf6\xdfe", "größe"),
        (b"Last-Event-ID: ", "none"),
    ] {
        ask(&server, "GET /id", line, "").assert_status(200).assert_text(expected);
    }
}

#[test]
fn any_header() {
    let server = Server::app("octets");
    ask(&server, "GET /header", "x-name: größe".as_bytes(), "").assert_text("größe");
    ask(&server, "GET /header", b"x-name: gr\xf6\xdfe", "").assert_text("none");
}

#[test]
fn tokens() {
    let server = Server::app("octets");
    ask(&server, "GET /token", "Authorization: Bearer schlüssel".as_bytes(), "").assert_status(200);
    ask(&server, "GET /token", b"Authorization: Bearer schl\xfcssel", "").assert_status(401);
}

/// What trusted proxies say last is read, whatever a client has said before.
#[test]
fn forwarded() {
    let server = Server::app("octets");
    ask(&server, "GET /scheme", b"X-Forwarded-Proto: \xe4, https", "").assert_text("https");
}

#[test]
fn subprotocols() {
    let server = Server::contract();
    let mut conn = server.connect();
    conn.send(
        b"GET /ws HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, \xe4, Upgrade\r\nUpgrade: websocket\r\n\
          Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\n\
          Sec-WebSocket-Protocol: \xff, echo\r\n\r\n",
    );
    conn.answer_head().assert_status(101).assert_header("sec-websocket-protocol", "echo");
}
