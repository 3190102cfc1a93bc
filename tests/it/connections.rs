//! Connections: reused, kept while idle, sniffed, and never closed by the server on its own account.

use std::time::Duration;

use crate::support::{Ask, Launch, Server, h1, h2};

/// Long enough for a time-out of a second to show, short enough for a test.
const QUIET: Duration = Duration::from_millis(1500);

#[test]
fn the_bytes_of_a_reply_are_these() {
    let server = Launch::hello().start();
    let mut conn = server.connect();
    conn.send(b"GET / HTTP/1.1\r\nHost: localhost\r\n\r\n");
    let answer = conn.answer("GET");
    let raw = String::from_utf8(conn.raw.clone()).unwrap();
    let date = answer.header("date").expect("a clock").to_owned();
    assert_eq!(
        raw.replace(&date, "now"),
        "HTTP/1.1 200 OK\r\ncontent-type: text/plain; charset=utf-8\r\ncontent-length: 14\r\ndate: now\r\n\r\n\
         Hello, World!\n"
    );
}

#[test]
fn the_platforms_own_requests_are_understood_as_they_are_documented() {
    let server = Server::contract();
    let mut conn = server.connect();
    conn.send(b"POST /initialize HTTP/1.1\r\nHost: 21.0.0.1\r\nContent-Length: 0\r\nx-fc-request-id: 1-65d71219-15d63510-fecf237c590c\r\nx-fc-control-path: /initialize\r\n\r\n");
    conn.answer("POST").assert_status(200);
    conn.send(b"POST /invoke HTTP/1.1\r\nHost: 21.0.0.1\r\nContent-Length: 11\r\nContent-Type: application/octet-stream\r\nx-fc-request-id: 1-65d71219-15d63510-fecf237c590c\r\nx-fc-control-path: /invoke\r\n\r\nhello world");
    conn.answer("POST").assert_status(200).assert_header("x-fc-status", "200").assert_text("HELLO WORLD");
    conn.send(b"GET /pre-freeze HTTP/1.1\r\nHost: 21.0.0.1\r\nx-fc-control-path: /pre-freeze\r\n\r\n");
    conn.answer("GET").assert_status(200);
    conn.send(b"GET /pre-stop HTTP/1.1\r\nHost: 21.0.0.1\r\nx-fc-control-path: /pre-stop\r\n\r\n");
    conn.answer("GET").assert_status(200);
    conn.send(b"GET /plaintext HTTP/1.1\r\nHost: 21.0.0.1\r\nX-Fc-Control-Path: /http-invoke\r\n\r\n");
    conn.answer("GET").assert_status(200);
}

#[test]
fn a_hundred_requests_share_a_connection() {
    let server = Server::contract();
    let mut conn = server.connect();
    for at in 0..100 {
        let ask = if at % 2 == 0 { Ask::get("/plaintext") } else { Ask::post("/slow?ms=0", "unread") };
        conn.ask(&ask).assert_status(200).assert_no_header("connection");
    }
}

#[test]
fn pipelined_requests_are_answered_in_order() {
    let server = Server::contract();
    let mut conn = server.connect();
    let mut bytes = Vec::new();
    for at in 0..20 {
        // The slowest come first.
        bytes.extend_from_slice(&h1::bytes(&Ask::get(format!("/slow?ms={}", 20 - at))));
        bytes.extend_from_slice(&h1::bytes(&Ask::get(format!("/users/{at}"))));
    }
    conn.send(&bytes);
    for at in 0..20 {
        conn.answer("GET").assert_status(200).assert_text("slow");
        conn.answer("GET").assert_status(200).assert_text(&at.to_string());
    }
}

#[test]
fn an_idle_connection_stays_and_takes_a_post() {
    let server = Server::contract();
    let mut conn = server.connect();
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
    assert!(conn.is_quiet_for(QUIET));
    conn.ask(&Ask::post("/echo", "still there")).assert_status(200).assert_text("still there");
}

#[test]
fn a_connection_may_be_silent_before_its_first_request() {
    let server = Server::contract();
    let mut conn = server.connect();
    assert!(conn.is_quiet_for(QUIET));
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
}

#[test]
fn a_request_may_come_byte_by_byte() {
    let server = Server::contract();
    let mut conn = server.connect();
    for byte in h1::bytes(&Ask::post("/echo", "drop by drop")) {
        conn.send(&[byte]);
    }
    conn.answer("POST").assert_status(200).assert_text("drop by drop");
}

/// A method that begins as the preface of HTTP/2 does.
#[test]
fn the_preface_is_told_from_a_method() {
    let server = Server::contract();
    let mut conn = server.connect();
    for byte in b"PROPFIND /plaintext HTTP/1.1\r\nHost: a\r\n\r\n" {
        conn.send(&[*byte]);
    }
    conn.answer("PROPFIND").assert_status(405);
}

#[test]
fn nonsense_is_answered_with_400_and_hurts_nobody_else() {
    let server = Server::contract();
    for nonsense in [
        &b"NONSENSE\r\n\r\n"[..],
        b"GET  / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/9.9\r\n\r\n",
        b"\x16\x03\x01\x02\x00\x01",
    ] {
        let mut conn = server.connect();
        conn.send(nonsense);
        conn.finish_sending();
        let rest = conn.rest();
        assert!(
            rest.is_empty() || rest.starts_with(b"HTTP/1.1 400 "),
            "{:?}",
            String::from_utf8_lossy(&rest)
        );
    }
    server.ask(&Ask::get("/plaintext")).assert_status(200);
}

