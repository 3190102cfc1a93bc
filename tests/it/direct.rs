//! Streams that a connection sends without hyper: what is on the wire before, during and after them, and who may leave.

use std::time::{Duration, Instant};

use crate::support::{Ask, Launch, Server, check_stopped, h1};
use testkit::{pause, until};

const ID: &str = "listener";

/// Long enough for a reply that should not come.
const QUIET: Duration = Duration::from_millis(100);

fn get(target: &str) -> Vec<u8> {
    h1::bytes(&Ask::get(target).header("x-fc-request-id", ID))
}

#[track_caller]
fn begin(server: &Server, bytes: &[u8]) -> h1::Conn {
    let mut conn = server.connect();
    conn.send(bytes);
    conn.answer_head().assert_status(200).assert_header("transfer-encoding", "chunked");
    conn
}

#[track_caller]
fn open_gate(server: &Server) {
    server.ask(&Ask::post("/open", "")).assert_status(204);
}

#[test]
fn the_bytes_of_a_stream_are_these() {
    let server = Server::app("live");
    let mut conn = server.connect();
    // The first request of an instance initializes it.
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
    conn.send(b"GET /burst HTTP/1.1\r\nHost: a\r\n\r\n");
    let answer = conn.answer("GET");
    let raw = String::from_utf8(conn.raw.clone()).unwrap();
    let date = answer.header("date").expect("a clock").to_owned();
    assert_eq!(
        raw.replace(&date, "now"),
        "HTTP/1.1 200 OK\r\ncontent-type: text/event-stream\r\ncache-control: no-cache\r\nx-accel-buffering: no\r\n\
         vary: origin\r\ntransfer-encoding: chunked\r\ndate: now\r\n\r\n\
         23\r\ndata: one\n\ndata: two\n\ndata: three\n\n\r\n0\r\n\r\n"
    );
}

/// The stream is not framed, and the end of the connection is its end.
#[test]
fn http_1_0_gets_the_events_alone() {
    let server = Server::app("live");
    // The end of the connection is the end of the stream, also where the client would keep the connection.
    for more in ["", "Connection: keep-alive\r\n"] {
        let mut conn = server.connect();
        conn.send(format!("GET /burst HTTP/1.0\r\nHost: a\r\n{more}\r\n").as_bytes());
        let all = String::from_utf8(conn.rest()).unwrap();
        let (head, body) = all.split_once("\r\n\r\n").unwrap();
        assert!(head.starts_with("HTTP/1.0 200"), "{head}");
        assert!(!head.contains("transfer-encoding") && !head.contains("keep-alive"), "{head}");
        assert_eq!(body, "data: one\n\ndata: two\n\ndata: three\n\n");
    }
}

#[test]
fn a_client_that_asks_for_a_close_gets_one_behind_the_stream() {
    let server = Server::app("live");
    let head = begin(&server, b"GET /gated/1 HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n");
    let mut conn = head;
    assert!(String::from_utf8_lossy(&conn.raw).contains("connection: close\r\n"));
    assert_eq!(conn.chunk().unwrap(), b":\n");
    open_gate(&server);
    assert_eq!(conn.rest(), b"10\r\ndata: one more\n\n\r\n0\r\n\r\n");
}

#[test]
fn a_connection_goes_from_streams_to_requests_and_back() {
    let server = Server::app("live");
    let mut conn = server.connect();
    for _ in 0..50 {
        let events = conn.ask(&Ask::get("/burst"));
        events.assert_status(200).assert_text("data: one\n\ndata: two\n\ndata: three\n\n");
        conn.ask(&Ask::get("/plaintext")).assert_status(200).assert_text("Hello, World!");
        let words = conn.ask(&Ask::post("/words", "tea salt"));
        words.assert_status(200).assert_text("data: tea\n\ndata: salt\n\n");
        conn.ask(&Ask::new("HEAD", "/burst")).assert_status(200);
    }
    server.until_counter("finished", 200);
    assert_eq!(server.counter("cancelled"), 0);
}

