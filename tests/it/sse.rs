//! Server-sent events on the wire, byte by byte, and how a stream of them ends.

use std::time::Duration;

use crate::support::{Ask, Server, check_stopped, h1, h2};
use testkit::{until, until_settled};

const ID: &str = "listener";

/// Types and a flag of HTTP/2's frames.
const DATA: u8 = 0;
const RST_STREAM: u8 = 3;
const END_STREAM: u8 = 1;

fn ask(target: &str) -> Ask {
    Ask::get(target).header("x-fc-request-id", ID)
}

/// The head has been read; events come next.
#[track_caller]
fn open(server: &Server, target: &str) -> h1::Conn {
    let mut conn = server.connect();
    conn.send(&h1::bytes(&ask(target)));
    let head = conn.answer_head();
    head.assert_status(200).assert_header("transfer-encoding", "chunked").assert_no_header("content-length");
    head.assert_header("content-type", "text/event-stream").assert_header("cache-control", "no-cache");
    head.assert_header("x-accel-buffering", "no");
    conn
}

#[track_caller]
fn text(chunk: Option<Vec<u8>>) -> String {
    String::from_utf8(chunk.expect("a chunk")).unwrap()
}

#[track_caller]
fn until_seen(server: &Server, what: &str, least: u64) {
    let count = || server.ask(&Ask::get("/seen")).json()[what].as_u64().unwrap();
    until(&format!("{what} to reach {least}"), || (count() >= least).then_some(()));
}

#[track_caller]
fn open_gate(server: &Server) {
    server.ask(&Ask::post("/open", "")).assert_status(204);
}

#[test]
fn an_event_that_is_alone_is_a_chunk_at_once() {
    let server = Server::app("live");
    let mut conn = open(&server, "/gated");
    assert_eq!(text(conn.chunk()), ":\n", "the opening");
    for at in 0..3 {
        open_gate(&server);
        assert_eq!(text(conn.chunk()), format!("data: event {at}\n\n"));
    }
    assert!(conn.is_quiet_for(Duration::from_millis(50)), "and nothing else");
}

