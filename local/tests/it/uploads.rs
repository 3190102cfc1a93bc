//! Replies that come before the request's body has been sent: a client that sends to the end before it reads gets them.

use testkit::Ask;
use testkit::events::kind;
use testkit::h1::{Conn, request};
use testkit::h2::{self, RST_STREAM, WINDOW_UPDATE};

use crate::harness::{Local, f};

/// More than the buffers of all sockets on the way hold.
const UPLOAD: usize = 5_000_000;

/// Sends a whole request, then reads its reply.
#[track_caller]
fn upload(port: u16, target: &str, headers: &str) -> u16 {
    let mut client = Conn::open(port);
    client.send(&request("POST", target, headers, &vec![b'x'; UPLOAD]));
    client.answer("POST").status
}

#[test]
fn a_refusal_of_the_platform_reaches_a_client_that_still_sends() {
    let local = Local::scripted(f().methods(&["GET"]));
    let (own, main) = (local.function_port("f"), local.main_port());
    for _ in 0..5 {
        assert_eq!(upload(own, "/", ""), 403, "the trigger's methods");
        let invoke = |name| format!("/2023-03-30/functions/{name}/invocations");
        assert_eq!(upload(main, &invoke("nobody"), ""), 404, "no such function");
        let headers = "x-fc-invocation-type: Async\r\n";
        assert_eq!(upload(main, &invoke("f"), headers), 400, "a call of a kind that is not supported");
    }
}

#[test]
fn a_reply_of_a_function_that_does_not_read_reaches_a_client_that_still_sends() {
    let local = Local::scripted(f());
    for target in ["/refused", "/refused-closed"] {
        for _ in 0..10 {
            assert_eq!(upload(local.function_port("f"), target, ""), 401, "{target}");
        }
    }
    assert_eq!(local.count(kind("call_failed")), 0);
}

#[test]
fn a_client_that_waits_to_be_asked_is_not_asked_for_a_body_that_is_refused() {
    let local = Local::scripted(f().methods(&["GET"]));
    let mut client = Conn::open(local.function_port("f"));
    client.send(b"POST / HTTP/1.1\r\nhost: 127.0.0.1\r\nexpect: 100-continue\r\ncontent-length: 5\r\n\r\n");
    assert_eq!(client.answer("POST").status, 403, "no 100 before it");
}

#[test]
fn over_http2_the_rest_of_a_body_is_taken_after_its_refusal() {
    let local = Local::scripted(f().methods(&["GET"]));
    let mut client = h2::Conn::open(local.function_port("f"));
    let mut ask = Ask::post("/", vec![b'x'; UPLOAD]);
    let id = client.send_head(&ask);
    client.answer(id).assert_status(403);
    // Some clients drop a reply if a reset of its stream follows.
    assert!(client.send_part(id, &vec![b'x'; 60_000]), "the connection stays open");
    let frame = next_of(&mut client, id);
    assert_eq!(frame.kind, WINDOW_UPDATE, "{frame:?}");
    // A client of gRPC stops once it has its status.
    ask = ask.header("content-type", "application/grpc").header("te", "trailers");
    let id = client.send_head(&ask);
    client.answer(id).assert_status(200);
    let frame = next_of(&mut client, id);
    assert_eq!((frame.kind, &*frame.payload), (RST_STREAM, &[0; 4][..]), "NO_ERROR");
}

/// The next frame of a stream.
fn next_of(client: &mut h2::Conn, id: u32) -> h2::Frame {
    std::iter::repeat_with(|| client.read()).find(|frame| frame.stream == id).expect("a frame")
}
