//! What a handler learns when its client leaves, in every state a client can leave it in.
//!
//! Each case looks at all of it: the handler's guard ran, the departure was counted and recorded once as a 499 with
//! the phase, and connections beside it, idle and busy, went on.

use crate::support::{Ask, Server, h1, h2};
use testkit::until;

const ID: &str = "leaver";

fn ask(method: &'static str, target: &str) -> Ask {
    Ask::new(method, target).header("x-fc-request-id", ID)
}

fn get(target: &str) -> Vec<u8> {
    h1::bytes(&ask("GET", target))
}

fn post(target: &str, length: usize) -> Ask {
    Ask { body: Some(vec![b'x'; length]), ..ask("POST", target) }
}

/// A request that is not all there: so much of its body of 1000 bytes, or of a gigabyte.
fn begun(target: &str, length: usize, body: &[u8]) -> Vec<u8> {
    let head = format!(
        "POST {target} HTTP/1.1\r\nHost: a\r\nx-fc-request-id: leaver\r\nContent-Length: {length}\r\n\r\n"
    );
    [head.as_bytes(), body].concat()
}

fn half(target: &str) -> Vec<u8> {
    begun(target, 1000, b"half")
}

const GIGABYTE: usize = 1_000_000_000;

/// A server with two clients that stay: one is idle, one waits for its reply.
struct Scene {
    server: Server,
    idle: h1::Conn,
    busy: h1::Conn,
}

impl Scene {
    #[track_caller]
    fn new() -> Self {
        let server = Server::app("leaving");
        let (mut idle, mut busy) = (server.connect(), server.connect());
        idle.ask(&Ask::get("/counters")).assert_status(200);
        busy.send(&h1::bytes(&Ask::get("/wait").header("x-fc-request-id", "stayer")));
        server.until_seen("waiting:stayer");
        Self { server, idle, busy }
    }

    /// Sends a request whose handler says that it has begun.
    #[track_caller]
    fn begin(&self, bytes: &[u8]) -> h1::Conn {
        let mut conn = self.server.connect();
        conn.send(bytes);
        self.server.until_seen("holding:leaver");
        conn
    }

    /// Everything that has to be so after the client has left. The words are all that became of the handler.
    #[track_caller]
    fn check_left(mut self, phase: &str, words: &[&str]) {
        for word in words {
            self.server.until_seen(&format!("{word}:{ID}"));
        }
        let seen = self.server.seen();
        for word in ["dropped", "told"] {
            assert_eq!(seen.contains(&format!("{word}:{ID}")), words.contains(&word), "{word}: {seen:?}");
        }
        self.server.until_counter("cancelled", 1);
        self.idle.ask(&Ask::get("/counters")).assert_status(200);
        // The one that waits, the one that asks, and a handler that goes on.
        let in_flight = 2 + u64::from(seen.contains(&format!("going on:{ID}")));
        assert_eq!(self.server.counter("in_flight"), in_flight);
        self.server.ask(&Ask::post("/open", "")).assert_status(204);
        self.busy.answer("GET").assert_status(200).assert_text("gate open");
        assert_eq!(self.server.counter("cancelled"), 1, "it is counted once");
        self.check_record(phase);
        for word in words {
            let word = format!("{word}:{ID}");
            assert_eq!(self.server.seen().iter().filter(|seen| **seen == word).count(), 1, "{word}");
        }
        let lines = self.server.stop();
        assert!(!lines.iter().any(|line| line["level"] == "ERROR"), "nobody is at fault: {lines:?}");
    }

    #[track_caller]
    fn check_record(&self, phase: &str) {
        let record = self.server.record(ID);
        assert_eq!((&record["status"], &record["phase"]), (&499.into(), &phase.into()), "{record}");
        assert_eq!(record["end"], "client left", "{record}");
    }
}

/// How a client's connection ends.
type Leave = fn(h1::Conn);

const CLOSE: Leave = drop;
const RESET: Leave = h1::Conn::reset;

/// A client that leaves while its handler is at work, in each of these ways.
#[track_caller]
fn check(ways: &[Leave], bytes: &[u8], phase: &str, words: &[&str]) {
    check_after(ways, bytes, |_| {}, phase, words);
}

/// The same of one that has done something meanwhile.
#[track_caller]
fn check_after(ways: &[Leave], bytes: &[u8], meanwhile: fn(&mut h1::Conn), phase: &str, words: &[&str]) {
    for leave in ways {
        let scene = Scene::new();
        let mut conn = scene.begin(bytes);
        meanwhile(&mut conn);
        leave(conn);
        scene.check_left(phase, words);
    }
}

#[test]
fn a_waiting_handler() {
    check(&[CLOSE, RESET], &get("/hold"), "handling", &["dropped"]);
}

