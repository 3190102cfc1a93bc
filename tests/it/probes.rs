//! Probes: answered whatever the handlers do, by a thread of their own.

use std::time::Duration;

use crate::support::{Ask, Launch, Server, h1, h2};
use testkit::until;

/// As many threads as this or fewer serve requests here.
const THREADS: usize = 64;

/// Requests that occupy every thread for so long, sent and not waited for.
fn occupy(server: &Server, target: &str) -> Vec<h1::Conn> {
    let conns = (0..THREADS).map(|_| {
        let mut conn = server.connect();
        conn.send(&h1::bytes(&Ask::get(target)));
        conn
    });
    conns.collect()
}

/// The handlers hold every thread: a request waits, and probes are answered all the same.
#[track_caller]
fn check_answered(server: &Server, target: &str) {
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    let held = occupy(server, target);
    // A request may still slip in among the first; then none does.
    let mut stuck = until("the threads to be held", || {
        let mut stuck = server.connect();
        stuck.send(&h1::bytes(&Ask::get("/plaintext")));
        stuck.is_quiet_for(Duration::from_millis(300)).then_some(stuck)
    });
    let mut kept = server.connect();
    for method in ["GET", "HEAD"] {
        for _ in 0..20 {
            // The body is read, where there is one; a bound of ours, not of the platform's.
            assert!(
                server.connect().is_answered_within(&Ask::new(method, "/healthz"), Duration::from_secs(1))
            );
            kept.ask(&Ask::new(method, "/healthz")).assert_status(200);
        }
    }
    assert!(stuck.is_quiet_for(Duration::from_millis(1)), "the threads were held all the time");
    drop(held);
}

#[test]
fn while_every_thread_is_blocked() {
    check_answered(&Server::contract(), "/block?ms=4000");
}

#[test]
fn while_every_thread_spins() {
    check_answered(&Server::contract(), "/spin?ms=4000");
}

#[test]
fn while_the_only_thread_is_held() {
    for target in ["/block?ms=4000", "/spin?ms=4000"] {
        check_answered(&Launch::contract().by(&["taskset", "-c", "0"]).start(), target);
    }
}

/// An executor that owes an answer for longer than the limit is dead, until it turns again.
#[test]
fn a_missed_heartbeat_is_unhealthy() {
    // One thread, which one handler holds.
    let server = Launch::app("settings").by(&["taskset", "-c", "0"]).var("IT_HEARTBEAT_MS", "500").start();
    server.ask(&Ask::get("/healthz")).assert_status(200);
    let mut held = server.connect();
    held.send(&h1::bytes(&Ask::get("/block?ms=4000")));
    let dead = until("the heartbeat to be missed", || {
        let answer = server.ask(&Ask::get("/healthz"));
        (answer.status == 503).then_some(answer)
    });
    assert_eq!(dead.json()["status"], "the executor does not answer");
    server.ask(&Ask::new("HEAD", "/healthz")).assert_status(503);
    held.answer("GET").assert_status(200).assert_text("blocked");
    until("the executor to turn again", || (server.ask(&Ask::get("/healthz")).status == 200).then_some(()));
}

#[test]
fn probes_are_no_traffic() {
    let mut server = Server::contract();
    let mut conn = server.connect();
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
    let mut old = server.connect();
    old.send(b"GET /healthz HTTP/1.0\r\n\r\n");
    assert!(old.rest().starts_with(b"HTTP/1.1 200 OK\r\n"));
    for _ in 0..10 {
        server.ask(&Ask::get("/healthz")).assert_status(200);
        server.ask(&Ask::new("HEAD", "/healthz?x=1")).assert_status(200);
        server.ask(&Ask::get("/readyz")).assert_status(200);
        conn.ask(&Ask::get("/healthz")).assert_status(200);
        h2::Conn::open(server.port).ask(&Ask::get("/healthz")).assert_status(200);
    }
    let counters = server.ask(&Ask::get("/counters")).json();
    assert_eq!((&counters["finished"], &counters["in_flight"]), (&1.into(), &1.into()), "{counters}");
    assert_eq!(counters["initialized"], true);
    let lines = server.stop();
    let records: Vec<_> = lines.iter().filter(|line| line["path"].is_string()).collect();
    assert_eq!(records.len(), 2, "{records:?}");
}

