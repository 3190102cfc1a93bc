//! Clients that stay connected: between their requests a connection is a socket, and nothing of the HTTP library.

use std::time::Duration;

use testkit::events::{kind, printed};
use testkit::eventually;
use testkit::h1::{Conn, request};

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

/// A connection that hyper serves has two sockets: hyper's, and the one by which the client's leaving is noticed.
fn wait_for_rest(local: &Local, sockets_at_rest: usize) {
    eventually("connections rest", || sockets(local) == sockets_at_rest);
}

#[test]
fn clients_that_stay_have_one_descriptor_each_and_are_answered_again() {
    let local = Local::scripted(f().concurrency(10));
    local.get("/name").assert_status(200);
    wait_for_rest(&local, sockets(&local));
    let before = sockets(&local);
    let mut conns: Vec<Conn> = (0..20).map(|_| Conn::open(local.function_port("f"))).collect();
    for _ in 0..2 {
        for conn in &mut conns {
            conn.send(&request("GET", "/name", "", b""));
            conn.answer("GET").assert_status(200);
        }
        let served = sockets(&local);
        assert!(served >= before + 2 * conns.len(), "{served} with {before} before");
        wait_for_rest(&local, before + conns.len());
    }
    drop(conns);
    wait_for_rest(&local, before);
}

#[test]
fn a_request_in_pieces_wakes_a_connection() {
    let local = Local::scripted(f());
    local.get("/name").assert_status(200);
    let before = sockets(&local);
    let mut conn = Conn::open(local.function_port("f"));
    let whole = request("POST", "/length", "", b"twelve bytes");
    // The first piece of the second request comes with the first request, so that the HTTP library has read it.
    conn.send(&[&request("GET", "/name", "", b"")[..], &whole[..9]].concat());
    conn.answer("GET").assert_status(200);
    wait_for_rest(&local, before + 1);
    conn.send(&whole[9..30]);
    eventually("the connection is served", || sockets(&local) == before + 2);
    std::thread::sleep(Duration::from_millis(1500));
    assert_eq!(sockets(&local), before + 2, "a part of a request is waited for by the HTTP library");
    conn.send(&whole[30..]);
    assert_eq!(conn.answer("POST").text(), "12");
    wait_for_rest(&local, before + 1);
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
    // The rest is waited for up to five seconds.
    std::thread::sleep(Duration::from_millis(2800));
    conn.send(b"0123456789");
    conn.send(&request("GET", "/name", "", b""));
    conn.answer("GET").assert_status(200);
    local.wait_for(kind("request").field("path", "/refused").status(401));
}

#[test]
fn a_connection_with_tls_rests_too() {
    let local = Local::scripted(f());
    let file = authority(&local);
    let mut tls = connect(local.function_port("f"), trusting(&file), "localhost", &[]).unwrap();
    exchange(&mut tls, &request("GET", "/seen", "", b""), "x-fc-function-deadline");
    let served = sockets(&local);
    wait_for_rest(&local, served - 1);
    let text = exchange(&mut tls, &request("GET", "/seen", "", b""), "x-fc-function-deadline");
    assert!(text.starts_with("HTTP/1.1 200") && text.contains("x-forwarded-proto: https"), "{text}");
    wait_for_rest(&local, served - 1);
    // The client's end is answered by one of TLS.
    tls.conn.send_close_notify();
    tls.conn.complete_io(&mut tls.sock).unwrap();
    let end = std::io::Read::read(&mut tls, &mut [0; 16]);
    assert!(matches!(end, Ok(0)), "{end:?}");
}

#[test]
fn a_stop_closes_resting_connections_and_serves_what_they_have_sent() {
    let mut local = Local::scripted(f().concurrency(10));
    local.get("/name").assert_status(200);
    let before = sockets(&local);
    let mut conns = [(); 2].map(|()| Conn::open(local.function_port("f")));
    for conn in &mut conns {
        conn.send(&request("GET", "/name", "", b""));
        conn.answer("GET").assert_status(200);
    }
    wait_for_rest(&local, before + 2);
    let [mut idle, mut busy] = conns;
    busy.send(&request("GET", "/sleep?ms=500", "", b""));
    local.wait_for(printed("asleep"));
    assert_eq!(local.interrupt(), Some(0));
    assert_eq!(busy.answer("GET").text(), "slept");
    assert_eq!(idle.rest(), b"");
}
