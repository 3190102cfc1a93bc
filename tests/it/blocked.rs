//! Handlers that hold their thread: a stop and a client that leaves are recorded all the same.

use serde_json::Value;

use crate::support::{Ask, Launch, Server, check_stopped, h1, h2, record};
use testkit::until;

/// One processor is one thread, which a handler takes for itself.
const ONE: &[&str] = &["taskset", "-c", "0"];

fn with_id(ask: Ask, id: &str) -> Ask {
    ask.header("x-fc-request-id", id)
}

fn server(wrapper: &[&str]) -> Server {
    Launch::app("settings").var("IT_DRAIN_MS", "300").by(wrapper).start()
}

/// Sends what makes a handler spin, and waits until one does.
#[track_caller]
fn until_spinning(server: &Server, send: impl FnOnce()) {
    let before = server.cpu_ticks();
    send();
    until("a handler that spins", || (server.cpu_ticks() > before + 5).then_some(()));
}

#[track_caller]
fn check_left(record: &Value) {
    assert_eq!((&record["status"], &record["end"]), (&499.into(), &"client left".into()), "{record}");
    assert_eq!(record["phase"], "handling", "{record}");
}

#[track_caller]
fn check_cut(lines: &[Value], id: &str) {
    let record = record(lines, id);
    assert_eq!((&record["status"], &record["end"]), (&503.into(), &"cut by shutdown".into()), "{record}");
    assert_eq!(record["phase"], "handling", "{record}");
    assert_eq!(record["route"], record["path"], "{record}");
}

#[track_caller]
fn lines(server: &mut Server) -> Vec<Value> {
    let (_, lines) = server.ended();
    lines.iter().map(|line| serde_json::from_str(line).unwrap()).collect()
}

/// The one that blocks, and all that cannot go on because of it.
#[test]
fn a_stop_records_and_counts_all_that_it_cuts() {
    for wrapper in [ONE, &[]] {
        let mut server = server(wrapper);
        let mut waiting = server.connect();
        waiting.send(&h1::bytes(&with_id(Ask::get("/slow?ms=600000"), "waiting")));
        server.until_counter("in_flight", 2);
        let mut blocking = server.connect();
        until_spinning(&server, || {
            blocking.send(&h1::bytes(&with_id(Ask::get("/block?ms=600000"), "blocking")));
        });
        server.signal("TERM");
        let lines = lines(&mut server);
        check_cut(&lines, "waiting");
        check_cut(&lines, "blocking");
        check_stopped(&lines, 2);
    }
}

#[test]
fn a_second_signal_does_too() {
    let mut server = Launch::app("settings").by(ONE).start();
    let mut conn = server.connect();
    until_spinning(&server, || conn.send(&h1::bytes(&with_id(Ask::get("/block?ms=600000"), "blocking"))));
    server.signal("TERM");
    server.until_closed();
    server.signal("TERM");
    let lines = lines(&mut server);
    check_cut(&lines, "blocking");
    check_stopped(&lines, 1);
}

/// The client is gone before there is a reply, though nobody could look.
#[test]
fn a_client_that_leaves_meanwhile_is_a_499() {
    for wrapper in [ONE, &[]] {
        let server = server(wrapper);
        for (path, id) in [("/block?ms=1000", "left-1"), ("/block-finish?ms=1000", "left-2")] {
            let mut conn = server.connect();
            until_spinning(&server, || conn.send(&h1::bytes(&with_id(Ask::get(path), id))));
            drop(conn);
            check_left(&server.record(id));
        }
        let mut conn = server.connect();
        until_spinning(&server, || conn.send(&h1::bytes(&with_id(Ask::post("/invoke", "1000"), "left-3"))));
        drop(conn);
        check_left(&server.record("left-3"));
        let counters = server.ask(&Ask::get("/counters")).json();
        assert_eq!((&counters["cancelled"], &counters["in_flight"]), (&3.into(), &1.into()), "{counters}");
    }
}

/// One stream of several.
#[test]
fn a_stream_that_is_reset_meanwhile_is_a_499() {
    for wrapper in [ONE, &[]] {
        let server = server(wrapper);
        let mut conn = h2::Conn::open(server.port);
        conn.ask(&Ask::get("/plaintext")).assert_status(200);
        let mut stream = 0;
        until_spinning(&server, || stream = conn.send(&with_id(Ask::get("/block?ms=1000"), "left")));
        conn.cancel(stream);
        check_left(&server.record("left"));
        conn.ask(&Ask::get("/plaintext")).assert_status(200);
    }
}

/// A client that stays gets its reply.
#[test]
fn a_client_that_waits_is_answered() {
    for wrapper in [ONE, &[]] {
        let server = server(wrapper);
        let ask = with_id(Ask::get("/block?ms=100"), "stays");
        server.ask(&ask).assert_status(200).assert_text("blocked");
        assert_eq!(server.record("stays")["status"], 200);
        let id = "stays-h2";
        h2::Conn::open(server.port).ask(&with_id(ask, id)).assert_text("blocked");
    }
}