/// A probe does not initialize an instance either.
#[test]
fn a_probe_does_not_wait_for_initialization() {
    let server = Launch::app("settings").var("IT_INITIALIZE_MS", "600000").start();
    let mut waiting = server.connect();
    waiting.send(&h1::bytes(&Ask::get("/plaintext")));
    server.ask(&Ask::get("/healthz")).assert_status(200);
    assert!(waiting.is_quiet_for(Duration::from_millis(1)));
    h2::Conn::open(server.port).ask(&Ask::get("/healthz")).assert_status(200);
}

/// Names of checks, version, commit and uptime are for callers inside the instance.
#[test]
fn details_are_for_callers_inside() {
    let server = Launch::app("settings").var("IT_CHECK_MS", "0").start();
    let inside = server.ask(&Ask::get("/healthz")).json();
    assert_eq!((&inside["version"], &inside["commit"]), (&"1.2.3".into(), &"abcdef".into()));
    assert_eq!(inside["ready_checks"], serde_json::json!(["counted", "other"]));
    assert!(inside["uptime_s"].is_u64(), "{inside}");
    assert_eq!(server.ask(&Ask::get("/readyz")).json()["checks"]["counted"], "ok");
    for (name, value) in [
        ("x-fc-request-id", "1-65d71219-15d63510-fecf237c590c"),
        ("X-Fc-Client-Ip", "203.0.113.9"),
        ("X-FORWARDED-FOR", "203.0.113.9"),
        ("x-forwarded-proto", "https"),
        ("Forwarded", "for=203.0.113.9"),
        ("Via", "1.1 proxy"),
        ("X-Real-IP", "203.0.113.9"),
    ] {
        let mut reused = server.connect();
        reused.ask(&Ask::get("/plaintext")).assert_status(200);
        for path in ["/healthz", "/readyz"] {
            let ask = Ask::get(path).header(name, value);
            let word = if path == "/healthz" { "ok" } else { "ready" };
            server.ask(&ask).assert_status(200).assert_text(word);
            reused.ask(&ask).assert_status(200).assert_text(word);
            h2::Conn::open(server.port).ask(&ask).assert_status(200).assert_text(word);
        }
    }
}

/// The probe of a load balancer may name no host and speak HTTP/1.0.
#[test]
fn a_load_balancers_probe_is_answered_by_one_setting() {
    let server = Launch::app("settings").var("IT_ALB_PROBE", "1").start();
    for probe in
        ["HEAD / HTTP/1.0\r\n\r\n", "HEAD / HTTP/1.1\r\nHost: 10.0.0.7\r\n\r\n", "HEAD / HTTP/1.1\r\n\r\n"]
    {
        let mut conn = server.connect();
        conn.send(probe.as_bytes());
        conn.finish_sending();
        let reply = String::from_utf8(conn.rest()).unwrap();
        assert!(reply.starts_with("HTTP/1.1 200 OK\r\n") && reply.ends_with("\r\n\r\n"), "{reply}");
    }
    server.ask(&Ask::get("/")).assert_status(200).assert_text("home");
    assert_eq!(server.counter("finished"), 1, "the probes are no traffic");
    // While every thread is held, too.
    let _held = occupy(&server, "/block?ms=2000");
    assert!(server.connect().is_answered_within(&Ask::new("HEAD", "/"), Duration::from_secs(1)));
}

#[test]
fn without_the_setting_the_apps_own_root_answers() {
    let server = Server::app("settings");
    let mut conn = server.connect();
    conn.send(b"HEAD / HTTP/1.0\r\n\r\n");
    assert!(conn.rest().starts_with(b"HTTP/1.0 200 "));
    server.ask(&Ask::new("HEAD", "/")).assert_status(200);
    assert_eq!(server.counter("finished"), 2);
}

#[test]
fn ready_checks_run_once_for_all_who_ask() {
    let server = Launch::app("settings").var("IT_CHECK_MS", "200").start();
    let mut probes: Vec<_> = (0..50).map(|_| server.connect()).collect();
    for probe in &mut probes {
        probe.send(&h1::bytes(&Ask::get("/readyz")));
    }
    for probe in &mut probes {
        probe.answer("GET").assert_status(200);
    }
    // Those who asked while a round ran shared it; a machine that stalls may need a second one.
    let rounds: u64 = server.ask(&Ask::get("/rounds")).text().parse().unwrap();
    assert!((1..=2).contains(&rounds), "{rounds} rounds for 50 probes");
}