#[test]
fn a_client_that_connects_and_leaves_is_nothing() {
    let mut server = Server::contract();
    for _ in 0..10 {
        drop(server.connect());
    }
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    let lines = server.stop();
    assert!(lines.iter().all(|line| line["level"] == "INFO"), "{lines:?}");
}

/// The platform lets 8 KiB of a client's headers through and adds its own.
#[test]
fn headers_of_30_kib_pass_and_more_than_32_do_not() {
    let server = Server::contract();
    let with = |kib: usize| {
        let plain = Ask::get("/plaintext");
        (0..kib).fold(plain, |ask, at| ask.header(&format!("x-filler-{at}"), &"x".repeat(1000)))
    };
    server.ask(&with(30)).assert_status(200);
    server.ask(&with(40)).assert_status(431);
    h2::Conn::open(server.port).ask(&with(25)).assert_status(200);
    server.ask(&Ask::get("/plaintext")).assert_status(200);
}

/// Each piece of a stream leaves when it is there: the next is not sent before the last came back.
#[test]
fn a_stream_is_flushed_piece_by_piece() {
    let server = Server::contract();
    let mut conn = server.connect();
    conn.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    conn.answer_head().assert_status(200).assert_header("transfer-encoding", "chunked");
    assert_eq!(conn.chunk().as_deref(), Some(&b"first"[..]));
    conn.send(b"6\r\nsecond\r\n");
    assert_eq!(conn.chunk().as_deref(), Some(&b"second"[..]));
    conn.send(b"0\r\n\r\n");
    assert_eq!(conn.chunk(), None);
}

/// The platform streams if and only if a reply is chunked.
#[test]
fn streams_are_chunked_and_whole_bodies_are_not() {
    let server = Server::contract();
    let mut conn = server.connect();
    conn.ask(&Ask::get("/large?bytes=10")).assert_header("transfer-encoding", "chunked");
    conn.ask(&Ask::post("/echo", "x")).assert_header("transfer-encoding", "chunked");
    conn.ask(&Ask::get("/plaintext")).assert_no_header("transfer-encoding");
}

#[test]
fn streams_of_one_http2_connection_overlap() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    // The first waits for longer than the test may take; the others overtake it.
    let never = conn.send(&Ask::get("/slow?ms=600000"));
    for at in 0..20 {
        conn.ask(&Ask::get(format!("/users/{at}"))).assert_status(200).assert_text(&at.to_string());
    }
    conn.cancel(never);
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
}

#[test]
fn expect_100_continue_is_answered_when_the_body_is_wanted() {
    let server = Server::contract();
    let mut conn = server.connect();
    conn.send(b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 27\r\nExpect: 100-continue\r\n\r\n");
    conn.answer_head().assert_status(100);
    conn.send(b"{\"item\":\"tea\",\"quantity\":2}");
    conn.answer("POST").assert_status(201);
    // A body that is announced as too large is refused before it is sent.
    let mut conn = server.connect();
    conn.send(b"POST /orders HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 3000000\r\nExpect: 100-continue\r\n\r\n");
    conn.answer("POST").assert_status(413);
}

/// A reply that is a stream of the body begins before the body is read, and hyper sends no 100 behind its head.
#[test]
fn expect_100_continue_is_answered_before_a_reply_that_streams_the_body() {
    let mut server = Server::app("settings");
    for (path, framing) in [("/echo", "Content-Length: 3"), ("/echo-finish", "Transfer-Encoding: chunked")] {
        let mut conn = server.connect();
        conn.send(
            format!("POST {path} HTTP/1.1\r\nHost: a\r\n{framing}\r\nExpect: 100-continue\r\n\r\n")
                .as_bytes(),
        );
        conn.answer_head().assert_status(100);
        conn.answer_head().assert_status(200);
        conn.send(if path == "/echo" { b"tea" } else { b"3\r\ntea\r\n0\r\n\r\n" });
        assert_eq!(conn.chunk().as_deref(), Some(&b"tea"[..]));
        assert_eq!(conn.chunk(), None);
        conn.ask(&Ask::get("/plaintext")).assert_status(200);
    }
    // A client that leaves in place of its body is one that left.
    let mut conn = server.connect();
    conn.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    conn.answer_head().assert_status(100);
    drop(conn);
    server.until_counter("cancelled", 1);
    // A stream that leaves the body unread asks for nothing.
    let mut conn = server.connect();
    conn.send(b"POST /deaf HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n");
    conn.answer("POST").assert_status(200).assert_text("not a word");
    assert!(server.stop().iter().any(|line| line["status"] == 499));
}

/// A client that expects anything else sends its body at once, and the body is whole.
#[test]
fn other_expectations_take_nothing_from_the_body() {
    let server = Server::app("settings");
    let mut conn = server.connect();
    conn.send(b"POST /ended HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: tea\r\n\r\ntea");
    conn.answer("POST").assert_status(200).assert_text("false");
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
}

/// A burst of clients waits in the kernel's queue. Beyond the queue each of them would be held up for a second or more.
#[test]
fn hundreds_of_clients_at_once_find_room_in_the_queue() {
    let server = Server::contract();
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    // A stopped process accepts nothing, so that all clients wait in the queue.
    server.signal("STOP");
    let clients: Vec<_> = (0..600).map(|_| h1::Conn::open(server.port)).collect();
    server.signal("CONT");
    for mut client in clients {
        client.ask(&Ask::get("/plaintext")).assert_status(200);
    }
}
