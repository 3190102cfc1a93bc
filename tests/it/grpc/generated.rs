//! A generated service, by the bytes of its calls: the same stages as closures.

use super::frames::{frame, gzip};
use super::{call, check_late_stream, hello};
use crate::support::{Ask, Launch, Server, build, h2};

fn server() -> Server {
    Launch::program(build::greeter("greeter-service")).start()
}

#[test]
fn its_methods_are_routes_of_the_app() {
    let mut server = server();
    let mut conn = h2::Conn::open(server.port);
    let answer = conn.ask(&call("/greeter.Greeter/SayHello", &hello(&["tea"])));
    assert_eq!(answer.assert_trailers("0").body, b"\x00\x00\x00\x00\x0b\x0a\x09Hello tea");
    let chat = conn.ask(&call("/greeter.Greeter/Chat", &hello(&["tea", "salt"])));
    assert_eq!(chat.assert_trailers("0").body.len(), 16 + 17);
    conn.ask(&call("/greeter.Greeter/SayHello", &hello(&[""]))).assert_trailers_only("3", "a name, please");
    let nowhere = conn.ask(&call("/greeter.Greeter/Nope", &hello(&["tea"])));
    nowhere.assert_status(200).assert_header("grpc-status", "12");
    conn.ask(&Ask::post("/greeter.Greeter/SayHello", "{}")).assert_problem(415);
    server.ask(&Ask::get("/")).assert_text("Hello");
    drop(conn);
    let lines = server.stop();
    let has = |code| {
        lines.iter().any(|line| {
            line["route"] == "/greeter.Greeter/{method}" && line["status"] == 200 && line["grpc"] == code
        })
    };
    assert!(has("OK") && has("INVALID_ARGUMENT"), "{lines:?}");
}

#[test]
fn pages_reach_it_too() {
    let server = server();
    for (name, status) in [("tea", "grpc-status: 0\r\n"), ("", "grpc-status: 3\r\n")] {
        let ask = Ask::post("/greeter.Greeter/SayHello", hello(&[name]));
        let answer = server.ask(&ask.header("content-type", "application/grpc-web"));
        answer.assert_status(200).assert_header("content-type", "application/grpc-web+proto");
        answer.assert_no_header("grpc-status");
        assert!(answer.text().contains(status), "{answer:?}");
    }
}

#[test]
fn a_stop_and_a_deadline_end_its_streams() {
    let server = server();
    check_late_stream(&server, "/greeter.Greeter/Chat", false);
    let mut conn = h2::Conn::open(server.port);
    let stream = conn.send_head(&call("/greeter.Greeter/Chat", b""));
    conn.frame(0, 0, stream, &hello(&["a"]));
    conn.data(stream);
    server.signal("TERM");
    assert_eq!(conn.answer_through_goaway(stream).trailer("grpc-status"), Some("14"));
}

/// A generated service that compresses, and that ends with the status it is asked for: `tests/interop/grpc`.
fn test_service() -> Server {
    Launch::program(build::interop("interop-service")).start()
}

/// What tonic escapes too much is escaped anew, in the headers of a reply without messages and in trailers.
#[test]
fn its_texts_are_escaped_no_more_than_needed() {
    let server = test_service();
    let mut conn = h2::Conn::open(server.port);
    // `response_status`, the field 7 of both requests: the code 2, and a text.
    let wanted = |text: &str| {
        let length = u8::try_from(text.len()).unwrap();
        let message = [&[0x3a, length + 4, 0x08, 2, 0x12, length], text.as_bytes()].concat();
        frame(0, &message)
    };
    for (text, escaped) in
        [("what? 100% <b>", "what? 100%25 <b>"), (" \u{e9}\n", "%20%C3%A9%0A"), ("%3F", "%253F")]
    {
        let unary = conn.ask(&call("/grpc.testing.TestService/UnaryCall", &wanted(text)));
        unary.assert_header("grpc-status", "2").assert_header("grpc-message", escaped);
        let stream = conn.ask(&call("/grpc.testing.TestService/FullDuplexCall", &wanted(text)));
        assert_eq!(stream.assert_trailers("2").trailer("grpc-message"), Some(escaped));
        let ask = Ask::post("/grpc.testing.TestService/UnaryCall", wanted(text));
        let page = server.ask(&ask.header("content-type", "application/grpc-web")).text();
        assert!(page.contains(&format!("grpc-message: {escaped}\r\n")), "{page:?}");
    }
}

/// Compression is tonic's there, in both directions, and goes through the runtime as it is.
#[test]
fn it_compresses() {
    let server = test_service();
    let mut conn = h2::Conn::open(server.port);
    // `response_size`, the field 2; `response_compressed`, the field 6.
    for (flag, request) in [(1, &b"\x10\x64\x32\x02\x08\x01"[..]), (0, b"\x10\x64\x32\x00"), (0, b"\x10\x64")]
    {
        let ask = call("/grpc.testing.TestService/UnaryCall", &frame(1, &gzip(request)));
        let ask = ask.header("grpc-encoding", "gzip").header("grpc-accept-encoding", "identity,deflate,gzip");
        let answer = conn.ask(&ask);
        answer.assert_trailers("0").assert_header("grpc-encoding", "gzip");
        assert_eq!((answer.body[0], answer.body.len() < 100), (flag, flag == 1), "{answer:?}");
    }
    let deaf = conn.ask(&call("/grpc.testing.TestService/UnaryCall", &frame(0, b"\x10\x64\x32\x02\x08\x01")));
    assert_eq!(deaf.assert_trailers("0").body[0], 0);
    let unknown = call("/grpc.testing.TestService/UnaryCall", &frame(0, b"")).header("grpc-encoding", "zstd");
    conn.ask(&unknown)
        .assert_header("grpc-status", "12")
        .assert_header("grpc-accept-encoding", "gzip,identity");
}
