//! Waves of clients that leave: what a wave took, its end gives back.

use std::fs::read_dir;

use crate::support::{Ask, Launch, Server, h1, h2};
use testkit::until;

const WAVE: usize = 1000;

/// The first comes in several parts: afterwards the allocator has all the pages that a wave ever needs.
const PARTS: [usize; 5] = [6, 1, 1, 1, 1];

/// What is left of a process's memory to noise, in KiB, from wave 2 to wave 5.
///
/// A leak of 700 bytes for each of the 3 000 leavers between would be 2 MiB, and the record of one request alone, with
/// its headers, is larger than that. Below it there is noise: pages that the allocator gives back late.
const NOISE_KIB: u64 = 2048;

/// What a process holds.
#[derive(Debug, PartialEq)]
struct Held {
    descriptors: usize,
    threads: usize,
    rss_kib: u64,
}

fn held(server: &Server) -> Held {
    let of = |what: &str| format!("/proc/{}/{what}", server.pid());
    let status = std::fs::read_to_string(of("status")).expect("a process");
    let rss = status.lines().find_map(|line| line.strip_prefix("VmRSS:")).expect("a size");
    let rss_kib = rss.trim().trim_end_matches(" kB").parse().expect("a number");
    // The thread that writes lines which wait is there once some did.
    let tasks = read_dir(of("task")).expect("a process").map_while(Result::ok);
    let names = tasks.filter_map(|task| std::fs::read_to_string(task.path().join("comm")).ok());
    let threads = names.filter(|name| name.trim() != "fc-log").count();
    Held { descriptors: server.descriptors(), threads, rss_kib }
}

/// Half a body, none, another request behind, half a head, one stream of HTTP/2: left by a close or a reset.
fn begin(server: &Server, at: usize, id: &str) -> Box<dyn FnOnce()> {
    let ask = |target: &str| Ask::get(target).header("x-fc-request-id", id);
    let head = format!("HTTP/1.1\r\nHost: a\r\nx-fc-request-id: {id}\r\nContent-Type: application/json\r\n");
    if at % 7 == 6 {
        let mut conn = h2::Conn::open(server.port);
        let stream = conn.send(&ask("/slow?ms=600000"));
        return match at % 3 {
            0 => Box::new(move || conn.cancel(stream)),
            1 => Box::new(move || conn.reset()),
            _ => Box::new(move || drop(conn)),
        };
    }
    let bytes = match at % 7 {
        0 => h1::bytes(&ask("/slow?ms=600000")),
        1 => format!("POST /slow?ms=600000 {head}Content-Length: 9000\r\n\r\nhalf").into_bytes(),
        2 => format!("POST /orders {head}Content-Length: 9000\r\n\r\n{{\"item\":").into_bytes(),
        3 => format!("POST /echo {head}Content-Length: 9000\r\n\r\nhalf").into_bytes(),
        4 => [h1::bytes(&ask("/slow?ms=600000")), b"GET /slow".to_vec()].concat(),
        _ => h1::bytes(&ask("/large?bytes=100000000")),
    };
    let mut conn = server.connect();
    conn.send(&bytes);
    if at.is_multiple_of(2) { Box::new(move || conn.reset()) } else { Box::new(move || drop(conn)) }
}

#[test]
fn five_waves_of_a_thousand_leavers_leave_nothing() {
    // With an arena for each thread, memory moves between threads and the allocator's share grows for long.
    let mut server = Launch::contract().var("MALLOC_ARENA_MAX", "1").start();
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    let mut looks = 0;
    let before = until("the server to be quiet", || {
        looks += 1;
        (looks > 50).then(|| held(&server))
    });
    let mut after = Vec::new();
    let mut total = 0;
    for (wave, parts) in PARTS.into_iter().enumerate() {
        for part in 0..parts {
            let id = |at| format!("leaver-{wave}-{part}-{at}");
            let leavers: Vec<_> = (0..WAVE).map(|at| begin(&server, at, &id(at))).collect();
            server.until_counter("in_flight", WAVE as u64 + 1);
            for leave in leavers {
                leave();
            }
            total += WAVE as u64;
            server.until_counter("cancelled", total);
        }
        server.until_idle();
        // Sockets are closed a moment after their requests are counted.
        let quiet = until("descriptors and threads to be as before", || {
            let held = held(&server);
            (held.descriptors <= before.descriptors && held.threads <= before.threads).then_some(held)
        });
        after.push(quiet);
    }
    println!("held before {before:?} and after each wave {after:?}");
    let (second, last) = (&after[1], &after[after.len() - 1]);
    assert!(last.rss_kib <= second.rss_kib + NOISE_KIB, "{after:?}");
    // The tracker has nothing to wait for either: the stop is immediate and cuts nothing.
    let lines = server.stop();
    let left: Vec<_> = lines.iter().filter(|line| line["status"] == 499).collect();
    assert_eq!(left.len() as u64, total);
    let mut ids: Vec<_> = left.iter().map(|line| line["request_id"].as_str().unwrap()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len() as u64, total, "each is recorded once");
    let errors: Vec<_> = lines.iter().filter(|line| line["level"] == "ERROR").collect();
    assert!(errors.is_empty(), "nobody is at fault: {:?}", &errors[..errors.len().min(5)]);
    assert!(!lines.iter().any(|line| line["message"].as_str().unwrap().contains("cutting")));
}