#[test]
fn a_ready_check_that_is_slow_fails_or_panics_is_not_ready() {
    let check = |server: &Server, name: &str, part: &str| {
        let answer = server.ask(&Ask::get("/readyz"));
        answer.assert_status(503);
        let told = answer.json()["checks"][name].as_str().unwrap().to_owned();
        assert!(told.contains(part), "{told}");
        let outside = server.ask(&Ask::get("/readyz").header("x-forwarded-for", "203.0.113.9"));
        outside.assert_status(503).assert_text("not ready");
        server.ask(&Ask::get("/healthz")).assert_status(200);
        server.ask(&Ask::get("/plaintext")).assert_status(200);
    };
    check(&Launch::app("settings").var("IT_CHECK_MS", "600000").start(), "counted", "no answer within 300ms");
    for (what, part) in [("fails", "the disk is full"), ("panics", "panicked")] {
        let server = Launch::app("settings").var("IT_CHECK_MS", "0").var("IT_CHECK", what).start();
        check(&server, "other", part);
    }
}

#[test]
fn a_probe_may_come_byte_by_byte() {
    let server = Server::contract();
    let mut conn = server.connect();
    for _ in 0..3 {
        for byte in b"GET /healthz HTTP/1.1\r\nHost: a\r\n\r\n" {
            conn.send(&[*byte]);
        }
        conn.answer("GET").assert_status(200);
    }
}

#[test]
fn a_probe_and_a_request_may_share_a_packet() {
    let server = Server::contract();
    let mut conn = server.connect();
    let probe = h1::bytes(&Ask::get("/healthz"));
    let request = h1::bytes(&Ask::get("/plaintext"));
    conn.send(&[&probe[..], &probe, &request, &probe, &request].concat());
    conn.answer("GET").assert_status(200);
    conn.answer("GET").assert_status(200);
    conn.answer("GET").assert_status(200).assert_text("Hello, World!");
    conn.answer("GET").assert_status(200);
    conn.answer("GET").assert_status(200).assert_text("Hello, World!");
}

/// Half a probe, and nothing more to come.
#[test]
fn half_a_probe_costs_nothing() {
    let server = Server::contract();
    let halves: Vec<_> = [&b"G"[..], b"GET /heal", b"GET /healthz HTTP/1.1\r\nHo", b"P"]
        .into_iter()
        .map(|half| {
            let mut conn = server.connect();
            conn.send(half);
            conn.finish_sending();
            conn
        })
        .collect();
    let before = server.cpu_ticks();
    server.connect().is_quiet_for(Duration::from_secs(1));
    let spent = server.cpu_ticks() - before;
    assert!(spent < 50, "{spent} hundredths of a second in a second");
    drop(halves);
}

/// Slow probes hold their own connections up, and no others.
#[test]
fn slow_probes_hurt_nobody() {
    let server = Server::contract();
    let mut slow: Vec<_> = (0..200)
        .map(|_| {
            let mut conn = server.connect();
            conn.send(b"GET /healthz HTTP/1.1\r\nHost: a\r\nx-slow: ");
            conn
        })
        .collect();
    for _ in 0..20 {
        for conn in &mut slow {
            conn.send(b"x");
        }
        server.ask(&Ask::get("/healthz")).assert_status(200);
        server.ask(&Ask::get("/plaintext")).assert_status(200);
    }
    slow[0].send(b"\r\n\r\n");
    slow[0].answer("GET").assert_status(200);
}

#[test]
fn other_methods_and_paths_are_no_probes() {
    let server = Server::contract();
    server.ask(&Ask::post("/healthz", "")).assert_status(405).assert_header("allow", "GET, HEAD");
    server.ask(&Ask::get("/healthzz")).assert_status(404);
    server.ask(&Ask::get("/healthz/")).assert_status(404);
    let mut long = Ask::get("/healthz");
    for at in 0..20 {
        long = long.header(&format!("x-filler-{at}"), &"x".repeat(200));
    }
    server.ask(&long).assert_status(200);
}
