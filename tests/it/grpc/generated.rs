//! A generated service, by the bytes of its calls: the same stages as closures.

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
