//! What a handler learns when its client leaves, in every state a client can leave it in.
//!
//! Each case looks at all of it: the handler's guard ran, the departure was counted and recorded once as a 499 with
//! the phase, and connections beside it, idle and busy, went on.

use serde_json::Value;

use crate::support::wait::until;
use crate::support::{Ask, Launch, Server, h1, h2};

const ID: &str = "leaver";

fn ask(method: &'static str, target: &str) -> Ask {
    Ask::new(method, target).header("x-fc-request-id", ID)
}

fn post(target: &str, length: usize) -> Ask {
    Ask { body: Some(vec![b'x'; length]), ..ask("POST", target) }
}

/// A server with two clients that stay: one is idle, one waits for its reply.
struct Scene {
    server: Server,
    idle: h1::Conn,
    busy: h1::Conn,
}

impl Scene {
    #[track_caller]
    fn new() -> Self {
        let server = Launch::app("leaving").start();
        let (mut idle, mut busy) = (server.connect(), server.connect());
        idle.ask(&Ask::get("/counters")).assert_status(200);
        busy.send(&h1::bytes(&Ask::get("/wait").header("x-fc-request-id", "stayer")));
        let scene = Self { server, idle, busy };
        scene.until_seen("waiting:stayer");
        scene
    }

    #[track_caller]
    fn seen(&self) -> Vec<String> {
        serde_json::from_value(self.server.ask(&Ask::get("/seen")).json()).unwrap()
    }

    #[track_caller]
    fn until_seen(&self, word: &str) {
        until(word, || self.seen().iter().any(|seen| seen == word).then_some(()));
    }

    /// Sends a request whose handler says that it has begun.
    #[track_caller]
    fn begin(&self, bytes: &[u8]) -> h1::Conn {
        let mut conn = self.server.connect();
        conn.send(bytes);
        self.until_seen("holding:leaver");
        conn
    }

    #[track_caller]
    fn begin_h2(&self, ask: &Ask) -> (h2::Conn, u32) {
        let mut conn = h2::Conn::open(self.server.port);
        let stream = conn.send(ask);
        self.until_seen("holding:leaver");
        (conn, stream)
    }

    /// Everything that has to be so after the client has left.
    #[track_caller]
    fn check_left(mut self, phase: &str, words: &[&str]) {
        for word in words {
            self.until_seen(&format!("{word}:{ID}"));
        }
        self.server.until_counter("cancelled", 1);
        self.idle.ask(&Ask::get("/counters")).assert_status(200);
        assert_eq!(self.server.counter("in_flight"), 2, "the one that waits and the one that asks");
        self.server.ask(&Ask::post("/open", "")).assert_status(204);
        self.busy.answer("GET").assert_status(200).assert_text("gate open");
        assert_eq!(self.server.counter("cancelled"), 1, "it is counted once");
        self.check_record(phase);
        for word in words {
            let word = format!("{word}:{ID}");
            assert_eq!(self.seen().iter().filter(|seen| **seen == word).count(), 1, "{word}");
        }
        let lines = self.server.stop();
        assert!(!lines.iter().any(|line| line["level"] == "ERROR"), "nobody is at fault: {lines:?}");
    }

    #[track_caller]
    fn check_record(&self, phase: &str) {
        let lines = self.server.records(ID, 1);
        let records: Vec<&Value> = lines.iter().filter(|line| line["status"].is_u64()).collect();
        assert_eq!(records.len(), 1, "{lines:?}");
        let record = records[0];
        assert_eq!((&record["status"], &record["phase"]), (&499.into(), &phase.into()), "{record}");
        assert_eq!(record["end"], "client left", "{record}");
    }
}

#[test]
fn row_1_a_waiting_handler_and_a_close() {
    let scene = Scene::new();
    drop(scene.begin(&h1::bytes(&ask("GET", "/hold"))));
    scene.check_left("handling", &["dropped"]);
}

#[test]
fn row_2_a_waiting_handler_and_a_reset() {
    let scene = Scene::new();
    scene.begin(&h1::bytes(&ask("GET", "/hold"))).reset();
    scene.check_left("handling", &["dropped"]);
}

/// A client that shuts its writing side has left, as for hyper, and gets no answer. (Rows 4, 5 and 5r are the same for
/// servers that answer half-closers, and then see no departure at all; this one never does.)
#[test]
fn rows_3_and_4_a_half_close() {
    let scene = Scene::new();
    let mut conn = scene.begin(&h1::bytes(&ask("GET", "/hold")));
    conn.finish_sending();
    assert_eq!(conn.rest(), b"");
    scene.check_left("handling", &["dropped"]);
}

#[test]
fn row_5_a_half_close_and_then_the_rest() {
    let scene = Scene::new();
    let conn = scene.begin(&h1::bytes(&ask("GET", "/hold")));
    conn.finish_sending();
    drop(conn);
    scene.check_left("handling", &["dropped"]);
}

#[test]
fn row_5r_a_half_close_and_then_a_reset() {
    let scene = Scene::new();
    let conn = scene.begin(&h1::bytes(&ask("GET", "/hold")));
    conn.finish_sending();
    conn.reset();
    scene.check_left("handling", &["dropped"]);
}

