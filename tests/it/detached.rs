//! Handlers that go on without their clients: in flight, bounded, and counted when a stop cuts them.

use testkit::until;

use crate::support::{Ask, Launch, Server, check_stopped, h1, h2};

const SLOW: &str = "/finish?ms=600000";

fn with_id(ask: Ask, id: &str) -> Ask {
    ask.header("x-fc-request-id", id)
}

/// Begins and leaves, with its handler running.
#[track_caller]
fn leave(server: &Server, target: &str, id: &str) {
    let before = server.counter("in_flight");
    let mut conn = server.connect();
    conn.send(&h1::bytes(&with_id(Ask::get(target), id)));
    server.until_counter("in_flight", before + 1);
    drop(conn);
    assert_eq!(server.record(id)["status"], 499);
}

#[test]
fn they_are_in_flight_until_they_end() {
    let server = Launch::app("settings").start();
    for at in 0..3 {
        leave(&server, SLOW, &format!("left-{at}"));
        assert_eq!(server.counter("cancelled"), at + 1);
        assert_eq!(server.counter("in_flight"), at + 2, "and the one that asks");
    }
    let server = Launch::app("settings").start();
    leave(&server, "/finish?ms=300", "ends");
    server.until_idle();
    assert_eq!(server.counter("cancelled"), 1);
    assert_eq!(server.counter("cut"), 0);
}

#[test]
fn a_stop_waits_for_them() {
    let mut server = Launch::app("settings").start();
    leave(&server, "/finish?ms=1000", "ends");
    check_stopped(&server.stop(), 0);
}

#[test]
fn those_that_a_stop_cuts_are_counted() {
    let mut server = Launch::app("settings").var("IT_DRAIN_MS", "300").start();
    leave(&server, SLOW, "left-1");
    leave(&server, SLOW, "left-2");
    // One whose client waits is cut too, and counted once.
    let mut conn = server.connect();
    conn.send(&h1::bytes(&with_id(Ask::get(SLOW), "waits")));
    server.until_counter("in_flight", 4);
    let lines = server.stop();
    check_stopped(&lines, 3);
    for (id, status) in [("left-1", 499), ("left-2", 499), ("waits", 503)] {
        let records: Vec<_> =
            lines.iter().filter(|line| line["request_id"] == id && line["status"].is_u64()).collect();
        assert!(records.len() == 1 && records[0]["status"] == status, "{records:?}");
    }
    let said = lines.iter().filter(|line| line["message"].as_str().unwrap().contains("without its client"));
    assert_eq!(said.count(), 2, "{lines:?}");
}

#[test]
fn there_are_never_more_than_the_bound() {
    let server = Launch::app("settings").var("IT_MAX_FINISHING", "2").start();
    leave(&server, SLOW, "left-1");
    leave(&server, SLOW, "left-2");
    let mut conn = server.connect();
    conn.ask(&Ask::get(SLOW)).assert_header("retry-after", "1").assert_problem(503);
    // Others are not concerned.
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
    assert_eq!(server.counter("in_flight"), 3);
}

#[test]
fn there_is_a_bound_by_default() {
    let server = Launch::app("settings").start();
    for _ in 0..6 {
        let mut conn = h2::Conn::open(server.port);
        for _ in 0..200 {
            conn.send(&Ask::get(SLOW));
        }
        // Answered behind the others, which then leave.
        conn.ask(&Ask::get("/plaintext")).assert_status(200);
    }
    server.ask(&Ask::get(SLOW)).assert_header("retry-after", "1").assert_problem(503);
    // Those that were shed are over soon; the others are not.
    until("the bound to hold", || (server.counter("in_flight") == 1001).then_some(()));
}
