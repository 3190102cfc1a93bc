//! One event to many clients: all get it, and those that are slow or leave do not hold the others.

use crate::support::{Ask, Server, h1, h2};
use testkit::until;

#[track_caller]
fn subscribe(server: &Server) -> h1::Conn {
    let mut conn = server.connect();
    conn.send(&h1::bytes(&Ask::get("/feed")));
    conn.answer_head().assert_status(200).assert_header("content-type", "text/event-stream");
    assert_eq!(conn.chunk().unwrap(), b":\n", "the opening");
    conn
}

#[track_caller]
fn publish(server: &Server, body: &str) -> usize {
    server.ask(&Ask::post("/publish", body)).assert_status(200).text().parse().unwrap()
}

#[test]
fn all_who_subscribe_get_it_and_are_counted() {
    let server = Server::contract();
    let mut conns: Vec<_> = (0..50).map(|_| subscribe(&server)).collect();
    assert_eq!(publish(&server, "two\nlines"), 50);
    for conn in &mut conns {
        assert_eq!(conn.chunk().unwrap(), b"data: two\ndata: lines\n\n");
    }
    let mut streams = h2::Conn::open(server.port);
    let first = streams.send(&Ask::get("/feed"));
    streams.wait_for_heads(1);
    assert_eq!(streams.data(first), b":\n");
    assert_eq!(publish(&server, "again"), 51);
    assert_eq!(conns[7].chunk().unwrap(), b"data: again\n\n");
    assert_eq!(streams.data(first), b"data: again\n\n");
    drop(streams);
    conns.truncate(20);
    until("those who left to be forgotten", || (publish(&server, "x") == 20).then_some(()));
}

/// It is told how much it missed, and is bounded by what is kept: 256 events here.
#[test]
fn a_slow_client_misses_events_and_holds_nobody() {
    let server = Server::contract();
    let mut slow = subscribe(&server);
    let mut quick = subscribe(&server);
    let event = "x".repeat(20_000);
    // More than both kernels buffer for a connection.
    for _ in 0..1000 {
        assert_eq!(publish(&server, &event), 2);
        let length = event.len() + "data: \n\n".len();
        let mut read = 0;
        while read < length {
            read += quick.chunk().unwrap().len();
        }
        assert_eq!(read, length);
    }
    publish(&server, "the end");
    assert_eq!(quick.chunk().unwrap(), b"data: the end\n\n");
    let mut read = Vec::new();
    while !read.ends_with(b"data: the end\n\n") {
        read.extend_from_slice(&slow.chunk().unwrap());
    }
    let read = String::from_utf8(read).unwrap();
    let got = read.matches("data: x").count();
    let missed: usize = read
        .lines()
        .filter_map(|line| line.strip_prefix(": missed "))
        .map(|count| count.parse::<usize>().unwrap())
        .sum();
    assert!(missed > 0, "{got} events in the kernels' buffers");
    assert_eq!(got + missed, 1000);
}
