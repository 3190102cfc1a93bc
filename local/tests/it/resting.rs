//! Clients that stay connected: between their requests a connection is a socket, and nothing of the HTTP library.

#![expect(clippy::disallowed_methods, reason = "a client that does nothing takes time, and no executor")]

use std::time::Duration;

use testkit::events::{kind, printed};
use testkit::h1::{Conn, request};
use testkit::{PATIENCE, eventually};

use crate::harness::{Local, f};
use crate::tls::{authority, connect, exchange, trusting};

/// How many sockets fc-local has.
fn sockets(local: &Local) -> usize {
    let open = std::fs::read_dir(format!("/proc/{}/fd", local.pid())).unwrap();
    let is_socket = |file: &std::path::Path| {
        std::fs::read_link(file).is_ok_and(|target| target.to_string_lossy().starts_with("socket:"))
    };
    open.flatten().filter(|entry| is_socket(&entry.path())).count()
}

/// A function that has an instance, and how many sockets there are without clients.
fn started() -> (Local, usize) {
    let local = Local::scripted(f().concurrency(30));
    local.get("/name").assert_status(200);
    // The connection of that request goes.
    let (mut before, mut same) = (0, 0);
    eventually("sockets stay", || {
        let now = sockets(&local);
        same = if now == before { same + 1 } else { 0 };
        before = now;
        std::thread::sleep(Duration::from_millis(50));
        same > 5
    });
    (local, before)
}

/// A connection that hyper serves has two sockets: hyper's, and the one by which the client's leaving is noticed.
#[track_caller]
fn wait_for(local: &Local, number: usize, what: &str) {
    let mut last = 0;
    let mut is_so = || {
        last = sockets(local);
        last == number
    };
    let begun = std::time::Instant::now();
    while !is_so() {
        assert!(begun.elapsed() < PATIENCE, "{what}: {last} sockets in place of {number}");
        std::thread::sleep(Duration::from_millis(20));
    }
}

#[test]
fn clients_that_stay_have_one_descriptor_each_and_are_answered_again() {
    let (local, before) = started();
    let mut conns: Vec<Conn> = (0..20).map(|_| Conn::open(local.function_port("f"))).collect();
    for _ in 0..2 {
        for conn in &mut conns {
            conn.send(&request("GET", "/name", "", b""));
            conn.answer("GET").assert_status(200);
        }
        wait_for(&local, before + conns.len(), "all rest");
    }
    drop(conns);
    wait_for(&local, before, "all have left");
}

#[test]
fn a_request_in_pieces_wakes_a_connection() {
    let (local, before) = started();
    let mut conn = Conn::open(local.function_port("f"));
    let whole = request("POST", "/length", "", b"twelve bytes");
    // The first piece of the second request comes with the first request, so that the HTTP library has read it.
    conn.send(&[&request("GET", "/name", "", b"")[..], &whole[..9]].concat());
    conn.answer("GET").assert_status(200);
    wait_for(&local, before + 1, "it rests");
    conn.send(&whole[9..30]);
    wait_for(&local, before + 2, "it is served");
    std::thread::sleep(Duration::from_millis(800));
    assert_eq!(sockets(&local), before + 2, "a part of a request is waited for by the HTTP library");
    conn.send(&whole[30..]);
    assert_eq!(conn.answer("POST").text(), "12");
    wait_for(&local, before + 1, "it rests");
    // What cannot be read is refused as on a connection that has not rested.
    conn.send(b"no request\r\n\r\n");
    conn.answer("GET").assert_status(400);
    assert_eq!(conn.rest(), b"");
}

/// A connection that rested would not take the rest of the body.
#[test]
fn a_body_that_is_still_sent_keeps_its_connection() {
    let local = Local::scripted(f());
    let mut conn = Conn::open(local.function_port("f"));
    conn.send(b"POST /refused HTTP/1.1\r\nHost: localhost\r\nContent-Length: 20\r\n\r\n0123456789");
    conn.answer("POST").assert_status(401);
    // The rest is waited for up to five seconds, and a connection rests after half a second.
    std::thread::sleep(Duration::from_millis(1200));
    conn.send(b"0123456789");
    conn.send(&request("GET", "/name", "", b""));
    conn.answer("GET").assert_status(200);
    local.wait_for(kind("request").field("path", "/refused").status(401));
}

#[test]
fn a_connection_with_tls_rests_too() {
    let (local, before) = started();
    let file = authority(&local);
    let mut tls = connect(local.function_port("f"), trusting(&file), "localhost", &[]).unwrap();
    exchange(&mut tls, &request("GET", "/seen", "", b""), "x-fc-function-deadline");
    wait_for(&local, before + 1, "it rests");
    let text = exchange(&mut tls, &request("GET", "/seen", "", b""), "x-fc-function-deadline");
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("x-forwarded-proto: https"), "{text}");
    wait_for(&local, before + 1, "it rests again");
    // The client's end is answered by one of TLS.
    tls.conn.send_close_notify();
    tls.conn.complete_io(&mut tls.sock).unwrap();
    let end = std::io::Read::read(&mut tls, &mut [0; 16]);
    assert!(matches!(end, Ok(0)), "{end:?}");
}

#[test]
fn a_stop_closes_resting_connections_and_serves_what_they_have_sent() {
    let (mut local, before) = started();
    let mut conns = [(); 2].map(|()| Conn::open(local.function_port("f")));
    for conn in &mut conns {
        conn.send(&request("GET", "/name", "", b""));
        conn.answer("GET").assert_status(200);
    }
    wait_for(&local, before + 2, "both rest");
    let [mut idle, mut busy] = conns;
    busy.send(&request("GET", "/sleep?ms=500", "", b""));
    local.wait_for(printed("asleep"));
    assert_eq!(local.interrupt(), Some(0));
    assert_eq!(busy.answer("GET").text(), "slept");
    assert_eq!(idle.rest(), b"");
}

/// A connection that hyper has got again is a new one to hyper, which waits for the rest of a head.
#[test]
fn a_stop_does_not_wait_for_half_a_head_behind_a_rest() {
    let (mut local, before) = started();
    let mut conn = Conn::open(local.function_port("f"));
    conn.send(&request("GET", "/name", "", b""));
    conn.answer("GET").assert_status(200);
    wait_for(&local, before + 1, "it rests");
    conn.send(b"GET / HT");
    wait_for(&local, before + 2, "hyper has it again");
    assert_eq!(local.interrupt(), Some(0));
    assert_eq!(local.count(kind("calls_ended")), 0, "{:?}", local.all());
    assert_eq!(conn.rest(), b"");
}
