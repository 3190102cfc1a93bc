//! Clients of HTTP/2 that mean harm: memory stays bounded and others are served.

use std::sync::atomic::{AtomicBool, Ordering};

use crate::support::{Ask, Launch, Server, h2, hpack};
use testkit::until;

/// What an attack may cost at its height, in MiB. The attacks below send ten times as much or more.
const BOUND_MIB: u64 = 64;

fn peak_mib(server: &Server) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{}/status", server.pid())).expect("a process");
    let peak = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).expect("a size");
    peak.trim().trim_end_matches(" kB").parse::<u64>().expect("a number") / 1024
}

/// Runs an attack on four connections while somebody else is served.
#[track_caller]
fn withstand(name: &str, launch: &Launch, attack: impl Fn(u16) + Sync) {
    let server = launch.start();
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    let before = peak_mib(&server);
    let over = AtomicBool::new(false);
    let mut rounds = 0_u32;
    std::thread::scope(|scope| {
        let attackers: Vec<_> = (0..4).map(|_| scope.spawn(|| attack(server.port))).collect();
        while !over.load(Ordering::Relaxed) {
            server.ask(&Ask::get("/plaintext")).assert_status(200);
            server.ask(&Ask::get("/healthz")).assert_status(200);
            rounds += 1;
            over.store(attackers.iter().all(std::thread::ScopedJoinHandle::is_finished), Ordering::Relaxed);
        }
    });
    h2::Conn::open(server.port).ask(&Ask::get("/plaintext")).assert_status(200);
    let peak = peak_mib(&server);
    println!("{name}: {before} MiB before, {peak} MiB at its height, others were served {rounds} times");
    assert!(peak < before + BOUND_MIB, "{name}: from {before} to {peak} MiB");
    server.until_idle();
}

fn quiet() -> Launch {
    Launch::contract().var("CONTRACT_RECORDS", "off")
}

fn head_frame(stream: u32, path: &str) -> Vec<u8> {
    let mut block = Vec::new();
    for (name, value) in [(":method", "GET"), (":scheme", "http"), (":path", path), (":authority", "a")] {
        hpack::write(name, value, &mut block);
    }
    frame(1, 5, stream, &block)
}

fn frame(kind: u8, flags: u8, stream: u32, payload: &[u8]) -> Vec<u8> {
    let length = u32::try_from(payload.len()).unwrap().to_be_bytes();
    [&length[1..], &[kind, flags], &stream.to_be_bytes(), payload].concat()
}

/// The kernel asks a silent client whether it is there: /proc/net/tcp tells that a timer of its own (02) runs.
#[test]
fn a_client_that_vanishes_is_asked_for() {
    let server = quiet().start();
    let mut conn = h2::Conn::open(server.port);
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
    let local = format!("0100007F:{:04X}", server.port);
    until("a timer of the socket's", || {
        let sockets = std::fs::read_to_string("/proc/net/tcp").expect("the sockets");
        let is_asked = |line: &str| {
            let words: Vec<_> = line.split_whitespace().collect();
            words.len() > 5 && words[1] == local && words[3] == "01" && words[5].starts_with("02:")
        };
        sockets.lines().any(is_asked).then_some(())
    });
}

/// Streams opened and reset at once, without end.
#[test]
fn rapid_resets() {
    withstand("rapid reset", &quiet(), |port| {
        let mut conn = h2::Conn::open(port);
        for at in 0..50_000_u32 {
            let stream = 2 * at + 1;
            let pair = [head_frame(stream, "/slow?ms=600000"), frame(3, 0, stream, b"\0\0\0\x08")].concat();
            if conn.send_raw(&pair).is_err() {
                return;
            }
        }
    });
}

/// A head that never ends.
#[test]
fn continuations_without_end() {
    withstand("continuation flood", &quiet(), |port| {
        let mut conn = h2::Conn::open(port);
        let mut block = Vec::new();
        for (name, value) in [(":method", "GET"), (":scheme", "http"), (":path", "/"), (":authority", "a")] {
            hpack::write(name, value, &mut block);
        }
        if conn.send_raw(&frame(1, 1, 1, &block)).is_err() {
            return;
        }
        let mut piece = Vec::new();
        hpack::write("x-filler", &"x".repeat(16_000), &mut piece);
        for _ in 0..20_000 {
            if conn.send_raw(&frame(9, 0, 1, &piece)).is_err() {
                return;
            }
        }
        panic!("320 MiB of one head were taken in");
    });
}

/// Replies that nobody takes: the window is zero, the streams are many.
#[test]
fn readers_with_a_window_of_zero() {
    withstand("zero window", &quiet(), |port| {
        let mut conn = h2::Conn::open(port);
        // SETTINGS_INITIAL_WINDOW_SIZE 0.
        conn.send_raw(&frame(4, 0, 0, b"\0\x04\0\0\0\0")).unwrap();
        for at in 0..200 {
            if conn.send_raw(&head_frame(2 * at + 1, "/large?bytes=1000000000")).is_err() {
                return;
            }
        }
        conn.wait_for_heads(200);
    });
}

/// More streams at once than are allowed.
#[test]
fn too_many_streams() {
    withstand("many streams", &quiet(), |port| {
        let mut conn = h2::Conn::open(port);
        for at in 0..20_000 {
            if conn.send_raw(&head_frame(2 * at + 1, "/slow?ms=600000")).is_err() {
                return;
            }
        }
    });
}

/// Bodies that no handler reads: what a stream and a connection may send is bounded.
#[test]
fn bodies_that_nobody_reads() {
    withstand("unread bodies", &quiet(), |port| {
        let mut conn = h2::Conn::open(port);
        for _ in 0..100 {
            conn.send_head(&Ask::post("/slow?ms=600000", vec![b'x'; 1_000_000]));
        }
        for at in 0..64 {
            let _ = conn.send_raw(&frame(0, 0, 2 * at + 1, &[b'x'; 16_000]));
        }
    });
}

#[test]
fn pings_and_settings_without_end() {
    withstand("ping flood", &quiet(), |port| {
        let mut conn = h2::Conn::open(port);
        let flood = [frame(6, 0, 0, b"pingping"), frame(4, 0, 0, b"")].concat().repeat(100);
        for _ in 0..500 {
            if conn.send_raw(&flood).is_err() {
                return;
            }
        }
    });
}
