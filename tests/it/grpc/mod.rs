//! gRPC and gRPC-Web by their bytes.

mod calls;
mod endings;
mod frames;
mod generated;
mod heads;
mod says;
mod web;

use crate::support::{Ask, Server, h2};

/// A call of gRPC proper, with this body.
pub fn call(method: &str, body: &[u8]) -> Ask {
    Ask { chunked: true, ..Ask::post(method, body) }
        .header("te", "trailers")
        .header("content-type", "application/grpc")
}

/// Frames of messages that have one text, in the field 1.
pub fn hello(names: &[&str]) -> Vec<u8> {
    let frame = |name: &&str| {
        let length = u8::try_from(name.len()).expect("a short name");
        [&[0, 0, 0, 0, length + 2, 0x0a, length], name.as_bytes()].concat()
    };
    names.iter().flat_map(frame).collect()
}

/// The frame of one message with this text, in the field 1.
pub fn text(text: &str) -> Vec<u8> {
    hello(&[text])
}

/// A stream that has begun ends at its client's deadline. A busy machine may not begin it in time: then the deadline
/// ends it too, and the next try has longer.
#[track_caller]
pub fn check_late_stream(server: &Server, method: &str, ends: bool) {
    let has_begun = [200, 1000, 5000, 25_000].into_iter().any(|milliseconds| {
        let mut conn = h2::Conn::open(server.port);
        let ask = call(method, b"").header("grpc-timeout", &format!("{milliseconds}m"));
        let stream = conn.send_head(&ask);
        conn.frame(0, u8::from(ends), stream, &hello(&["a"]));
        let answer = conn.answer(stream);
        if answer.body.is_empty() {
            assert_eq!(
                answer.header("grpc-status").or(answer.trailer("grpc-status")),
                Some("4"),
                "{answer:?}"
            );
            return false;
        }
        answer.assert_trailers("4");
        assert!(answer.body.len() >= 8, "{method}: a whole message");
        true
    });
    assert!(has_begun, "{method} never begins");
}
