//! The texts of statuses on the wire: what of them is percent-encoded, and that nothing else is.

use super::{call, text};
use crate::support::{Ask, Server, h2};

/// A text, and how `grpc-message` has it. %x20–%x7E go as they are, but `%`; so does the rest of UTF-8, octet by octet.
const TEXTS: [(&str, &str); 9] = [
    ("what?", "what?"),
    ("50% of \"a\" <b> #1 `c` {d} [e] ~/&=+;,'\\^|", "50%25 of \"a\" <b> #1 `c` {d} [e] ~/&=+;,'\\^|"),
    ("%41", "%2541"),
    ("a\tb\r\nc\u{7f}", "a%09b%0D%0Ac%7F"),
    ("na\u{ef}ve \u{263a} \u{1f608}", "na%C3%AFve %E2%98%BA %F0%9F%98%88"),
    // HTTP takes spaces at both ends off a value.
    (" at both ends ", "%20at both ends%20"),
    (" ", "%20"),
    ("x", "x"),
    ("a  b", "a  b"),
];

#[test]
fn a_message_is_encoded_no_more_than_it_has_to_be() {
    let server = Server::app("grpc");
    let mut conn = h2::Conn::open(server.port);
    for (message, encoded) in TEXTS {
        let answer = conn.ask(&call("/it.It/Say", &text(message)));
        answer.assert_header("grpc-status", "9").assert_header("grpc-message", encoded);
        let late = conn.ask(&call("/it.It/SayLate", &text(message)));
        assert_eq!(late.assert_trailers("9").trailer("grpc-message"), Some(encoded));
        let page = Ask::post("/it.It/Say", text(message)).header("content-type", "application/grpc-web");
        let page = server.ask(&page).text();
        assert!(page.ends_with(&format!("grpc-status: 9\r\ngrpc-message: {encoded}\r\n")), "{page:?}");
    }
    let none = conn.ask(&call("/it.It/Say", &text("")));
    none.assert_header("grpc-status", "9").assert_no_header("grpc-message");
}