/// A client that shuts its writing side has left, as for hyper, and gets no answer. A server
/// that answers half-closers sees no departure at all here; this one never answers them.
#[test]
fn a_half_close() {
    let half_close = |conn: &mut h1::Conn| {
        conn.finish_sending();
        assert_eq!(conn.rest(), b"");
    };
    check_after(&[CLOSE], &get("/hold"), half_close, "handling", &["dropped"]);
}

#[test]
fn a_half_close_and_then_the_rest() {
    let half_close = |conn: &mut h1::Conn| conn.finish_sending();
    check_after(&[CLOSE, RESET], &get("/hold"), half_close, "handling", &["dropped"]);
}

#[test]
fn a_small_body_that_is_held() {
    check(&[CLOSE], &h1::bytes(&post("/hold", 1000)), "handling", &["dropped"]);
}

#[test]
fn a_small_body_that_was_dropped() {
    check(&[CLOSE], &h1::bytes(&post("/hold/dropped", 1000)), "handling", &["dropped"]);
}

#[test]
fn a_body_that_was_read() {
    check(&[CLOSE], &h1::bytes(&post("/hold/read", 1000)), "handling", &["dropped"]);
}

/// hyper alone does not see it.
#[test]
fn a_large_body_that_is_not_read_and_a_reset() {
    let head = begun("/hold", GIGABYTE, b"");
    check_after(&[RESET], &head, h1::Conn::send_until_full, "handling", &["dropped"]);
}

/// hyper alone does not see it: the close stands behind bytes that nobody reads.
#[test]
fn a_large_body_that_is_not_read_and_a_close() {
    let piece = |conn: &mut h1::Conn| conn.send(&vec![b'x'; 30_000]);
    check_after(&[CLOSE], &begun("/hold", GIGABYTE, b""), piece, "handling", &["dropped"]);
}

/// In a full window the close itself waits with the client: the kernel cannot tell, and nobody is told. A reset can be
/// told, and is.
#[test]
fn a_close_behind_a_full_window_is_not_there_yet() {
    let scene = Scene::new();
    let mut conn = scene.begin(&begun("/hold", GIGABYTE, b""));
    conn.send_until_full();
    conn.finish_sending();
    let state = kernel_state(scene.server.port, conn.own_port());
    assert_eq!(state.as_deref(), Some("01"), "the kernel's own view is: established");
    assert_eq!(scene.server.counter("cancelled"), 0);
    conn.reset();
    scene.check_left("handling", &["dropped"]);
}

#[test]
fn a_large_body_partly_read_and_held() {
    let bytes = begun("/hold/partly", GIGABYTE, &vec![b'x'; 60_000]);
    check(&[CLOSE, RESET], &bytes, "handling", &["dropped"]);
}

/// The reader gets an error, and the departure is recorded all the same.
#[test]
fn half_a_body_that_is_being_read() {
    for target in ["/read", "/read/stream"] {
        check(&[CLOSE, RESET], &half(target), "reading", &["dropped"]);
    }
}

/// hyper alone does not see it.
#[test]
fn half_a_body_that_is_ignored() {
    check(&[CLOSE, RESET], &half("/hold"), "handling", &["dropped"]);
}

/// hyper alone does not see it. The second request is nobody's any more: it is not begun, and not counted.
#[test]
fn a_second_request_behind() {
    for leave in [CLOSE, RESET] {
        let scene = Scene::new();
        let second = b"GET /hold HTTP/1.1\r\nHost: a\r\nx-fc-request-id: second\r\n\r\n";
        leave(scene.begin(&[&get("/hold")[..], second].concat()));
        scene.server.until_seen("dropped:leaver");
        let seen = scene.server.seen();
        assert!(!seen.iter().any(|word| word.ends_with(":second")), "{seen:?}");
        scene.check_left("handling", &["dropped"]);
    }
}

#[test]
fn a_reply_that_is_streaming_or_idle_in_mid_stream() {
    for target in ["/stream/busy", "/stream/idle"] {
        let read_on = |conn: &mut h1::Conn| {
            conn.answer_head().assert_status(200);
            assert!(conn.chunk().is_some());
        };
        check_after(&[CLOSE, RESET], &get(target), read_on, "replying", &["dropped"]);
    }
}

/// Its body is unread besides, which hides the departure from hyper. The work goes on and is told; the gate lets it,
/// too, come to its end.
#[test]
fn a_handler_that_finishes() {
    check(&[CLOSE, RESET], &half("/finish"), "handling", &["told"]);
}

#[test]
fn a_handler_that_finishes_does_finish() {
    let scene = Scene::new();
    drop(scene.begin(&get("/finish")));
    scene.server.until_seen("told:leaver");
    scene.server.ask(&Ask::post("/open", "")).assert_status(204);
    scene.server.until_seen("finished:leaver");
    scene.server.until_seen("dropped:leaver");
    assert_eq!(scene.server.counter("cancelled"), 1);
    scene.check_record("handling");
}

