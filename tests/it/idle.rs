//! Idle connections, which give up what they do not need: at every moment at which their clients may send again, in
//! numbers, and at a stop.

use std::fs;
use std::thread::scope;
use std::time::{Duration, Instant};

use crate::support::{Ask, Server, h1};

/// More connections than may keep hyper and its buffers while they are idle.
const CONNECTIONS: usize = 40;

/// As long as the server looks at its connections once.
const LOOK: Duration = Duration::from_millis(50);

/// Longer than a connection keeps anything.
const LONG: Duration = Duration::from_millis(300);

fn connect(server: &Server, number: usize) -> Vec<h1::Conn> {
    (0..number).map(|_| server.connect()).collect()
}

#[allow(clippy::disallowed_methods, reason = "no executor runs on this thread")]
fn sleep(time: Duration) {
    std::thread::sleep(time);
}

fn ask_all(conns: &mut [h1::Conn]) {
    for conn in conns {
        conn.ask(&Ask::get("/plaintext")).assert_status(200);
    }
}

/// Pauses of every length, from none to longer than a connection waits before it gives anything up, before requests and
/// within them.
#[test]
fn a_request_may_come_at_any_moment_and_in_any_pieces() {
    const ROUNDS: u32 = 24;
    let server = Server::contract();
    scope(|threads| {
        for part in 0..4 {
            let server = &server;
            threads.spawn(move || {
                let mut conns = connect(server, CONNECTIONS / 4);
                for round in 0..ROUNDS {
                    for (at, conn) in conns.iter_mut().enumerate() {
                        let name = format!("{part}-{at}-{round}");
                        let ask = match at % 3 {
                            0 => Ask::get(format!("/users/{}", round * 1000 + part * 100)),
                            1 => Ask::post("/echo", name.clone()),
                            _ => Ask::post("/slow?ms=1", "unread"),
                        };
                        let bytes = h1::bytes(&ask);
                        let cut = (round as usize * 7 + at) % bytes.len();
                        conn.send(&bytes[..cut]);
                        if at % 2 == 0 {
                            sleep(LOOK * (round % 5) / 4);
                        }
                        conn.send(&bytes[cut..]);
                        let answer = conn.answer(if at % 3 == 0 { "GET" } else { "POST" });
                        answer.assert_status(200);
                        match at % 3 {
                            0 => answer.assert_text(&(round * 1000 + part * 100).to_string()),
                            1 => answer.assert_text(&name),
                            _ => answer.assert_text("slow"),
                        };
                    }
                    // In steps of an eighth of the time between two looks, up to three of them.
                    sleep(LOOK * round / 8);
                }
            });
        }
    });
}

#[test]
fn many_wait_and_are_all_answered_again() {
    let server = Server::contract();
    let mut conns = connect(&server, 10 * CONNECTIONS);
    for round in 0..3 {
        for (at, conn) in conns.iter_mut().enumerate() {
            let ask = Ask::get(format!("/users/{}", round * 1000 + at));
            conn.ask(&ask).assert_status(200).assert_text(&(round * 1000 + at).to_string());
        }
        sleep(LONG);
    }
}

/// A request takes longer than idle connections keep anything, while others come and go.
#[test]
fn a_slow_request_is_not_idle() {
    let server = Server::contract();
    let mut others = connect(&server, CONNECTIONS);
    let mut slow = server.connect();
    slow.send(&h1::bytes(&Ask::get("/slow?ms=600")));
    for _ in 0..3 {
        ask_all(&mut others);
        sleep(LOOK * 3);
    }
    slow.answer("GET").assert_status(200).assert_text("slow");
    sleep(LONG);
    slow.ask(&Ask::get("/plaintext")).assert_status(200);
}

/// A head that nobody can read, one of many fields and one of an old client, all after a pause.
#[test]
fn what_follows_a_pause_may_be_anything() {
    let server = Server::contract();
    let mut conns = connect(&server, CONNECTIONS);
    ask_all(&mut conns);
    sleep(LONG);
    let mut broken = conns.pop().unwrap();
    broken.send(b"GET / HTTP/1.1\r\nx y\r\n\r\n");
    broken.answer("GET").assert_status(400);
    let mut many = conns.pop().unwrap();
    let fields = "a: b\r\n".repeat(150);
    many.send(format!("GET /plaintext HTTP/1.1\r\nhost: a\r\n{fields}\r\n").as_bytes());
    many.answer("GET").assert_status(200);
    sleep(LONG);
    many.ask(&Ask::get("/plaintext")).assert_status(200);
    let mut old = conns.pop().unwrap();
    old.send(b"GET /plaintext HTTP/1.0\r\nhost: a\r\n\r\n");
    let reply = String::from_utf8(old.rest()).unwrap();
    assert!(reply.starts_with("HTTP/1.0 200 OK\r\n") && reply.ends_with("Hello, World!"), "{reply:?}");
    ask_all(&mut conns);
}

/// In pages: hyper's buffers alone would be some 12 KiB.
#[test]
fn connections_that_arrive_in_turn_keep_little() {
    let server = Server::contract();
    let mut conns = Vec::new();
    let mut resident_with = |number: usize| {
        while conns.len() < number {
            let mut conn = server.connect();
            conn.ask(&Ask::get("/plaintext")).assert_status(200);
            conns.push(conn);
            sleep(Duration::from_millis(1));
        }
        sleep(LONG);
        resident_kib(server.pid())
    };
    let first = resident_with(300);
    let more = resident_with(1500).saturating_sub(first);
    assert!(more < 1200 * 4, "{more} KiB for 1200 connections");
}

fn resident_kib(pid: u32) -> usize {
    let status = fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let size = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    size.trim().trim_end_matches(" kB").parse().unwrap()
}

#[test]
fn a_stop_does_not_wait_for_those_that_wait() {
    let mut server = Server::contract();
    let mut conns = connect(&server, 5 * CONNECTIONS);
    ask_all(&mut conns);
    sleep(LONG);
    let begin = Instant::now();
    let lines = server.stop();
    assert!(begin.elapsed() < Duration::from_secs(5), "{:?}", begin.elapsed());
    crate::support::check_stopped(&lines, 0);
}