/// They may come in one packet, in two that part the second anywhere, or while the stream goes on.
#[test]
fn a_request_behind_a_stream_is_answered_after_it() {
    let server = Server::app("live");
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    let (first, second) = (get("/gated/1"), h1::bytes(&Ask::post("/words", "one two")));
    let both = [&first[..], &second].concat();
    for cut in (first.len() - 2..both.len()).step_by(7).chain([both.len()]) {
        let mut conn = server.connect();
        conn.send(&both[..cut.max(first.len())]);
        conn.answer_head().assert_status(200);
        assert_eq!(conn.chunk().unwrap(), b":\n");
        conn.send(&both[cut.max(first.len())..]);
        open_gate(&server);
        assert_eq!(conn.chunk().unwrap(), b"data: one more\n\n");
        assert_eq!(conn.chunk(), None);
        conn.answer("POST").assert_status(200).assert_text("data: one\n\ndata: two\n\n");
        conn.ask(&Ask::get("/plaintext")).assert_status(200);
    }
}

#[test]
fn what_a_client_sends_meanwhile_disturbs_no_stream() {
    let server = Server::app("live");
    let mut conn = begin(&server, &get("/gated/2"));
    assert_eq!(conn.chunk().unwrap(), b":\n");
    // A part of the next head, which waits for its rest.
    conn.send(b"\r\nGET /plaintext HT");
    assert!(conn.is_quiet_for(QUIET));
    for _ in 0..2 {
        open_gate(&server);
        assert_eq!(conn.chunk().unwrap(), b"data: one more\n\n");
    }
    assert_eq!(conn.chunk(), None);
    assert!(conn.is_quiet_for(QUIET));
    conn.send(b"TP/1.1\r\nHost: a\r\n\r\n");
    conn.answer("GET").assert_status(200).assert_text("Hello, World!");
    // What is no head is refused behind the stream, and with a record.
    let mut conn = begin(&server, &get("/gated/1"));
    assert_eq!(conn.chunk().unwrap(), b":\n");
    conn.send(b"\0\x01\x02 is not HTTP\r\n\r\n");
    open_gate(&server);
    assert_eq!(conn.chunk().unwrap(), b"data: one more\n\n");
    assert_eq!(conn.chunk(), None);
    conn.answer("GET").assert_problem(400);
}

#[test]
fn a_body_that_was_read_lets_its_stream_go_whatever_its_framing() {
    let server = Server::app("live");
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    let chunked = "POST /words HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\ntea\r\n5\r\n salt\r\n0\r\n\r\n";
    let expecting =
        "POST /words HTTP/1.1\r\nHost: a\r\nExpect: 100-continue\r\nContent-Length: 8\r\n\r\ntea salt";
    for bytes in [chunked, expecting] {
        let mut conn = server.connect();
        conn.send(&[bytes, "GET /plaintext HTTP/1.1\r\nHost: a\r\n\r\n"].concat().into_bytes());
        conn.answer("POST").assert_status(200).assert_text("data: tea\n\ndata: salt\n\n");
        conn.answer("GET").assert_status(200).assert_text("Hello, World!");
    }
}

/// Behind its last byte, or with more to send: what is ready is sent, and one that waits is left.
#[test]
fn a_half_close_leaves_a_stream_that_waits_and_not_one_that_is_ready() {
    let server = Server::app("live");
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    let mut ready = server.connect();
    ready.send(&get("/burst"));
    ready.finish_sending();
    let all = String::from_utf8(ready.rest()).unwrap();
    assert!(all.ends_with("data: three\n\n\r\n0\r\n\r\n"), "{all}");
    let mut waiting = begin(&server, &get("/waiting"));
    assert_eq!(waiting.chunk().unwrap(), b":\n");
    waiting.finish_sending();
    assert_eq!(waiting.rest(), b"", "no last chunk");
    server.until_counter("cancelled", 1);
}

#[test]
fn a_task_that_waits_for_the_hang_up_is_told() {
    for leave in [drop, h1::Conn::reset] {
        let server = Server::app("live");
        server.ask(&Ask::get("/plaintext")).assert_status(200);
        let mut conn = begin(&server, &get("/watched"));
        assert_eq!(conn.chunk().unwrap(), b"data: watched\n\n");
        let dropped = || server.ask(&Ask::get("/seen")).json()["dropped"] == 1;
        assert!(!dropped());
        leave(conn);
        until("the task to be told", || dropped().then_some(()));
        let record = server.record(ID);
        assert_eq!((&record["status"], &record["phase"]), (&499.into(), &"replying".into()), "{record}");
        assert_eq!((&record["path"], &record["bytes"]), (&"/watched".into(), &15.into()), "{record}");
    }
}

