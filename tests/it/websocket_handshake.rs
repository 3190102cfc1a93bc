//! Requests that become sockets, and those that do not, with the reason.

use crate::support::ws::{self, Client, handshake};
use crate::support::{Ask, Server, h1, h2};

/// The handshake of RFC 6455 with one header changed, added (`Some`) or left out.
fn with(name: &str, value: Option<&str>) -> Ask {
    let mut ask = handshake("/echo");
    ask.headers.retain(|(own, _)| own != name);
    match value {
        Some(value) => ask.header(name, value),
        None => ask,
    }
}

#[test]
fn the_example_of_the_standard_is_answered_byte_by_byte() {
    let server = Server::app("sockets");
    let mut conn = server.connect();
    conn.send(
        b"GET /echo HTTP/1.1\r\nHost: server.example.com\r\nUpgrade: websocket\r\nConnection: Upgrade\r\n\
          Sec-WebSocket-Key: dGhlIHNhbXBsZSBub25jZQ==\r\nOrigin: http://server.example.com\r\n\
          Sec-WebSocket-Protocol: chat.v1, superchat\r\nSec-WebSocket-Version: 13\r\n\r\n",
    );
    let answer = conn.answer_head();
    answer.assert_status(101).assert_header("sec-websocket-accept", "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    answer.assert_header("sec-websocket-protocol", "chat.v1");
    assert!(String::from_utf8_lossy(&conn.raw).starts_with("HTTP/1.1 101 Switching Protocols\r\n"));
}

#[track_caller]
fn check(server: &Server, ask: &Ask, status: u16, part: &str) -> crate::support::Answer {
    let answer = server.ask(ask);
    let problem = answer.assert_problem(status);
    assert!(problem["detail"].as_str().unwrap().contains(part), "{problem}");
    answer
}

#[test]
fn bad_handshakes_are_told_what_is_wrong() {
    let server = Server::app("sockets");
    let plain = check(&server, &Ask::get("/echo"), 426, "Upgrade: websocket");
    plain.assert_header("upgrade", "websocket").assert_header("connection", "upgrade");
    check(&server, &with("Upgrade", Some("h2c")), 426, "Upgrade: websocket");
    check(&server, &with("Connection", Some("keep-alive")), 400, "Connection: Upgrade");
    for version in [None, Some("8"), Some("14")] {
        let answer = check(&server, &with("Sec-WebSocket-Version", version), 426, "version 13");
        answer.assert_header("sec-websocket-version", "13");
        answer.assert_header("upgrade", "websocket").assert_header("connection", "upgrade");
    }
    for key in [
        None,
        Some(""),
        Some("dGhlIHNhbXBsZQ=="),
        Some("dGhlIHNhbXBsZSBub25jZQ"),
        Some("????????????????????????"),
    ] {
        check(&server, &with("Sec-WebSocket-Key", key), 400, "16 bytes");
    }
    let twice = handshake("/echo").header("Sec-WebSocket-Key", "dGhlIHNhbXBsZSBub25jZQ==");
    check(&server, &twice, 400, "once");
    check(&server, &Ask { method: "POST", ..handshake("/any") }, 400, "GET");
    check(&server, &Ask { body: Some(b"x".to_vec()), ..handshake("/echo") }, 400, "no body");
    check(&server, &Ask { body: Some(b"x".to_vec()), ..handshake("/echo") }.in_chunks(), 400, "no body");
    server.ask(&Ask { method: "POST", ..handshake("/echo") }).assert_status(405);
    server.ask(&handshake("/nothing")).assert_status(404);
    // A handler of another kind does not care.
    server.ask(&handshake("/plaintext")).assert_status(200).assert_text("Hello, World!");
    check(&server, &handshake("/broken-name"), 500, "internal error");
}

#[test]
fn lists_and_letters_of_the_handshake_are_read_leniently() {
    let server = Server::app("sockets");
    for ask in [
        with("Upgrade", Some("WebSocket")),
        with("Upgrade", Some("h2c, websocket")),
        with("Connection", Some("keep-alive, UPGRADE")),
        handshake("/echo").header("Content-Length", "0"),
    ] {
        let mut client = Client::ask(&server, &ask);
        client.text("tea");
        client.assert_text("tea");
    }
}

#[test]
fn http_2_and_http_1_0_have_no_sockets() {
    let server = Server::app("sockets");
    let ask = Ask::get("/echo").header("sec-websocket-version", "13");
    let problem = h2::Conn::open(server.port).ask(&ask).assert_problem(400);
    assert!(problem["detail"].as_str().unwrap().contains("HTTP/1.1"), "{problem}");
    let mut conn = server.connect();
    conn.send(
        &String::from_utf8(h1::bytes(&handshake("/echo")))
            .unwrap()
            .replace("HTTP/1.1", "HTTP/1.0")
            .into_bytes(),
    );
    assert!(String::from_utf8_lossy(&conn.rest()).contains(" 400 "));
}

#[test]
fn frames_may_come_right_behind_the_handshake() {
    let server = Server::app("sockets");
    let mut conn = server.connect();
    let early =
        [h1::bytes(&handshake("/echo")), ws::masked(0x81, b"early"), ws::masked(0x82, b"bird")].concat();
    conn.send(&early);
    let mut client = Client { conn };
    client.greeted();
    client.assert_text("early");
    assert_eq!(client.frame(), (0x82, b"bird".to_vec()));
}

#[test]
fn requests_before_the_handshake_share_its_connection() {
    let server = Server::app("sockets");
    let mut conn = server.connect();
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
    conn.ask(&Ask::get("/echo")).assert_status(426);
    conn.send(&h1::bytes(&handshake("/echo")));
    let mut client = Client { conn };
    client.greeted();
    client.text("tea");
    client.assert_text("tea");
}

#[test]
fn the_best_subprotocol_that_both_know_is_chosen() {
    let server = Server::app("sockets");
    for (offered, chosen) in [
        (None, None),
        (Some("chat.v1"), Some("chat.v1")),
        (Some("chat.v1, chat.v2"), Some("chat.v2")),
        (Some("chat.v3"), None),
        (Some("Chat.V1"), None),
    ] {
        let ask = offered.map_or(handshake("/protocol"), |offered| {
            handshake("/protocol").header("Sec-WebSocket-Protocol", offered)
        });
        let mut client = Client { conn: server.connect() };
        client.conn.send(&h1::bytes(&ask));
        assert_eq!(client.greeted().header("sec-websocket-protocol"), chosen, "{offered:?}");
        client.assert_text(chosen.unwrap_or("none"));
        client.assert_closed(1000);
    }
}

#[track_caller]
fn check_origin(server: &Server, target: &str, origin: &str, allowed: bool) {
    let ask = handshake(target).header("Origin", origin);
    if allowed {
        let mut client = Client::ask(server, &ask);
        client.text("tea");
        client.assert_text("tea");
    } else {
        check(server, &ask, 403, "origin");
    }
}

#[test]
fn pages_of_other_origins_need_leave() {
    let server = Server::app("sockets");
    // This host, whatever stands in front of it.
    check_origin(&server, "/echo", "http://21.0.0.1", true);
    check_origin(&server, "/echo", "https://21.0.0.1", true);
    check_origin(&server, "/echo", "https://21.0.0.1:444", false);
    check_origin(&server, "/echo", "https://shop.example", false);
    check_origin(&server, "/echo", "null", false);
    check_origin(&server, "/shop", "https://shop.example", true);
    check_origin(&server, "/shop", "https://shop.example.evil.example", false);
    check_origin(&server, "/shop", "https://21.0.0.1", true);
    check_origin(&server, "/open-house", "https://evil.example", true);
    let two =
        handshake("/shop").header("Origin", "https://shop.example").header("Origin", "https://evil.example");
    check(&server, &two, 403, "origin");
}

#[test]
fn arounds_come_before_the_handshake_and_see_its_answer() {
    let server = Server::app("sockets");
    server.ask(&handshake("/inner/echo")).assert_problem(401);
    let mut conn = server.connect();
    conn.send(&h1::bytes(&handshake("/inner/echo").header("Cookie", "session=1")));
    let mut client = Client { conn };
    client.greeted().assert_header("x-around", "seen");
    client.text("tea");
    client.assert_text("tea");
}