#[test]
fn row_6_a_small_body_that_is_held() {
    let scene = Scene::new();
    drop(scene.begin(&h1::bytes(&post("/hold", 1000))));
    scene.check_left("handling", &["dropped"]);
}

#[test]
fn row_7_a_small_body_that_was_dropped() {
    let scene = Scene::new();
    drop(scene.begin(&h1::bytes(&post("/hold/dropped", 1000))));
    scene.check_left("handling", &["dropped"]);
}

#[test]
fn row_8_a_body_that_was_read() {
    let scene = Scene::new();
    drop(scene.begin(&h1::bytes(&post("/hold/read", 1000))));
    scene.check_left("handling", &["dropped"]);
}

const MEGABYTES: &[u8] =
    b"POST /hold HTTP/1.1\r\nHost: a\r\nx-fc-request-id: leaver\r\nContent-Length: 1000000000\r\n\r\n";

/// hyper alone does not see it.
#[test]
fn row_9_a_large_body_that_is_not_read_and_a_reset() {
    let scene = Scene::new();
    let mut conn = scene.begin(MEGABYTES);
    conn.send_until_full();
    conn.reset();
    scene.check_left("handling", &["dropped"]);
}

/// hyper alone does not see it: the close stands behind bytes that nobody reads.
#[test]
fn row_9_a_large_body_that_is_not_read_and_a_close() {
    let scene = Scene::new();
    let mut conn = scene.begin(MEGABYTES);
    conn.send(&vec![b'x'; 30_000]);
    drop(conn);
    scene.check_left("handling", &["dropped"]);
}

/// In a full window the close itself waits with the client: the kernel cannot tell, and nobody is told. A reset can be
/// told, and is.
#[test]
fn row_9_a_close_behind_a_full_window_is_not_there_yet() {
    let scene = Scene::new();
    let mut conn = scene.begin(MEGABYTES);
    conn.send_until_full();
    conn.finish_sending();
    let state = kernel_state(scene.server.port, conn.own_port());
    assert_eq!(state.as_deref(), Some("01"), "the kernel's own view is: established");
    assert_eq!(scene.server.counter("cancelled"), 0);
    conn.reset();
    scene.check_left("handling", &["dropped"]);
}

#[test]
fn row_10_a_large_body_partly_read_and_held() {
    for reset in [false, true] {
        let scene = Scene::new();
        let head = String::from_utf8(MEGABYTES.to_vec()).unwrap().replace("/hold", "/hold/partly");
        let mut conn = scene.server.connect();
        conn.send(head.as_bytes());
        conn.send(&vec![b'x'; 60_000]);
        scene.until_seen("holding:leaver");
        if reset {
            conn.reset();
        } else {
            drop(conn);
        }
        scene.check_left("handling", &["dropped"]);
    }
}

const HALF: &str = "HTTP/1.1\r\nHost: a\r\nx-fc-request-id: leaver\r\nContent-Length: 1000\r\n\r\nhalf";

/// The reader gets an error, and the departure is recorded all the same.
#[test]
fn row_11_half_a_body_that_is_being_read() {
    for (target, reset) in
        [("/read", false), ("/read", true), ("/read/stream", false), ("/read/stream", true)]
    {
        let scene = Scene::new();
        let conn = scene.begin(format!("POST {target} {HALF}").as_bytes());
        if reset {
            conn.reset();
        } else {
            drop(conn);
        }
        scene.check_left("reading", &["dropped"]);
    }
}

/// hyper alone does not see it.
#[test]
fn row_12_half_a_body_that_is_ignored() {
    for reset in [false, true] {
        let scene = Scene::new();
        let conn = scene.begin(format!("POST /hold {HALF}").as_bytes());
        if reset {
            conn.reset();
        } else {
            drop(conn);
        }
        scene.check_left("handling", &["dropped"]);
    }
}

/// hyper alone does not see it. The second request is nobody's any more: it is not begun, and not counted.
#[test]
fn row_13_a_second_request_behind() {
    for reset in [false, true] {
        let scene = Scene::new();
        let mut bytes = h1::bytes(&ask("GET", "/hold"));
        bytes.extend_from_slice(b"GET /hold HTTP/1.1\r\nHost: a\r\nx-fc-request-id: second\r\n\r\n");
        let conn = scene.begin(&bytes);
        if reset {
            conn.reset();
        } else {
            drop(conn);
        }
        scene.until_seen("dropped:leaver");
        assert!(!scene.seen().iter().any(|word| word.ends_with(":second")), "{:?}", scene.seen());
        scene.check_left("handling", &["dropped"]);
    }
}

#[test]
fn row_14_a_reply_that_is_streaming() {
    for reset in [false, true] {
        let scene = Scene::new();
        let mut conn = scene.begin(&h1::bytes(&ask("GET", "/stream/busy")));
        conn.answer_head().assert_status(200);
        assert!(conn.chunk().is_some());
        if reset {
            conn.reset();
        } else {
            drop(conn);
        }
        scene.check_left("replying", &["dropped"]);
    }
}