#[test]
fn a_task_that_the_handler_spawned() {
    check(&[CLOSE], &get("/spawned"), "handling", &["dropped", "told"]);
}

#[test]
fn blocking_work() {
    check(&[CLOSE], &get("/blocking"), "handling", &["told"]);
}

#[test]
fn an_event_call() {
    check(&[CLOSE], &h1::bytes(&post("/invoke", 10)), "handling", &["dropped"]);
}

/// The ways an HTTP/2 client leaves: by its stream alone, by a close, by a reset.
const H2_WAYS: [fn(h2::Conn, u32) -> Option<h2::Conn>; 3] = [
    |mut conn, stream| {
        conn.cancel(stream);
        // The connection goes on, once it may carry as much again as the stream has used.
        conn.frame(8, 0, 0, &65_535_u32.to_be_bytes());
        conn.ask(&Ask::get("/counters")).assert_status(200);
        Some(conn)
    },
    |_, _| None,
    |conn, _| {
        conn.reset();
        None
    },
];

#[track_caller]
fn check_h2(ask: &Ask, phase: &str, words: &[&str]) {
    check_h2_begun(|conn| conn.send(ask), phase, words);
}

#[track_caller]
fn check_h2_begun(begin: impl Fn(&mut h2::Conn) -> u32, phase: &str, words: &[&str]) {
    for leave in H2_WAYS {
        let scene = Scene::new();
        let mut conn = h2::Conn::open(scene.server.port);
        let stream = begin(&mut conn);
        scene.server.until_seen("holding:leaver");
        let _still_open = leave(conn, stream);
        scene.check_left(phase, words);
    }
}

#[test]
fn http2_while_the_handler_waits() {
    check_h2(&ask("GET", "/hold"), "handling", &["dropped"]);
}

#[test]
fn http2_with_an_unread_body() {
    check_h2(&post("/hold", 100_000), "handling", &["dropped"]);
}

#[test]
fn http2_with_a_body_partly_read() {
    check_h2(&post("/hold/partly", 100_000), "handling", &["dropped"]);
}

#[test]
fn http2_with_a_body_that_was_read() {
    check_h2(&post("/hold/read", 1000), "handling", &["dropped"]);
}

#[test]
fn http2_while_the_reply_streams() {
    check_h2(&ask("GET", "/stream/busy"), "replying", &["dropped"]);
}

#[test]
fn http2_while_the_reply_is_idle() {
    check_h2(&ask("GET", "/stream/idle"), "replying", &["dropped"]);
}

#[test]
fn http2_a_handler_that_finishes() {
    check_h2(&ask("GET", "/finish"), "handling", &["told"]);
}

#[test]
fn http2_a_spawned_task() {
    check_h2(&ask("GET", "/spawned"), "handling", &["dropped", "told"]);
}

#[test]
fn http2_half_a_body_that_is_being_read() {
    for target in ["/read", "/read/stream"] {
        let half = |conn: &mut h2::Conn| {
            let stream = conn.send_head(&post(target, 1000));
            conn.frame(0, 0, stream, b"half");
            stream
        };
        check_h2_begun(half, "reading", &["dropped"]);
    }
}

/// Its reply is over for us when the connection has all of it, and not yet for a client that does not read it. How much the
/// kernel takes in cannot be known, so some of these sizes are left with a rest that it does not.
#[test]
fn a_client_that_leaves_before_the_last_bytes_keeps_no_connection() {
    const ESTABLISHED: &str = "01";
    const CLOSE_WAIT: &str = "08";
    let server = Server::contract();
    for size in (2_000_000..8_000_000).step_by(25_000) {
        let mut conn = server.connect();
        conn.send(&h1::bytes(&Ask::get(format!("/large?bytes={size}"))));
        conn.finish_sending();
        until("the connection to be given up", || {
            let state = kernel_state(server.port, conn.own_port());
            state.is_none_or(|state| state != CLOSE_WAIT && state != ESTABLISHED).then_some(())
        });
    }
}

/// The state of the server's end of a connection, as the kernel has it.
fn kernel_state(server: u16, client: u16) -> Option<String> {
    let table = std::fs::read_to_string("/proc/net/tcp").ok()?;
    let ends = [format!(":{server:04X}"), format!(":{client:04X}")];
    table.lines().find_map(|line| {
        let mut words = line.split_whitespace().skip(1);
        let (own, other, state) = (words.next()?, words.next()?, words.next()?);
        (own.ends_with(&ends[0]) && other.ends_with(&ends[1])).then(|| state.to_owned())
    })
}
