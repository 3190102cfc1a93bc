//! Clients that stop reading in the middle of a reply.

use std::io::Read;
use std::time::Duration;

use fc_local::Kind;
use testkit::h1::Conn;
use testkit::manifest::Function;
use testkit::{eventually, until_settled};

use crate::function::{Asked, chunks, text};
use crate::harness::{Ring, f};

/// More than the kernel and both ends take for a client that does not read.
const PIECES: usize = 64;
const PIECE: usize = 1024 * 1024;

/// Sends a long reply to `/long`.
fn serving(function: Function) -> Ring {
    let piece: &'static str = Box::leak("x".repeat(PIECE).into_boxed_str());
    Ring::serving(function.concurrency(1).local("maxInstances", 1), move |asked: Asked| async move {
        if asked.path() != "/long" {
            return text("short");
        }
        let (sender, reply) = chunks();
        for _ in 0..PIECES {
            sender.send(Ok(piece)).unwrap();
        }
        reply
    })
}

/// A client of which nobody takes more, and the id of its request.
fn stalled(ring: &Ring) -> (Conn, String) {
    let mut conn = ring.begin("/long");
    let id = conn.answer_head().id();
    let mut seen = vec![0; PIECES * PIECE];
    until_settled("what the kernel has for the client", || {
        u64::try_from(conn.stream().peek(&mut seen).unwrap()).unwrap()
    });
    (conn, id)
}

/// The connection ends, and the reply with it is not whole.
#[track_caller]
fn assert_cut(mut conn: Conn) {
    let mut rest = Vec::new();
    // A reset is an end too.
    let end = conn.stream().read_to_end(&mut rest).map_err(|error| error.kind());
    assert!(matches!(end, Ok(_) | Err(std::io::ErrorKind::ConnectionReset)), "{end:?}");
    assert!(rest.len() < PIECES * PIECE, "{}", rest.len());
    assert!(!rest.ends_with(b"\r\n0\r\n\r\n"));
}

#[test]
fn the_functions_time_ends_a_reply_that_its_client_does_not_read() {
    let ring = serving(f().timeout(1));
    let (conn, id) = stalled(&ring);
    assert_eq!(ring.failure(&id), "timed_out");
    assert_eq!(ring.record(&id).status, 200);
    eventually("the slot is free", || ring.get("/").status == 200);
    assert_cut(conn);
    assert_eq!(ring.count(|kind| matches!(kind, Kind::CallCancelled { .. })), 0);
}

#[test]
fn a_client_that_leaves_what_it_does_not_read_is_missed() {
    let ring = serving(f().timeout(600));
    let (mut conn, id) = stalled(&ring);
    // A next request that stands unread keeps hyper from looking for the end of the connection.
    conn.send(b"GET");
    conn.finish_sending();
    ring.first("a cancelled call", |kind| matches!(kind, Kind::CallCancelled { .. }));
    assert_eq!(ring.record(&id).status, 499);
    eventually("the slot is free", || ring.get("/").status == 200);
    assert_cut(conn);
    assert_eq!(ring.count(|kind| matches!(kind, Kind::CallFailed(_))), 0);
}

#[test]
fn a_stop_tells_of_a_reply_that_its_client_does_not_read() {
    let with_the_drain_time = |ring: Ring| ring.stop(Duration::from_millis(100));
    for stop in [with_the_drain_time, Ring::stop_at_once] {
        let ring = serving(f().timeout(600));
        let (conn, id) = stalled(&ring);
        let seen = stop(ring);
        assert_eq!(seen.failure(&id), "process_exited");
        assert_eq!(seen.record(&id).status, 200);
        assert_eq!(seen.count(|kind| matches!(kind, Kind::CallCancelled { .. })), 0);
        assert_cut(conn);
    }
}
