//! The four kinds of calls, and calls that no method takes.

use super::{call, hello};
use crate::support::{Ask, Server, h2};

#[test]
fn four_kinds() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    let id = "grpc-unary";
    let one = call("/greeter.Greeter/SayHello", &hello(&["tea"])).header("x-fc-request-id", id);
    let answer = conn.ask(&one);
    answer.assert_trailers("0");
    assert_eq!(answer.body, b"\x00\x00\x00\x00\x0b\x0a\x09Hello tea");
    assert_eq!(answer.trailers.len(), 1, "{:?}", answer.trailers);
    let record = &server.records(id, 1)[0];
    assert_eq!(
        (&record["status"], &record["grpc"], &record["bytes"]),
        (&200.into(), &"OK".into(), &16.into())
    );
    assert_eq!(record["route"], "/greeter.Greeter/SayHello");
    assert_eq!(record["level"], "INFO");

    let several = conn.ask(&call("/greeter.Greeter/SayHellos", &hello(&["2"])));
    several.assert_trailers("0");
    assert_eq!(several.body, b"\x00\x00\x00\x00\x09\x0a\x07Hello 2\x00\x00\x00\x00\x09\x0a\x07Hello 2");

    let all = conn.ask(&call("/greeter.Greeter/Collect", &hello(&["tea", "", "salt"])));
    assert_eq!(all.assert_trailers("0").body, b"\x00\x00\x00\x00\x0d\x0a\x0btea, , salt");

    let chat = conn.ask(&call("/greeter.Greeter/Chat", &hello(&["tea", "salt"])));
    assert_eq!(chat.assert_trailers("0").body, hello(&["tea", "salt"]));
}

/// A reply comes before the next request is sent, and messages may come in any pieces.
#[test]
fn both_sides_stream_at_once() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    let stream = conn.send_head(&call("/greeter.Greeter/Chat", b""));
    for name in ["a", "b"] {
        conn.frame(0, 0, stream, &hello(&[name]));
        assert_eq!(conn.data(stream), hello(&[name]));
    }
    let frames = hello(&["first", "second"]);
    for byte in &frames[..frames.len() - 1] {
        conn.frame(0, 0, stream, &[*byte]);
    }
    assert_eq!(conn.data(stream), hello(&["first"]));
    conn.frame(0, 1, stream, &frames[frames.len() - 1..]);
    let rest = conn.answer(stream);
    assert_eq!(rest.body, hello(&["second"]));
    assert_eq!(rest.trailers, [("grpc-status".to_owned(), "0".to_owned())]);
}

#[test]
fn what_is_no_method_is_told_in_grpc() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    for nowhere in ["/greeter.Greeter/Nope", "/nope.Nope/Nope", "/", "/plaintext"] {
        let id = format!("grpc-nowhere{}", nowhere.replace('/', "-"));
        let answer = conn.ask(&call(nowhere, &hello(&["tea"])).header("x-fc-request-id", &id));
        answer.assert_trailers_only("12", "there is no such method here").assert_no_header("x-fc-status");
        let record = &server.records(&id, 1)[0];
        assert_eq!((&record["grpc"], &record["level"]), (&"UNIMPLEMENTED".into(), &"INFO".into()));
    }
    let over_h1 = server.ask(&Ask { chunked: false, ..call("/greeter.Greeter/SayHello", &hello(&["tea"])) });
    over_h1.assert_trailers_only("12", "gRPC needs HTTP/2; over HTTP/1.1 there is gRPC-Web");
}

#[test]
fn what_is_no_grpc_is_told_in_http() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    let method = "/greeter.Greeter/SayHello";
    conn.ask(&Ask::get(method)).assert_problem(405);
    conn.ask(&Ask::post(method, "{}")).assert_problem(415);
    for wrong in ["application/json", "application/grpcx", "application/grpc_web", "text/plain", ""] {
        let ask = Ask::post(method, hello(&["tea"])).header("content-type", wrong);
        conn.ask(&ask).assert_problem(415);
    }
}

#[test]
fn hooks_probes_and_pages_go_on_beside_it() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    let stream = conn.send_head(&call("/greeter.Greeter/Chat", b""));
    conn.frame(0, 0, stream, &hello(&["a"]));
    assert_eq!(conn.data(stream), hello(&["a"]));
    server.ask(&Ask::get("/healthz")).assert_status(200);
    server.ask(&Ask::get("/plaintext")).assert_text("Hello, World!");
    server.ask(&Ask::post("/initialize", "")).assert_status(200);
    conn.ask(&Ask::get("/json")).assert_status(200);
    conn.frame(0, 1, stream, b"");
    assert_eq!(conn.answer(stream).trailer("grpc-status"), Some("0"));
}
