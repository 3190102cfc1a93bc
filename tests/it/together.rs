//! All protocols on one port, at one stop: each ends in its own way, and the log counts what was cut.

use crate::grpc::{call, hello};
use crate::support::server::object;
use crate::support::{Ask, Server, check_stopped, h1, h2, ws};
use testkit::until;

#[test]
fn one_stop_ends_each_protocol_in_its_own_way() {
    let mut server = Server::contract();
    let mut stuck = server.connect();
    stuck.send(&h1::bytes(&Ask::get("/slow?ms=600000").header("x-fc-request-id", "stuck")));
    let mut events = server.connect();
    events.send(&h1::bytes(&Ask::get("/sse?n=1000000&ms=20")));
    events.answer_head().assert_status(200);
    assert!(events.chunk().is_some());
    let mut socket = ws::Client::open(&server, "/ws");
    socket.text("tea");
    socket.assert_text("tea");
    let mut rpc = h2::Conn::open(server.port);
    let chat = rpc.send_head(&call("/greeter.Greeter/Chat", b""));
    rpc.frame(0, 0, chat, &hello(&["tea"]));
    assert!(!rpc.data(chat).is_empty());
    // Last, so that they are there when the stop comes.
    let mut unary = server.connect();
    unary.send(&h1::bytes(&Ask::get("/slow?ms=3000")));
    let mut unary_h2 = h2::Conn::open(server.port);
    let slow = unary_h2.send(&Ask::get("/slow?ms=3000"));
    until("all to be in flight", || (server.counter("in_flight") == 7).then_some(()));

    server.signal("TERM");
    // At the same time: each is a client of its own.
    std::thread::scope(|scope| {
        scope.spawn(|| {
            unary.answer("GET").assert_status(200);
        });
        scope.spawn(|| {
            socket.assert_closed(1001);
        });
        scope.spawn(|| {
            let mut last = Vec::new();
            while let Some(chunk) = events.chunk() {
                last = chunk;
            }
            assert!(last.ends_with(b": going away\n"), "{}", String::from_utf8_lossy(&last));
        });
        scope.spawn(|| {
            unary_h2.answer_through_goaway(slow).assert_status(200);
        });
        scope.spawn(|| {
            let answer = rpc.answer_through_goaway(chat);
            let status = answer.trailers.iter().find(|(name, _)| name == "grpc-status");
            assert_eq!(status.map(|(_, code)| code.as_str()), Some("14"), "UNAVAILABLE: {answer:?}");
        });
    });
    // The last one never ends: a second signal cuts it.
    server.signal("TERM");
    assert!(stuck.rest().is_empty(), "it is cut without an answer");
    let (_, lines) = server.ended();
    let lines: Vec<_> = lines.iter().map(|line| object(line)).collect();
    check_stopped(&lines, 1);
    let ended = |route: &str| {
        let of_route: Vec<_> =
            lines.iter().filter(|line| line["route"] == route && line["status"].is_u64()).collect();
        assert_eq!(of_route.len(), 1, "{route}: {of_route:?}");
        (of_route[0]["status"].clone(), of_route[0]["end"].clone())
    };
    assert_eq!(ended("/sse"), (200.into(), serde_json::Value::Null));
    assert_eq!(ended("/ws"), (101.into(), serde_json::Value::Null));
    assert_eq!(ended("/greeter.Greeter/Chat"), (200.into(), serde_json::Value::Null));
}
