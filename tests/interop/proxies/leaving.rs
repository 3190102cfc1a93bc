//! Clients that leave: whether the function hears of it, and when.

use super::BOUND;
use super::front::Front;
use super::replies::{self, Upload};
use crate::support::h1::{self, Conn};
use crate::support::{Ask, Server, h2};

/// A departure that is seen while nothing is sent.
const AT_ONCE: &str = "at once";
/// One that the function hears of by its next event, comment or ping.
const BY_WRITING: &str = "by writing";
/// The function finishes its work for nobody.
const NEVER: &str = "never";

/// While the function works on the reply.
#[track_caller]
pub fn waiting(server: &Server, front: &Front) -> String {
    let mut conn = Conn::open(front.port);
    conn.send(&h1::bytes(&slow("waiting")));
    server.until_counter("in_flight", 2);
    drop(conn);
    at_once_or_never(server, "waiting")
}

/// As [`waiting`], by HTTP/2: the stream is cancelled, and the connection stays.
#[track_caller]
pub fn cancelled(server: &Server, front: &Front, has_http2: bool) -> String {
    if !has_http2 {
        return "–".to_owned();
    }
    let mut conn = h2::Conn::open(front.http2);
    let id = conn.send(&slow("cancelled"));
    server.until_counter("in_flight", 2);
    conn.cancel(id);
    at_once_or_never(server, "cancelled")
}

fn slow(id: &str) -> Ask {
    Ask::get(format!("/slow?ms={}", BOUND.as_millis())).header("x-fc-request-id", id)
}

#[track_caller]
fn at_once_or_never(server: &Server, id: &str) -> String {
    let status = server.record(id)["status"].clone();
    assert!(status == 499 || status == 200, "{status}");
    let seen = if status == 499 { AT_ONCE } else { NEVER };
    seen.to_owned()
}

/// In the middle of a request body, which the function reads.
#[track_caller]
pub fn uploading(server: &Server, front: &Front) -> String {
    let upload = Upload::begin(front, "/publish", "uploading", false);
    let is_seen = super::comes_true(|| server.counter("in_flight") == 2);
    drop(upload);
    let seen = match (is_seen, super::comes_true(|| is_499(server, "uploading"))) {
        (false, false) => "not called",
        (_, true) => AT_ONCE,
        (true, false) => NEVER,
    };
    seen.to_owned()
}

/// From a stream of events, between two of them.
#[track_caller]
pub fn quiet_stream(server: &Server, front: &Front) -> String {
    let mut conn = Conn::open(front.port);
    conn.send(&h1::bytes(&Ask::get("/feed").header("x-fc-request-id", "stream")));
    server.until_counter("in_flight", 2);
    server.ask(&Ask::post("/publish", "one"));
    conn.until_text("data: one\n\n");
    drop(conn);
    if super::comes_true(|| is_499(server, "stream")) {
        return AT_ONCE.to_owned();
    }
    testkit::eventually("the departure", || {
        server.ask(&Ask::post("/publish", "nobody listens"));
        is_499(server, "stream")
    });
    BY_WRITING.to_owned()
}

/// While a large reply is on its way.
#[track_caller]
pub fn large_reply(server: &Server, front: &Front) -> String {
    let mut conn = Conn::open(front.port);
    conn.send(&h1::bytes(&Ask::get("/large?bytes=1000000000").header("x-fc-request-id", "large")));
    conn.answer_head().assert_status(200);
    conn.bytes(100_000);
    drop(conn);
    at_once_or_never(server, "large")
}

/// A WebSocket's client that vanishes without a close.
#[track_caller]
pub fn socket(server: &Server, front: &Front) -> String {
    drop(replies::open_socket(front, "socket").expect("a socket"));
    at_once_or_by_writing(server, "socket")
}

/// How a departure was seen that the function has to see in the end.
#[track_caller]
pub fn at_once_or_by_writing(server: &Server, id: &str) -> String {
    let is_at_once = super::comes_true(|| is_499(server, id));
    assert_eq!(server.record(id)["status"], 499);
    let seen = if is_at_once { AT_ONCE } else { BY_WRITING };
    seen.to_owned()
}

fn is_499(server: &Server, id: &str) -> bool {
    let id = format!("\"{id}\"");
    server.lines().iter().any(|line| line.contains(&id) && line.contains("\"status\":499"))
}
