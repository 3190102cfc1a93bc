//! gRPC-Web: binary and text, over both versions of HTTP, from pages of other origins.

use super::{call, hello};
use crate::support::{Answer, Ask, Launch, Server, build, h2};

const SAY_HELLO: &str = "/greeter.Greeter/SayHello";

fn web(method: &str, content_type: &str, body: &[u8]) -> Ask {
    Ask::post(method, body).header("content-type", content_type).header("x-grpc-web", "1")
}

/// Over HTTP/1.1 and over HTTP/2.
#[track_caller]
fn both(server: &Server, ask: &Ask) -> [Answer; 2] {
    [server.ask(ask), h2::Conn::open(server.port).ask(ask)]
}

#[test]
fn binary() {
    let server = Server::contract();
    for answer in both(&server, &web(SAY_HELLO, "application/grpc-web+proto", &hello(&["tea"]))) {
        answer.assert_status(200).assert_header("content-type", "application/grpc-web+proto");
        assert_eq!(
            answer.body,
            b"\x00\x00\x00\x00\x0b\x0a\x09Hello tea\x80\x00\x00\x00\x10grpc-status: 0\r\n"
        );
        answer.assert_header("content-length", "37").assert_no_header("grpc-status");
        assert_eq!(answer.trailers.len(), 0);
    }
    for answer in both(&server, &web("/greeter.Greeter/SayHellos", "application/grpc-web", &hello(&["2"]))) {
        assert_eq!(
            answer.body,
            b"\x00\x00\x00\x00\x09\x0a\x07Hello 2\x00\x00\x00\x00\x09\x0a\x07Hello 2\x80\x00\x00\x00\x10grpc-status: 0\r\n"
        );
        answer.assert_no_header("content-length");
    }
}

#[test]
fn text() {
    let server = Server::contract();
    // The frame of a message with the name "tea"; padded in the middle, as a sender of pieces does.
    for body in ["AAAAAAUKA3RlYQ==", "AAAAAA==BQoDdGVh"] {
        for answer in both(&server, &web(SAY_HELLO, "application/grpc-web-text", body.as_bytes())) {
            answer.assert_status(200).assert_header("content-type", "application/grpc-web-text+proto");
            answer.assert_text("AAAAAAsKCUhlbGxvIHRlYYAAAAAQZ3JwYy1zdGF0dXM6IDANCg==");
        }
        let chat = web("/greeter.Greeter/Collect", "application/grpc-web-text+proto", body.as_bytes());
        for answer in both(&server, &chat) {
            answer.assert_text("AAAAAAUKA3RlYYAAAAAQZ3JwYy1zdGF0dXM6IDANCg==");
        }
    }
}

/// The client has broken it: INTERNAL, by every reader of every kind of method, and no failure of the function.
#[test]
fn broken_text() {
    let contract = Server::contract();
    // The name of a function, so that the ids of requests are believed.
    let generated =
        Launch::program(build::greeter("greeter-service")).var("FC_FUNCTION_NAME", "greeter").start();
    for (name, server) in [("closure", &contract), ("generated", &generated)] {
        for method in ["SayHello", "SayHellos", "Collect", "Chat"] {
            for (at, broken) in ["AAAAAAUKA3RlYQ=", "AAAAAAUKA3R*YQ==", "AAAA=AUKA3RlYQ=="].iter().enumerate()
            {
                let target = format!("/greeter.Greeter/{method}");
                let id = format!("broken-{name}-{method}-{at}");
                let ask = web(&target, "application/grpc-web-text", broken.as_bytes());
                let answer = server.ask(&ask.header("x-fc-request-id", &id));
                answer.assert_status(200).assert_no_header("x-fc-status");
                let said = decoded(&answer);
                assert!(said.contains("grpc-status: 13\r\n"), "{name} {method} {broken}: {said:?}");
                let record = server.record(&id);
                assert_eq!(
                    (&record["grpc"], &record["level"]),
                    (&"INTERNAL".into(), &"INFO".into()),
                    "{record}"
                );
            }
        }
    }
}

