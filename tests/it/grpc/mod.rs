//! gRPC and gRPC-Web by their bytes.

mod calls;
mod endings;
mod frames;
mod generated;
mod web;

use crate::support::{Answer, Ask, Server, h2};

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

impl Answer {
    /// A status behind a body.
    #[track_caller]
    fn assert_trailers(&self, code: &str) -> &Self {
        self.assert_status(200).assert_header("content-type", "application/grpc");
        self.assert_no_header("grpc-status");
        assert_eq!(self.trailer("grpc-status"), Some(code), "{:?}", self.trailers);
        self
    }

    /// A status in the headers, and nothing else.
    #[track_caller]
    fn assert_trailers_only(&self, code: &str, message: &str) -> &Self {
        self.assert_status(200).assert_header("content-type", "application/grpc");
        self.assert_header("grpc-status", code);
        assert_eq!(self.message(), message);
        assert_eq!((self.body.len(), self.trailers.len()), (0, 0), "{:?}", self.trailers);
        self
    }

    /// Decoded as far as the messages of these tests need it.
    fn message(&self) -> String {
        self.header("grpc-message").unwrap_or_default().replace("%20", " ")
    }

    fn trailer(&self, name: &str) -> Option<&str> {
        self.trailers.iter().find(|(own, _)| own == name).map(|(_, value)| value.as_str())
    }
}
