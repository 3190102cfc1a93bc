//! Stopping: what is in flight is finished under a deadline, then cut; a second signal does not wait.

use crate::support::{Ask, Server, check_stopped, h1, h2, record};

const ID: &str = "in-flight";

fn slow(ms: u32) -> Ask {
    Ask::get(format!("/slow?ms={ms}")).header("x-fc-request-id", ID)
}

#[test]
fn a_request_in_flight_is_finished() {
    for signal in ["TERM", "INT"] {
        let mut server = Server::contract();
        let mut conn = server.connect();
        conn.send(&h1::bytes(&slow(3000)));
        server.until_counter("in_flight", 2);
        server.signal(signal);
        conn.answer("GET").assert_status(200).assert_text("slow");
        check_stopped(&server.stopped(), 0);
    }
}

#[test]
fn a_request_in_flight_over_http2_is_finished() {
    let mut server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    let id = conn.send(&slow(3000));
    server.until_counter("in_flight", 2);
    server.signal("TERM");
    conn.answer_through_goaway(id).assert_status(200).assert_text("slow");
    drop(conn);
    assert_eq!(server.ended().0.code(), Some(0));
}

#[test]
fn a_body_on_its_way_in_and_a_stream_on_its_way_out_are_finished() {
    let mut server = Server::contract();
    let mut conn = server.connect();
    conn.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    conn.answer_head().assert_status(200);
    assert_eq!(conn.chunk().as_deref(), Some(&b"first"[..]));
    server.signal("TERM");
    server.until_closed();
    conn.send(b"4\r\nlast\r\n0\r\n\r\n");
    assert_eq!(conn.chunk().as_deref(), Some(&b"last"[..]));
    assert_eq!(conn.chunk(), None);
    assert_eq!(server.ended().0.code(), Some(0));
}

/// Connections without a request, used or not, do not hold the stop up.
#[test]
fn idle_connections_are_closed() {
    let mut server = Server::contract();
    let mut used = server.connect();
    used.ask(&Ask::get("/plaintext")).assert_status(200);
    let mut silent = server.connect();
    let lines = server.stop();
    check_stopped(&lines, 0);
    assert!(lines.iter().all(|line| line["level"] == "INFO"), "nothing was cut: {lines:?}");
    assert_eq!(used.rest(), b"");
    assert_eq!(silent.rest(), b"");
}

/// A client of HTTP/2 is told with `GOAWAY`, and answers the `PING` behind it.
#[test]
fn idle_connections_of_http2_are_closed() {
    let mut server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
    server.signal("TERM");
    assert!(conn.is_told_to_go());
    let lines = server.stopped();
    assert!(lines.iter().all(|line| line["level"] == "INFO"), "nothing was cut: {lines:?}");
}

/// 10 s are the default.
#[test]
fn what_lasts_beyond_the_deadline_is_cut_and_recorded() {
    let mut server = Server::contract();
    let mut conn = server.connect();
    conn.send(&h1::bytes(&slow(600_000)));
    server.until_counter("in_flight", 2);
    let lines = server.stop();
    check_stopped(&lines, 1);
    assert_eq!(lines.iter().filter(|line| line["request_id"] == ID).count(), 1, "{lines:?}");
    assert_eq!(record(&lines, ID)["status"], 503);
    assert!(lines.iter().any(|line| line["message"].as_str().unwrap().contains("deadline")), "{lines:?}");
    assert_eq!(conn.rest(), b"", "no half reply");
}

#[test]
fn a_second_signal_cuts_at_once() {
    let mut server = Server::contract();
    let mut conn = server.connect();
    conn.send(&h1::bytes(&slow(600_000)));
    server.until_counter("in_flight", 2);
    server.signal("TERM");
    server.until_closed();
    let lines = server.stop();
    check_stopped(&lines, 1);
    assert!(
        lines.iter().any(|line| line["message"].as_str().unwrap().contains("second signal")),
        "{lines:?}"
    );
    assert_eq!(conn.rest(), b"");
}

/// Blocking work cannot be stopped, and must not stop the process from ending.
#[test]
fn a_blocked_thread_is_left_behind() {
    let mut server = Server::contract();
    let mut conn = server.connect();
    conn.send(&h1::bytes(&Ask::get("/block?ms=3000")));
    server.until_counter("in_flight", 2);
    server.signal("TERM");
    conn.answer("GET").assert_status(200).assert_text("blocked");
    assert_eq!(server.ended().0.code(), Some(0));
}