/// The client keeps its stream open, and is told at once what its message cannot become.
#[test]
fn a_broken_begin_is_told_before_the_stream_ends() {
    let server = Server::contract();
    for (kind, begin, code) in [
        ("application/grpc-web", &b"\x02\x00\x00\x00\x00"[..], 13),
        ("application/grpc-web", b"\x00\xff\xff\xff\xff", 8),
        ("application/grpc-web-text", b"AgAAAAA=", 13),
        ("application/grpc-web-text", b"AP////8=", 8),
        ("application/grpc-web-text", b"A*AAAAA=", 13),
    ] {
        let mut conn = h2::Conn::open(server.port);
        let ask = Ask { chunked: true, ..web(SAY_HELLO, kind, b"") };
        let stream = conn.send_head(&ask.header("grpc-timeout", "20S"));
        conn.frame(0, 0, stream, begin);
        let answer = conn.answer(stream);
        let said = if kind.ends_with("text") { decoded(&answer) } else { answer.text() };
        assert!(said.contains(&format!("grpc-status: {code}\r\n")), "{kind} {begin:?}: {said:?}");
    }
}

/// base64, decoded where every piece is padded by itself.
fn decoded(answer: &Answer) -> String {
    let text = answer.text();
    let mut bytes = Vec::new();
    for group in text.as_bytes().chunks(4) {
        let value = |byte: &u8| match byte {
            b'A'..=b'Z' => u32::from(byte - b'A'),
            b'a'..=b'z' => u32::from(byte - b'a') + 26,
            b'0'..=b'9' => u32::from(byte - b'0') + 52,
            b'+' => 62,
            b'/' => 63,
            _ => 0,
        };
        let padding = 4 - group.iter().position(|byte| *byte == b'=').unwrap_or(4);
        let number = group.iter().fold(0, |number, byte| number << 6 | value(byte));
        bytes.extend_from_slice(&number.to_be_bytes()[1..4 - padding]);
    }
    String::from_utf8_lossy(&bytes).into_owned()
}

/// The status is in the body, where a page can read it without being allowed to read headers.
#[test]
fn errors() {
    let server = Server::app("grpc");
    let ask = web("/it.It/Fail", "application/grpc-web", &hello(&["404"]));
    for answer in both(&server, &ask) {
        answer.assert_status(200).assert_header("content-type", "application/grpc-web+proto");
        answer.assert_no_header("grpc-status");
        assert_eq!(answer.body, b"\x80\x00\x00\x00\x2fgrpc-status: 5\r\ngrpc-message: failed with 404\r\n");
    }
    // Metadata stands beside the status.
    for answer in both(&server, &web("/it.It/Retry", "application/grpc-web", &hello(&["a"]))) {
        assert_eq!(
            answer.body,
            b"\x80\x00\x00\x00\x36grpc-status: 14\r\ngrpc-message: later\r\nretry-after: 7\r\n"
        );
    }
    let nowhere = web("/it.It/Nope", "application/grpc-web", &hello(&["a"]));
    for answer in both(&server, &nowhere) {
        assert!(answer.text().contains("grpc-status: 12\r\n"), "{answer:?}");
    }
    // A stream that fails after its first message.
    for answer in both(&server, &web("/it.It/Break", "application/grpc-web", &hello(&["error"]))) {
        assert!(answer.text().contains("grpc-status: 9\r\n"), "{answer:?}");
    }
}

#[test]
fn pages_of_other_origins() {
    let server = Server::contract();
    let preflight = Ask::new("OPTIONS", SAY_HELLO)
        .header("origin", "https://shop.example")
        .header("access-control-request-method", "POST")
        .header("access-control-request-headers", "content-type,x-grpc-web,grpc-timeout");
    for answer in both(&server, &preflight) {
        answer.assert_status(204).assert_header("access-control-allow-origin", "https://shop.example");
        answer.assert_header("access-control-allow-methods", "POST, OPTIONS");
        let allowed = "content-type,x-grpc-web,grpc-timeout";
        answer.assert_header("access-control-allow-headers", allowed);
    }
    for body in [hello(&["tea"]), b"\x02\x00\x00\x00\x00".to_vec()] {
        let ask = web(SAY_HELLO, "application/grpc-web", &body).header("origin", "https://shop.example");
        for answer in both(&server, &ask) {
            answer.assert_status(200).assert_header("access-control-allow-origin", "https://shop.example");
        }
    }
}

#[test]
fn it_is_apart_from_grpc_proper() {
    let server = Server::contract();
    let answer = h2::Conn::open(server.port).ask(&call(SAY_HELLO, &hello(&["tea"])));
    answer.assert_trailers("0");
}