/// Every byte comes, in order, also where the kernel takes a part of a chunk.
#[test]
fn a_slow_client_gets_every_byte() {
    let server = Server::app("live");
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    for (length, count) in [(1, 255_u8), (1000, 255), (16 * 1024 + 1, 255), (300_000, 60)] {
        let mut conn = begin(&server, &get(&format!("/pieces/{length}/{count}")));
        let mut body = Vec::new();
        for at in 0.. {
            if at % 100 == 0 {
                pause();
            }
            let Some(chunk) = conn.chunk() else { break };
            body.extend_from_slice(&chunk);
        }
        assert_eq!(body.len(), length * usize::from(count));
        let wrong = body.iter().enumerate().find(|(at, byte)| usize::from(**byte) != at / length);
        assert_eq!(wrong, None, "pieces of {length} bytes");
        conn.ask(&Ask::get("/plaintext")).assert_status(200);
    }
}

/// hyper then sends the stream too, because it still has the end of the reply before.
#[test]
fn a_stream_behind_a_reply_that_waits_for_its_client_comes_after_it() {
    let server = Server::app("settings");
    server.ask(&Ask::get("/counters")).assert_status(200);
    let mut conn = server.connect();
    conn.send(&[get("/whole"), get("/whole"), get("/drip")].concat());
    for _ in 0..20 {
        pause();
    }
    for _ in 0..2 {
        assert_eq!(conn.answer("GET").body.len(), 1 << 20);
    }
    conn.answer_head().assert_status(200);
    assert_eq!(conn.chunk().unwrap(), b"a drop");
    drop(conn);
    server.until_counter("cancelled", 1);
}

#[test]
fn a_stop_closes_behind_the_stream_and_answers_who_has_asked_for_more() {
    let mut server = Server::app("live");
    let mut quiet = begin(&server, &get("/waiting"));
    let mut asking = begin(&server, &[get("/waiting"), get("/plaintext")].concat());
    for conn in [&mut quiet, &mut asking] {
        assert_eq!(conn.chunk().unwrap(), b":\n");
    }
    asking.send(&get("/plaintext"));
    server.signal("TERM");
    for conn in [&mut quiet, &mut asking] {
        assert_eq!(conn.chunk().unwrap(), b": going away\n");
        assert_eq!(conn.chunk(), None);
    }
    assert_eq!(quiet.rest(), b"");
    asking.answer("GET").assert_status(200).assert_header("connection", "close").assert_text("Hello, World!");
    assert_eq!(asking.rest(), b"", "the other is nobody's");
    check_stopped(&server.stopped(), 0);
}

#[test]
fn a_deadline_cuts_a_stream_and_says_so() {
    let mut server = Launch::app("settings").var("IT_DRAIN_MS", "300").start();
    server.ask(&Ask::get("/counters")).assert_status(200);
    let mut conn = begin(&server, &get("/drip"));
    assert!(conn.chunk().is_some());
    server.signal("TERM");
    let rest = conn.rest();
    assert!(!rest.ends_with(b"0\r\n\r\n"), "{:?}", String::from_utf8_lossy(&rest));
    let lines = server.stopped();
    assert_eq!(lines.last().unwrap()["cut"], 1, "{lines:?}");
}

/// Those who stay get every event, and those who leave in whatever way are forgotten.
#[test]
fn a_thousand_clients_of_which_some_leave() {
    const ALL: usize = 1000;
    let server = Server::contract();
    let publish = |text: &str| -> usize {
        server.ask(&Ask::post("/publish", text)).assert_status(200).text().parse().unwrap()
    };
    let mut conns: Vec<_> = (0..ALL).map(|_| begin(&server, &get("/feed"))).collect();
    for conn in &mut conns {
        assert_eq!(conn.chunk().unwrap(), b":\n");
    }
    assert_eq!(publish("first"), ALL);
    for conn in &mut conns {
        assert_eq!(conn.chunk().unwrap(), b"data: first\n\n");
    }
    let mut halves = Vec::new();
    for (at, conn) in conns.split_off(ALL / 2).into_iter().enumerate() {
        match at % 3 {
            0 => drop(conn),
            1 => conn.reset(),
            _ => {
                conn.finish_sending();
                halves.push(conn);
            }
        }
    }
    let started = Instant::now();
    until("those who left to be forgotten", || (publish("second") == ALL / 2).then_some(()));
    server.until_counter("cancelled", (ALL / 2) as u64);
    assert_eq!(publish("last"), ALL / 2, "after {:?}", started.elapsed());
    for conn in &mut conns {
        let mut came = Vec::new();
        while !came.ends_with(b"data: last\n\n") {
            came.extend_from_slice(&conn.chunk().unwrap());
        }
        assert!(came.starts_with(b"data: second\n\n"));
    }
}