#[test]
fn events_that_are_ready_together_share_a_chunk() {
    let server = Server::app("live");
    let mut conn = server.connect();
    conn.send(b"GET /burst HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let all = String::from_utf8(conn.rest()).unwrap();
    let (_, body) = all.split_once("\r\n\r\n").unwrap();
    assert_eq!(body, "23\r\ndata: one\n\ndata: two\n\ndata: three\n\n\r\n0\r\n\r\n");
}

/// 1 000 bytes each: a chunk is sent when it has reached 16 KiB.
#[test]
fn a_chunk_is_bounded() {
    let server = Server::app("live");
    let mut conn = open(&server, "/endless");
    for _ in 0..5 {
        let length = conn.chunk().expect("a chunk").len();
        assert!((16 * 1024..17 * 1024 + 500).contains(&length), "{length}");
    }
}

#[test]
fn silence_is_broken_by_comments() {
    let server = Server::app("live");
    let mut conn = open(&server, "/silent");
    for _ in 0..3 {
        assert_eq!(text(conn.chunk()), ":\n");
    }
}

#[test]
fn a_client_that_leaves_drops_the_producer_and_is_a_499() {
    for target in ["/waiting", "/silent", "/endless"] {
        let server = Server::app("live");
        let conn = open(&server, target);
        until_seen(&server, "begun", 1);
        drop(conn);
        until_seen(&server, "dropped", 1);
        server.until_counter("cancelled", 1);
        let record = server.record(ID);
        assert_eq!((&record["status"], &record["phase"]), (&499.into(), &"replying".into()), "{record}");
    }
}

#[test]
fn a_stream_of_http2_that_is_cancelled_is_a_499() {
    let server = Server::app("live");
    let mut conn = h2::Conn::open(server.port);
    let stream = conn.send(&ask("/waiting"));
    conn.wait_for_heads(1);
    until_seen(&server, "begun", 1);
    conn.cancel(stream);
    until_seen(&server, "dropped", 1);
    server.until_counter("cancelled", 1);
    assert_eq!(server.record(ID)["status"], 499);
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
}

/// An orderly end would say that nothing is missing. What came before the error has been sent.
#[test]
fn a_stream_that_fails_is_cut() {
    for (target, cause) in [
        ("/failing", "the source is dry"),
        ("/failing-run", "the source is dry"),
        ("/forged", "apps/live.rs:"),
    ] {
        let server = Server::app("live");
        let mut conn = open(&server, target);
        assert_eq!(text(conn.chunk()), "data: fine\n\n");
        assert_eq!(conn.rest(), b"", "no last chunk");
        let lines = server.records(ID, 2);
        let error = lines.iter().find(|line| line["level"] == "ERROR").unwrap();
        assert!(error["message"].as_str().unwrap().contains(cause), "{error}");
        let record = server.record(ID);
        assert_eq!((&record["status"], &record["end"]), (&200.into(), &"reply broken".into()), "{record}");
        server.ask(&Ask::get("/plaintext")).assert_status(200);
    }
}

#[test]
fn a_stream_that_fails_over_http2_is_reset_alone() {
    let server = Server::app("live");
    let mut conn = h2::Conn::open(server.port);
    let failing = conn.send(&ask("/failing"));
    let mut events = Vec::new();
    // RST_STREAM ends the stream; END_STREAM on data would be an orderly end.
    loop {
        let frame = conn.read();
        match (frame.stream == failing, frame.kind) {
            (true, DATA) => {
                assert_eq!(frame.flags & END_STREAM, 0, "the stream ended in order");
                events.extend(frame.payload);
            }
            (true, RST_STREAM) => break,
            _ => {}
        }
    }
    assert_eq!(text(Some(events)), "data: fine\n\n");
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
}

/// A reset drops what is queued, so it waits for the client. Which lengths leave something in the queue, once the buffers of
/// the socket are full, depends on the system.
#[test]
fn a_slow_client_gets_what_came_before_the_failure_of_a_stream() {
    const SLOW: Duration = Duration::from_millis(300);
    const STEP: usize = 256 * 1024;
    let server = Server::app("live");
    let asked: Vec<_> = (1..=20)
        .map(|steps| {
            let mut conn = h2::Conn::open(server.port);
            let id = conn.send(&Ask::get(format!("/failing-late/{}", steps * STEP)));
            conn.open_window(id, 16 << 20);
            (conn, id, steps * STEP)
        })
        .collect();
    // The clients are slow: the streams fail while nobody reads, and another client has time to notice that it is idle.
    assert!(server.connect().is_quiet_for(SLOW));
    for (mut conn, id, length) in asked {
        let mut read = 0;
        loop {
            let frame = conn.read();
            match (frame.stream == id, frame.kind) {
                (true, DATA) => read += frame.payload.len(),
                (true, RST_STREAM) => break,
                _ => {}
            }
        }
        assert_eq!(read, length);
    }
}

/// A panic cannot be told from a program that is broken: the client sees that there should be more.
#[test]
fn a_panic_cuts_the_stream() {
    let server = Server::app("live");
    let mut conn = open(&server, "/panicking");
    assert_eq!(text(conn.chunk()), "data: fine\n\n");
    assert_eq!(conn.rest(), b"", "no last chunk");
    assert_eq!(server.counter("panicked"), 1);
    assert_eq!(server.record(ID)["end"], "reply broken");
}

#[test]
fn errors_before_the_stream_are_problems() {
    let server = Server::app("live");
    server.ask(&Ask::get("/refused")).assert_problem(403);
    // What tells an `EventSource` to stay away.
    server.ask(&Ask::get("/over")).assert_status(204);
}

#[test]
fn a_head_does_not_begin_a_producer() {
    let server = Server::app("live");
    let head = server.ask(&Ask::new("HEAD", "/waiting"));
    head.assert_status(200).assert_header("content-type", "text/event-stream");
    let seen = server.ask(&Ask::get("/seen")).json();
    assert_eq!(seen["begun"], 0);
    server.until_counter("finished", 2);
}

/// Over each protocol: what is ready, a last comment, an orderly end, and the process ends before its deadline.
#[test]
fn a_stop_ends_the_streams() {
    let mut server = Server::app("live");
    let mut waiting = open(&server, "/waiting");
    let mut endless = open(&server, "/endless");
    let mut streams = h2::Conn::open(server.port);
    let stream = streams.send(&Ask::get("/waiting"));
    streams.wait_for_heads(1);
    until_seen(&server, "begun", 3);
    server.signal("TERM");
    assert_eq!(text(waiting.chunk()), ":\n");
    assert_eq!(text(waiting.chunk()), ": going away\n");
    assert_eq!(waiting.chunk(), None);
    assert_eq!(waiting.rest(), b"");
    let mut last = Vec::new();
    while let Some(chunk) = endless.chunk() {
        last = chunk;
    }
    assert!(last.ends_with(b"\n\n: going away\n"), "{:?}", String::from_utf8_lossy(&last));
    assert_eq!(streams.data(stream), b":\n");
    assert_eq!(streams.data(stream), b": going away\n");
    drop(streams);
    let lines = server.stopped();
    check_stopped(&lines, 0);
    assert_eq!(lines.last().unwrap()["cancelled"], 0, "{lines:?}");
}

/// The platform calls it before a freeze too: streams end, and those that begin afterwards do not.
#[test]
fn a_pre_stop_ends_the_streams_and_serving_goes_on() {
    let server = Server::app("live");
    let mut before = open(&server, "/waiting");
    until_seen(&server, "begun", 1);
    server.ask(&Ask::get("/pre-stop")).assert_status(200);
    assert_eq!(text(before.chunk()), ":\n");
    assert_eq!(text(before.chunk()), ": going away\n");
    assert_eq!(before.chunk(), None);
    before.ask(&Ask::get("/plaintext")).assert_status(200);
    until_seen(&server, "dropped", 1);
    assert_eq!(server.record(ID)["status"], 200);
    let mut after = open(&server, "/gated");
    assert_eq!(text(after.chunk()), ":\n");
    open_gate(&server);
    assert_eq!(text(after.chunk()), "data: event 0\n\n");
}

/// What nobody reads is not produced, and others are served meanwhile.
#[test]
fn a_client_that_does_not_read_stops_the_producer() {
    let server = Server::app("live");
    let stalled = open(&server, "/endless");
    let produced = || server.ask(&Ask::get("/seen")).json()["produced"].as_u64().unwrap();
    let bound = until_settled("the producer", produced);
    // The kernel's buffers of both ends, at most 4 and 6 MiB by default, and a few chunks.
    assert!(bound < 20_000, "{bound} events of 1 000 bytes");
    let mut other = open(&server, "/silent");
    assert_eq!(text(other.chunk()), ":\n");
    assert!(produced() < 20_000);
    drop(stalled);
    until_seen(&server, "dropped", 1);
}
