//! Stopping under load: nothing new is taken, what is in flight is finished or cut, and the log says what it waited for.

use serde_json::Value;

use crate::support::{Ask, Launch, Server, h1, h2};

#[track_caller]
fn last(lines: &[Value]) -> (u64, u64, u64) {
    let last = lines.last().unwrap();
    assert_eq!(last["message"], "stopped", "{lines:?}");
    let number = |what: &str| last[what].as_u64().unwrap_or_else(|| panic!("{last:?}"));
    (number("finished"), number("cancelled"), number("cut"))
}

#[test]
fn all_in_flight_are_finished_and_nothing_new_is_taken() {
    let mut server = Server::app("settings");
    let mut conns: Vec<_> = (0..20)
        .map(|_| {
            let mut conn = server.connect();
            conn.send(&h1::bytes(&Ask::get("/slow?ms=3000")));
            conn
        })
        .collect();
    let mut streams = h2::Conn::open(server.port);
    let stream = streams.send(&Ask::get("/slow?ms=3000"));
    server.until_counter("in_flight", 22);
    let asked = server.counter("finished");
    server.signal("TERM");
    server.until_closed();
    for conn in &mut conns {
        conn.answer("GET").assert_status(200).assert_header("connection", "close").assert_text("slow");
        assert_eq!(conn.rest(), b"", "and then it is closed");
    }
    streams.answer_through_goaway(stream).assert_status(200);
    drop(streams);
    let lines = server.stopped();
    assert_eq!(last(&lines), (asked + 22, 0, 0), "the one that asked among them");
    let said = lines.iter().any(|line| line["message"].as_str().unwrap().starts_with("SIGTERM: draining 21"));
    assert!(said, "{lines:?}");
}

/// The policy `finish` holds the stop up although its client has left; the log says what was waited for.
#[test]
fn the_deadline_cuts_counts_and_says_what_was_left() {
    let mut server = Launch::app("settings").var("IT_DRAIN_MS", "400").start();
    let mut conn = server.connect();
    conn.send(&h1::bytes(&Ask::get("/slow?ms=600000")));
    let mut finishing = server.connect();
    finishing.send(&h1::bytes(&Ask::get("/finish?ms=600000")));
    server.until_counter("in_flight", 3);
    drop(finishing);
    server.until_counter("cancelled", 1);
    server.signal("TERM");
    assert_eq!(conn.rest(), b"", "no half reply");
    let lines = server.stopped();
    let (_, cancelled, cut) = last(&lines);
    // The handler whose client has left is cut as well.
    assert_eq!((cancelled, cut), (1, 2));
    let warning = lines.iter().find(|line| line["level"] == "WARN" && line["status"].is_null()).unwrap();
    let message = warning["message"].as_str().unwrap();
    for part in ["deadline", "cutting", "connection", "handler"] {
        assert!(message.contains(part), "{message}");
    }
}

#[test]
fn a_handler_that_finishes_is_waited_for() {
    let mut server = Server::app("settings");
    let mut conn = server.connect();
    conn.send(&h1::bytes(&Ask::get("/finish?ms=3000")));
    server.until_counter("in_flight", 2);
    drop(conn);
    server.until_counter("cancelled", 1);
    let lines = server.stop();
    assert_eq!((last(&lines).1, last(&lines).2), (1, 0));
    assert!(!lines.iter().any(|line| line["message"].as_str().unwrap().contains("cutting")), "{lines:?}");
}

#[test]
fn a_second_signal_of_either_kind_is_at_once() {
    for (first, second) in [("TERM", "TERM"), ("TERM", "INT"), ("INT", "TERM")] {
        let mut server = Launch::app("settings").var("IT_DRAIN_MS", "600000").start();
        let mut conn = server.connect();
        conn.send(&h1::bytes(&Ask::get("/slow?ms=600000")));
        server.until_counter("in_flight", 2);
        server.signal(first);
        server.until_closed();
        server.signal(second);
        let lines = server.stopped();
        assert_eq!(last(&lines).2, 1, "one is cut");
        let said = format!("SIG{second}");
        let warning =
            lines.iter().find(|line| line["message"].as_str().unwrap().contains("cutting")).unwrap();
        assert!(warning["message"].as_str().unwrap().contains(&said), "{warning}");
    }
}

/// The platform calls it before a freeze, too.
#[test]
fn pre_stop_goes_on_serving() {
    let server = Server::app("settings");
    let mut conn = server.connect();
    for _ in 0..3 {
        conn.ask(&Ask::get("/pre-stop")).assert_status(200);
        conn.ask(&Ask::get("/plaintext")).assert_status(200);
        server.ask(&Ask::get("/plaintext")).assert_status(200);
        server.ask(&Ask::get("/healthz")).assert_status(200);
    }
    assert_eq!(server.ask(&Ask::get("/counters")).json()["pre_stopped"], true);
}

/// Clients that leave during a drain have left; they were not cut.
#[test]
fn a_client_that_leaves_meanwhile_is_a_499() {
    let mut server = Server::app("settings");
    let mut conn = server.connect();
    conn.send(&h1::bytes(&Ask::get("/slow?ms=600000")));
    server.until_counter("in_flight", 2);
    server.signal("TERM");
    server.until_closed();
    drop(conn);
    let lines = server.stopped();
    assert_eq!((last(&lines).1, last(&lines).2), (1, 0));
}
