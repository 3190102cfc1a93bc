//! Clients that leave: recorded once as 499, with the phase, and the handler goes the way its policy says.

use crate::support::{Ask, Server, h1, h2};

const LONG: &str = "/slow?ms=600000";

fn with_id(ask: Ask, id: &str) -> Ask {
    ask.header("x-fc-request-id", id)
}

/// One record of 499 about this request, in this phase, and no other record.
#[track_caller]
fn check_left(server: &Server, id: &str, phase: &str) {
    server.until_counter("cancelled", 1);
    let record = server.record(id);
    assert_eq!(record["status"], 499, "{record}");
    assert_eq!(record["phase"], phase, "{record}");
    assert_eq!(record["level"], "WARN", "{record}");
    assert!(record["duration_us"].is_u64(), "{record}");
    assert_eq!(server.counter("cancelled"), 1);
    assert_eq!(server.counter("in_flight"), 1, "only the one that asks");
}

/// Sends, waits until it is being handled, and leaves.
#[track_caller]
fn leave(server: &Server, bytes: &[u8]) {
    let mut conn = server.connect();
    conn.send(bytes);
    server.until_counter("in_flight", 2);
}

#[test]
fn while_the_handler_works() {
    let server = Server::contract();
    leave(&server, &h1::bytes(&with_id(Ask::get(LONG), "left-1")));
    check_left(&server, "left-1", "handling");
}

#[test]
fn while_the_body_is_read() {
    let server = Server::contract();
    leave(
        &server,
        b"POST /orders HTTP/1.1\r\nHost: a\r\nx-fc-request-id: left-2\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{\"item\":",
    );
    check_left(&server, "left-2", "reading");
}

#[test]
fn while_the_reply_is_sent() {
    let server = Server::contract();
    let mut conn = server.connect();
    conn.send(&h1::bytes(&with_id(Ask::get("/large?bytes=1000000000"), "left-3")));
    conn.answer_head().assert_status(200);
    assert!(conn.chunk().is_some());
    drop(conn);
    check_left(&server, "left-3", "replying");
}

/// hyper alone does not see it: it waits for the handler to read the body.
#[test]
fn with_a_body_that_nobody_reads() {
    let server = Server::contract();
    let ask = with_id(Ask::post("/slow?ms=600000", "x".repeat(1000)), "left-4");
    leave(&server, &h1::bytes(&ask));
    check_left(&server, "left-4", "handling");
}

/// hyper alone does not see it: it does not read on while a byte of the next request waits.
#[test]
fn with_a_pipelined_request_behind() {
    let server = Server::contract();
    let mut bytes = h1::bytes(&with_id(Ask::get(LONG), "left-5"));
    bytes.extend_from_slice(b"GET /plaintext HT");
    leave(&server, &bytes);
    check_left(&server, "left-5", "handling");
}

#[test]
fn by_half_closing() {
    let server = Server::contract();
    let mut conn = server.connect();
    conn.send(&h1::bytes(&with_id(Ask::get(LONG), "left-6")));
    server.until_counter("in_flight", 2);
    conn.finish_sending();
    check_left(&server, "left-6", "handling");
}

#[test]
fn in_an_event_call() {
    let server = Server::contract();
    leave(
        &server,
        b"POST /invoke HTTP/1.1\r\nHost: a\r\nx-fc-request-id: left-7\r\nContent-Length: 100\r\n\r\nhalf",
    );
    check_left(&server, "left-7", "reading");
}

#[test]
fn one_stream_of_http2() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    let id = conn.send(&with_id(Ask::get(LONG), "left-8"));
    server.until_counter("in_flight", 2);
    conn.cancel(id);
    check_left(&server, "left-8", "handling");
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
}

#[test]
fn all_streams_of_an_http2_connection() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    for id in ["left-a", "left-b", "left-c"] {
        conn.send(&with_id(Ask::get(LONG), id));
    }
    server.until_counter("in_flight", 4);
    drop(conn);
    server.until_counter("cancelled", 3);
    for id in ["left-a", "left-b", "left-c"] {
        let lines = server.records(id, 1);
        assert!(
            lines.len() == 1 && lines[0]["status"] == 499 && lines[0]["phase"] == "handling",
            "{lines:?}"
        );
    }
}

/// The work goes on, and the client is gone all the same.
#[test]
fn a_handler_that_finishes() {
    let mut server = Server::contract();
    leave(&server, &h1::bytes(&with_id(Ask::get("/slow-finish?ms=300"), "left-9")));
    server.until_counter("cancelled", 1);
    server.until_idle();
    check_left(&server, "left-9", "handling");
    // The stop waits for it, and finds nothing to cut.
    let lines = server.stop();
    assert!(lines.iter().all(|line| line["cut"].as_u64().is_none_or(|cut| cut == 0)), "{lines:?}");
}

#[test]
fn the_others_are_served_meanwhile() {
    let server = Server::contract();
    for at in 0..30 {
        leave(&server, &h1::bytes(&with_id(Ask::get(LONG), &format!("left-{at}"))));
        server.ask(&Ask::get("/plaintext")).assert_status(200);
        server.until_counter("cancelled", at + 1);
    }
}