#[test]
fn row_15_a_reply_that_is_idle_in_mid_stream() {
    for reset in [false, true] {
        let scene = Scene::new();
        let mut conn = scene.begin(&h1::bytes(&ask("GET", "/stream/idle")));
        conn.answer_head().assert_status(200);
        assert!(conn.chunk().is_some());
        if reset {
            conn.reset();
        } else {
            drop(conn);
        }
        scene.check_left("replying", &["dropped"]);
    }
}

/// Its body is unread besides, which hides the departure from hyper. The work goes on and is told.
#[test]
fn row_16_a_handler_that_finishes() {
    for reset in [false, true] {
        let scene = Scene::new();
        let conn = scene.begin(format!("POST /finish {HALF}").as_bytes());
        if reset {
            conn.reset();
        } else {
            drop(conn);
        }
        scene.until_seen("told:leaver");
        assert!(!scene.seen().contains(&"dropped:leaver".to_owned()), "it goes on: {:?}", scene.seen());
        // The gate lets it, too, come to its end.
        scene.check_left("handling", &["told"]);
    }
}

#[test]
fn row_16_a_handler_that_finishes_does_finish() {
    let scene = Scene::new();
    drop(scene.begin(&h1::bytes(&ask("GET", "/finish"))));
    scene.until_seen("told:leaver");
    scene.server.ask(&Ask::post("/open", "")).assert_status(204);
    scene.until_seen("finished:leaver");
    scene.until_seen("dropped:leaver");
    assert_eq!(scene.server.counter("cancelled"), 1);
    scene.check_record("handling");
}

#[test]
fn row_16_a_task_that_the_handler_spawned() {
    let scene = Scene::new();
    drop(scene.begin(&h1::bytes(&ask("GET", "/spawned"))));
    scene.check_left("handling", &["dropped", "told"]);
}

#[test]
fn row_16_blocking_work() {
    let scene = Scene::new();
    drop(scene.begin(&h1::bytes(&ask("GET", "/blocking"))));
    scene.check_left("handling", &["told"]);
}

#[test]
fn an_event_call() {
    let scene = Scene::new();
    drop(scene.begin(&h1::bytes(&post("/invoke", 10))));
    scene.check_left("handling", &["dropped"]);
}

/// The ways an HTTP/2 client leaves.
#[derive(Debug, Clone, Copy)]
enum Way {
    Stream,
    Close,
    Reset,
}

#[track_caller]
fn check_h2(ask: &Ask, phase: &str, words: &[&str]) {
    for way in [Way::Stream, Way::Close, Way::Reset] {
        let scene = Scene::new();
        let (mut conn, stream) = scene.begin_h2(ask);
        match way {
            Way::Stream => {
                conn.cancel(stream);
                // The connection goes on, once it may carry as much again as the stream has used.
                conn.frame(8, 0, 0, &65_535_u32.to_be_bytes());
                conn.ask(&Ask::get("/counters")).assert_status(200);
            }
            Way::Close => drop(conn),
            Way::Reset => conn.reset(),
        }
        scene.check_left(phase, words);
    }
}

#[test]
fn rows_17_to_22_http2_while_the_handler_waits() {
    check_h2(&ask("GET", "/hold"), "handling", &["dropped"]);
}

#[test]
fn rows_17_to_22_http2_with_an_unread_body() {
    check_h2(&post("/hold", 100_000), "handling", &["dropped"]);
}

#[test]
fn rows_17_to_22_http2_with_a_body_partly_read() {
    check_h2(&post("/hold/partly", 100_000), "handling", &["dropped"]);
}

#[test]
fn rows_17_to_22_http2_with_a_body_that_was_read() {
    check_h2(&post("/hold/read", 1000), "handling", &["dropped"]);
}

#[test]
fn rows_17_to_22_http2_while_the_reply_streams() {
    check_h2(&ask("GET", "/stream/busy"), "replying", &["dropped"]);
}

#[test]
fn rows_17_to_22_http2_while_the_reply_is_idle() {
    check_h2(&ask("GET", "/stream/idle"), "replying", &["dropped"]);
}

#[test]
fn rows_17_to_22_http2_a_handler_that_finishes() {
    check_h2(&ask("GET", "/finish"), "handling", &["told"]);
}

#[test]
fn rows_17_to_22_http2_a_spawned_task() {
    check_h2(&ask("GET", "/spawned"), "handling", &["dropped", "told"]);
}

#[test]
fn rows_17_to_22_http2_half_a_body_that_is_being_read() {
    for target in ["/read", "/read/stream"] {
        for way in [Way::Stream, Way::Close, Way::Reset] {
            let scene = Scene::new();
            let mut conn = h2::Conn::open(scene.server.port);
            let stream = conn.send_head(&post(target, 1000));
            conn.frame(0, 0, stream, b"half");
            scene.until_seen("holding:leaver");
            match way {
                Way::Stream => conn.cancel(stream),
                Way::Close => drop(conn),
                Way::Reset => conn.reset(),
            }
            scene.check_left("reading", &["dropped"]);
        }
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
