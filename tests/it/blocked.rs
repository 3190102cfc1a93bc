//! Handlers that hold their thread: a stop and a client that leaves are recorded all the same.

use std::path::PathBuf;

use serde_json::Value;

use crate::support::{Ask, Launch, Server, check_stopped, h1, h2, record};
use testkit::{Folder, until};

/// One processor is one thread, which a handler takes for itself.
const ONE: &[&str] = &["taskset", "-c", "0"];

fn with_id(ask: Ask, id: &str) -> Ask {
    ask.header("x-fc-request-id", id)
}

fn server(wrapper: &[&str]) -> Server {
    Launch::app("settings").var("IT_DRAIN_MS", "300").by(wrapper).start()
}

/// A file that a handler makes when it begins to spin. The handler spins until the file is removed.
struct Gate(Folder);

impl Gate {
    fn new() -> Self {
        Self(Folder::new())
    }

    fn path(&self) -> PathBuf {
        self.0.file("spins")
    }

    fn ask(&self, path: &str, id: &str) -> Ask {
        with_id(Ask::get(format!("{path}?ms=100&gate={}", self.path().display())), id)
    }

    #[track_caller]
    fn until_spinning(&self) {
        until("a handler that spins", || self.path().exists().then_some(()));
    }

    fn open(&self) {
        std::fs::remove_file(self.path()).unwrap();
    }
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
        let gate = Gate::new();
        blocking.send(&h1::bytes(&gate.ask("/block", "blocking")));
        gate.until_spinning();
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
    let gate = Gate::new();
    conn.send(&h1::bytes(&gate.ask("/block", "blocking")));
    gate.until_spinning();
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
        let gate = Gate::new();
        let hold = serde_json::json!({ "ms": 100, "gate": gate.path() }).to_string();
        for (ask, id) in [
            (gate.ask("/block", "left-1"), "left-1"),
            (gate.ask("/block-finish", "left-2"), "left-2"),
            (with_id(Ask::post("/invoke", hold), "left-3"), "left-3"),
        ] {
            let mut conn = server.connect();
            conn.send(&h1::bytes(&ask));
            gate.until_spinning();
            drop(conn);
            gate.open();
            check_left(&server.record(id));
        }
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
        let gate = Gate::new();
        let stream = conn.send(&gate.ask("/block", "left"));
        gate.until_spinning();
        conn.cancel(stream);
        gate.open();
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
