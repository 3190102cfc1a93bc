//! Heads of calls: media types, methods, and what is refused before a handler is asked.
//!
//! A refusal by the runtime has a code that a gRPC library may give. `INVALID_ARGUMENT`, `NOT_FOUND`,
//! `ALREADY_EXISTS`, `FAILED_PRECONDITION`, `ABORTED`, `OUT_OF_RANGE` and `DATA_LOSS` are the application's.

use super::{call, hello};
use crate::support::{Ask, Launch, Server, build, h2, hpack};

const SAY_HELLO: &str = "/greeter.Greeter/SayHello";
const KINDS: [&str; 4] = ["SayHello", "SayHellos", "Collect", "Chat"];

/// The methods as closures and as a generated service.
fn both() -> [Server; 2] {
    [Server::contract(), Launch::program(build::greeter("greeter-service")).start()]
}

fn typed(method: &str, content_type: &str, body: &[u8]) -> Ask {
    Ask::post(method, body).header("te", "trailers").header("content-type", content_type)
}

#[test]
fn media_types_have_no_case() {
    for server in both() {
        let mut conn = h2::Conn::open(server.port);
        for right in [
            "application/grpc",
            "Application/gRPC",
            "APPLICATION/GRPC",
            "application/grpc+proto",
            "Application/Grpc+Proto",
            "application/grpc; charset=utf-8",
            "application/grpc;x=y",
            "application/grpc ; x=y",
            "application/grpc+proto; x=y+json",
        ] {
            for kind in KINDS {
                let ask = typed(&format!("/greeter.Greeter/{kind}"), right, &hello(&["tea"]));
                conn.ask(&ask).assert_trailers("0");
            }
        }
        for right in ["application/grpc-web", "Application/gRPC-Web", "application/GRPC-web+PROTO;x=y"] {
            let answer = server.ask(&typed(SAY_HELLO, right, &hello(&["tea"])));
            answer.assert_status(200).assert_header("content-type", "application/grpc-web+proto");
            assert!(answer.text().contains("grpc-status: 0\r\n"), "{right}: {answer:?}");
        }
        for right in ["application/grpc-web-text", "Application/gRPC-Web-Text+Proto"] {
            let answer = server.ask(&typed(SAY_HELLO, right, b"AAAAAAUKA3RlYQ=="));
            answer.assert_status(200).assert_header("content-type", "application/grpc-web-text+proto");
        }
    }
}

/// gRPC with messages in another form than protobuf.
#[test]
fn other_messages_than_protobuf_are_unimplemented() {
    let message = "the messages of this method are protobuf: application/grpc or application/grpc+proto";
    for server in both() {
        let mut conn = h2::Conn::open(server.port);
        for wrong in [
            "application/grpc+json",
            "Application/gRPC+JSON; x=y",
            "application/grpc+",
            "application/grpc+protobuf",
        ] {
            for kind in KINDS {
                let answer = conn.ask(&typed(&format!("/greeter.Greeter/{kind}"), wrong, &hello(&["tea"])));
                answer.assert_trailers_only("12", message).assert_no_header("x-fc-status");
            }
        }
        let page = server.ask(&typed(SAY_HELLO, "application/grpc-web+json", &hello(&["tea"])));
        assert!(page.text().contains("grpc-status: 12\r\n"), "{page:?}");
    }
}

/// `te: trailers` finds proxies that drop trailers. A server has no need of it.
#[test]
fn a_call_without_te_is_answered() {
    for server in both() {
        let ask = Ask::post(SAY_HELLO, hello(&["tea"])).header("content-type", "application/grpc");
        h2::Conn::open(server.port).ask(&ask).assert_trailers("0");
    }
}

#[test]
fn methods_are_posts() {
    for server in both() {
        let mut conn = h2::Conn::open(server.port);
        for method in ["GET", "PUT", "DELETE"] {
            let ask = Ask::new(method, SAY_HELLO).header("content-type", "application/grpc");
            conn.ask(&ask).assert_trailers_only("12", "there is no such method here");
        }
    }
}

/// Heads that no handler sees.
#[test]
fn refusals_have_codes_of_libraries() {
    for server in both() {
        let ask = |ask: Ask| h2::Conn::open(server.port).ask(&ask);
        let other_host = ask(call(SAY_HELLO, &hello(&["tea"])).header("host", "another.example"));
        other_host.assert_trailers_only("13", "the Host header differs from the request's authority");
        let long = ask(call(&format!("{SAY_HELLO}?{}", "x".repeat(9000)), &hello(&["tea"])));
        long.assert_header("grpc-status", "13").assert_no_header("x-fc-status");
        let large = ask(call(SAY_HELLO, &hello(&["tea"])).header("x-large", &"x".repeat(40_000)));
        large.assert_header("grpc-status", "8").assert_no_header("x-fc-status");
    }
}

/// Trailers of a request have no meaning.
#[test]
fn trailers_of_a_client_are_passed_over() {
    for server in both() {
        for kind in KINDS {
            let mut conn = h2::Conn::open(server.port);
            let stream = conn.send_head(&call(&format!("/greeter.Greeter/{kind}"), b""));
            conn.frame(0, 0, stream, &hello(&["tea"]));
            let mut trailers = Vec::new();
            hpack::write("grpc-status", "5", &mut trailers);
            hpack::write("x-last", "word", &mut trailers);
            conn.frame(1, 5, stream, &trailers);
            conn.answer(stream).assert_trailers("0");
        }
    }
}
