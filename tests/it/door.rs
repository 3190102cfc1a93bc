//! The thread that accepts: it has no executor of its own, so turns, room and time limits are its own work.

use std::time::Duration;

use crate::support::{Ask, Launch, Server, h1};
use testkit::until;

const PROBE: &[u8] = b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n";

/// No probe was asked before, and no handler has answered.
#[test]
fn the_first_probe_may_come_while_the_first_handler_holds_the_only_thread() {
    for target in ["/spin?ms=600000", "/block?ms=600000"] {
        let server = Launch::contract().by(&["taskset", "-c", "0"]).start();
        let mut held = server.connect();
        held.send(&h1::bytes(&Ask::get(target)));
        assert!(held.is_quiet_for(Duration::from_millis(100)));
        // On a busy machine another request may still slip in; then none does.
        let mut waiting = until("the thread to be held", || {
            let mut waiting = server.connect();
            waiting.send(&h1::bytes(&Ask::get("/plaintext")));
            waiting.is_quiet_for(Duration::from_millis(300)).then_some(waiting)
        });
        for _ in 0..10 {
            assert!(server.connect().is_answered_within(&Ask::get("/healthz"), Duration::from_secs(1)));
        }
        assert!(waiting.is_quiet_for(Duration::from_millis(1)), "the thread is held");
    }
}

/// Many probes in one go are answered in turns, and in order.
#[test]
fn a_client_that_sends_probes_without_end_does_not_stop_others() {
    const MANY: usize = 2000;
    let server = Server::contract();
    let mut greedy: Vec<_> = (0..8).map(|_| server.connect()).collect();
    for conn in &mut greedy {
        conn.send(&PROBE.repeat(MANY));
    }
    for _ in 0..20 {
        assert!(server.connect().is_answered_within(&Ask::get("/healthz"), Duration::from_secs(1)));
        server.ask(&Ask::get("/plaintext")).assert_status(200);
    }
    for conn in &mut greedy {
        for _ in 0..MANY {
            conn.answer("GET").assert_status(200);
        }
        conn.ask(&Ask::get("/plaintext")).assert_status(200).assert_text("Hello, World!");
    }
}

/// Replies that nobody reads fill the socket. Their connection ends with its time, and answers are not kept for it.
#[test]
fn a_client_that_reads_no_reply_to_its_probes_ends_alone() {
    let server = Launch::app("settings").var("IT_HEAD_LIMIT_MS", "700").start();
    let mut deaf = server.connect();
    // Until the other end reads no more probes.
    for _ in 0..200 {
        deaf.try_send_for(&PROBE.repeat(1000), Duration::from_millis(20));
    }
    let mut kept = server.connect();
    for _ in 0..10 {
        kept.ask(&Ask::get("/healthz")).assert_status(200);
        server.ask(&Ask::get("/plaintext")).assert_status(200);
    }
    until("the connection to be closed", || deaf.try_send(&[b'x'; 1024]).is_err().then_some(()));
    kept.ask(&Ask::get("/healthz")).assert_status(200);
}
