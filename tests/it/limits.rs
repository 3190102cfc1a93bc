//! Limits: heads, bodies, connections and requests that are too slow, too large or too many.

use std::time::Duration;

use crate::support::{Ask, Launch, Server, h1, h2};
use testkit::{PATIENCE, until};

const HEAD_LIMIT: &str = "300";

/// Longer than the head limit by so much that a connection that falls under it is closed within.
const BEYOND: Duration = Duration::from_millis(1200);

fn impatient() -> Server {
    Launch::app("settings").var("IT_HEAD_LIMIT_MS", HEAD_LIMIT).start()
}

#[test]
fn a_slow_preface_is_cut() {
    let server = impatient();
    for half in [&b"P"[..], b"PR", b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r"] {
        let mut conn = server.connect();
        conn.send(half);
        assert_eq!(conn.rest(), b"", "{}", String::from_utf8_lossy(half));
    }
}

/// Each byte comes in time, the head as a whole does not.
#[test]
fn a_head_that_trickles_is_cut() {
    let server = impatient();
    for start in
        ["GET /plaintext HTTP/1.1\r\nHost: a\r\nx-slow: ", "GET /healthz HTTP/1.1\r\nHost: a\r\nx-slow: "]
    {
        let mut conn = server.connect();
        conn.send(start.as_bytes());
        until("the connection to be closed", || {
            (!conn.trickle(b'x', Duration::from_millis(50))).then_some(())
        });
    }
    server.ask(&Ask::get("/plaintext")).assert_status(200);
}

/// What the platform does with its connections must never run into the head limit.
#[test]
fn an_idle_connection_is_kept_whatever_came_last() {
    let server = impatient();
    let mut kept = Vec::new();
    let mut keep = |name: &'static str, first: &[u8], method: &str, status: u16, later: &[u8]| {
        let mut conn = server.connect();
        conn.send(first);
        conn.answer(method).assert_status(status);
        conn.send(later);
        kept.push((name, conn));
    };
    let get = h1::bytes(&Ask::get("/plaintext"));
    keep("a request", &get, "GET", 200, b"");
    keep("a probe", &h1::bytes(&Ask::get("/healthz")), "GET", 200, b"");
    keep("a hook", &h1::bytes(&Ask::get("/pre-stop")), "GET", 200, b"");
    keep("an initialization", &h1::bytes(&Ask::post("/initialize", "")), "POST", 200, b"");
    keep("an event without a handler", &h1::bytes(&Ask::post("/invoke", "x")), "POST", 404, b"");
    keep("an unread body", &h1::bytes(&Ask::post("/slow?ms=0", vec![b'x'; 200_000])), "POST", 200, b"");
    let half = b"POST /nothing HTTP/1.1\r\nHost: a\r\nContent-Length: 200000\r\n\r\n";
    keep("a body after its reply", half, "POST", 404, &vec![b'x'; 200_000]);
    keep("blank lines", &get, "GET", 200, b"\r\n\r\n");
    // A probe on a connection that was used before is answered by the executor.
    let mut reused = server.connect();
    reused.ask(&Ask::get("/plaintext")).assert_status(200);
    reused.ask(&Ask::get("/healthz")).assert_status(200);
    kept.push(("a probe on a used connection", reused));
    kept.push(("nothing yet", server.connect()));
    for (at, (name, conn)) in kept.iter_mut().enumerate() {
        // The first wait is long enough for all.
        let wait = if at == 0 { BEYOND } else { Duration::from_millis(10) };
        assert!(conn.is_quiet_for(wait), "closed after {name}");
    }
    for (name, conn) in &mut kept {
        println!("{name}");
        conn.ask(&Ask::post("/read", "still there")).assert_status(200).assert_text("11");
    }
}

/// Neither a hook nor a request runs against the clock of the head.
#[test]
fn work_may_take_longer_than_a_head() {
    let server =
        Launch::app("settings").var("IT_HEAD_LIMIT_MS", "200").var("IT_INITIALIZE_MS", "900").start();
    let mut conn = server.connect();
    conn.ask(&Ask::post("/initialize", "")).assert_status(200);
    conn.ask(&Ask::get("/slow?ms=900")).assert_status(200);
    // A body that comes slower than a head may.
    conn.send(b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n");
    for byte in b"trickles" {
        assert!(conn.trickle(*byte, Duration::from_millis(60)));
    }
    conn.answer("POST").assert_status(200).assert_text("8");
}

#[test]
fn a_slow_body_is_a_408() {
    let server = Launch::app("settings").var("IT_BODY_PAUSE_MS", "200").start();
    let mut conn = server.connect();
    conn.send(b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 1000\r\n\r\nhalf");
    conn.answer("POST").assert_problem(408);
    let mut conn = h2::Conn::open(server.port);
    let stream = conn.send_head(&Ask::post("/read", vec![b'x'; 1000]));
    conn.frame(0, 0, stream, b"half");
    conn.answer(stream).assert_problem(408);
    // A body that keeps coming may take longer than one pause.
    let mut conn = server.connect();
    conn.send(b"POST /read HTTP/1.1\r\nHost: a\r\nContent-Length: 8\r\n\r\n");
    for byte in b"trickles" {
        assert!(conn.trickle(*byte, Duration::from_millis(60)));
    }
    conn.answer("POST").assert_status(200).assert_text("8");
}

/// Four connections are taken, each with a request in flight.
fn taken(server: &Server) -> Vec<h1::Conn> {
    let begin = |_| {
        let mut conn = server.connect();
        conn.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
        conn.answer_head().assert_status(200);
        assert_eq!(conn.chunk().as_deref(), Some(&b"first"[..]));
        conn
    };
    (0..4).map(begin).collect()
}

/// More connections wait in the kernel, and are served when others have ended.
#[test]
fn the_connection_cap_pauses_accept() {
    let server = Launch::app("settings").var("IT_MAX_CONNECTIONS", "4").start();
    let mut conns = taken(&server);
    let mut waiting = server.connect();
    waiting.send(&h1::bytes(&Ask::get("/plaintext")));
    // Longer than the pause between two searches for a connection that can give way.
    assert!(waiting.is_quiet_for(Duration::from_millis(2500)), "a fifth is served");
    drop(conns.pop());
    waiting.answer("GET").assert_status(200);
}

/// Connections that are idle, or have sent nothing, give way. Those with a request do not, nor those in use.
#[test]
fn idle_connections_give_way_where_all_are_taken() {
    let server = Launch::app("settings").var("IT_MAX_CONNECTIONS", "4").start();
    let mut conns = taken(&server);
    drop(conns.split_off(2));
    let mut silent = server.connect();
    let mut idle = h2::Conn::open(server.port);
    idle.ask(&Ask::get("/plaintext")).assert_status(200);
    let mut used = server.connect();
    used.ask(&Ask::get("/plaintext")).assert_status(200);
    let mut other = server.connect();
    other.ask(&Ask::get("/plaintext")).assert_status(200);
    assert_eq!(silent.rest(), b"");
    assert_eq!(idle.read_to_close(), b"");
    used.ask(&Ask::get("/plaintext")).assert_status(200);
    assert!(
        conns.iter_mut().all(|conn| conn.is_quiet_for(Duration::from_millis(10))),
        "both wait for their replies"
    );
    let said = |line: &String| line.contains("all 4 connections are taken");
    assert!(server.lines().iter().any(said), "{:?}", server.lines());
}

/// A client that does not read its reply gives way too, after some seconds.
#[test]
fn clients_that_do_not_read_give_way_where_all_are_taken() {
    let server = Launch::contract().var("FC_FUNCTION_MEMORY_SIZE", "1").start();
    let mut stuck: Vec<_> = (0..4).map(|_| server.connect()).collect();
    for conn in &mut stuck {
        conn.send(&h1::bytes(&Ask::get("/large?bytes=1000000000")));
    }
    for conn in &mut stuck {
        assert!(conn.comes_within(PATIENCE));
    }
    server.ask(&Ask::get("/plaintext")).assert_status(200);
}

/// Out of descriptors, the door waits instead of spinning, and serves again when there are some.
#[test]
fn without_descriptors_accept_backs_off() {
    let mut server = Launch::contract().by(&["sh", "-c", "ulimit -n 40; exec \"$0\" \"$@\""]).start();
    let conns: Vec<_> = (0..60).map(|_| server.connect()).collect();
    until("accept to fail", || {
        server.lines().iter().any(|line| line.contains("cannot accept a connection")).then_some(())
    });
    let before = server.cpu_ticks();
    let mut quiet = conns.into_iter().next_back().expect("sixty");
    assert!(quiet.is_quiet_for(Duration::from_secs(1)));
    // A spin takes 100 ticks a second.
    let spent = server.cpu_ticks() - before;
    assert!(spent < 50, "{spent} ticks in a second");
    drop(quiet);
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    let lines = server.stop();
    let said =
        lines.iter().filter(|line| line["message"].as_str().unwrap().contains("cannot accept")).count();
    assert!(said < 60, "{said} lines about one thing");
}

#[test]
fn the_in_flight_cap_sheds() {
    let server = Launch::app("settings").var("IT_MAX_IN_FLIGHT", "3").start();
    let mut held: Vec<_> = (0..3).map(|_| server.connect()).collect();
    for conn in &mut held {
        conn.send(&h1::bytes(&Ask::get("/slow?ms=600000")));
        assert!(conn.is_quiet_for(Duration::from_millis(200)), "it is handled");
    }
    let mut conn = server.connect();
    let shed = until("the cap to be reached", || {
        let answer = conn.ask(&Ask::get("/plaintext"));
        (answer.status == 503).then_some(answer)
    });
    shed.assert_header("retry-after", "1").assert_problem(503);
    // Its connection stays open, probes are answered, and a body that nobody reads is read away.
    conn.ask(&Ask::get("/healthz")).assert_status(200);
    server.ask(&Ask::get("/healthz")).assert_status(200);
    conn.ask(&Ask::post("/read", vec![b'x'; 300_000])).assert_status(503);
    conn.ask(&Ask::get("/plaintext")).assert_status(503);
    // What no handler sees is answered as ever.
    conn.ask(&Ask::get("/nowhere")).assert_no_header("retry-after").assert_problem(404);
    conn.ask(&Ask::post("/plaintext", "")).assert_header("allow", "GET, HEAD, OPTIONS").assert_problem(405);
    conn.ask(&Ask::new("OPTIONS", "/plaintext")).assert_status(204);
    let preflight = Ask::new("OPTIONS", "/plaintext").header("origin", "https://shop.example");
    conn.ask(&preflight.header("access-control-request-method", "GET")).assert_status(204);
    drop(held.pop());
    until("a place to be free", || (conn.ask(&Ask::get("/plaintext")).status == 200).then_some(()));
}

/// All streams of one connection arrive together.
#[test]
fn the_in_flight_cap_sheds_over_http2() {
    let server = Launch::app("settings").var("IT_MAX_IN_FLIGHT", "3").start();
    let mut conn = h2::Conn::open(server.port);
    let streams: Vec<_> = (0..50).map(|_| conn.send(&Ask::get("/slow?ms=600000"))).collect();
    let shed = conn.count_ended(&streams, 47);
    assert_eq!(shed, 47, "three are handled, the others shed");
}

#[test]
fn a_path_over_8_kib_is_a_414() {
    let server = Server::contract();
    let target = |length: usize| format!("/plaintext?{}", "x".repeat(length - "/plaintext?".len()));
    server.ask(&Ask::get(target(8 * 1024))).assert_status(200);
    server.ask(&Ask::get(target(8 * 1024 + 1))).assert_problem(414);
    server.ask(&Ask::get(target(20 * 1024))).assert_problem(414);
    let mut conn = h2::Conn::open(server.port);
    conn.ask(&Ask::get(target(8 * 1024))).assert_status(200);
    conn.ask(&Ask::get(target(8 * 1024 + 1))).assert_problem(414);
}

#[test]
fn a_head_over_32_kib_is_a_431() {
    let server = Server::contract();
    let mut conn = server.connect();
    conn.send(b"GET /plaintext HTTP/1.1\r\nHost: a\r\nx-long: ");
    // It may be refused before it is complete.
    let _ = conn.try_send(&[&vec![b'x'; 33 * 1024][..], b"\r\n\r\n"].concat());
    let rest = String::from_utf8(conn.rest()).unwrap();
    assert!(rest.starts_with("HTTP/1.1 431 "), "{rest}");
    server.ask(&Ask::get("/plaintext").header("x-long", &"x".repeat(30 * 1024))).assert_status(200);
}

/// The whole of it is read away beside the reply; the platform would lose a POST on a connection that was closed.
#[test]
fn a_body_that_nobody_reads_leaves_the_connection_usable() {
    let server = Server::contract();
    let mut conn = server.connect();
    for chunked in [false, true] {
        for (target, status) in [("/nothing", 404), ("/plaintext", 405), ("/slow?ms=0", 200)] {
            let ask = Ask::post(target, vec![b'x'; 1024 * 1024]);
            let ask = if chunked { ask.in_chunks() } else { ask };
            conn.ask(&ask).assert_status(status).assert_no_header("connection");
            conn.ask(&Ask::post("/echo", "and on")).assert_status(200).assert_text("and on");
        }
        let ask =
            Ask::post("/orders", vec![b'x'; 3 * 1024 * 1024]).header("content-type", "application/json");
        let ask = if chunked { ask.in_chunks() } else { ask };
        conn.ask(&ask).assert_problem(413);
        conn.ask(&Ask::post("/echo", "and on")).assert_status(200).assert_text("and on");
    }
}

#[test]
fn a_scopes_time_limit_is_a_504() {
    let mut server = Server::app("settings");
    let mut conn = server.connect();
    conn.ask(&Ask::get("/limited?ms=600000")).assert_problem(504);
    conn.ask(&Ask::get("/limited?ms=0")).assert_status(200);
    let lines = server.stop();
    assert_eq!(lines.iter().filter(|line| line["status"] == 504).count(), 1, "{lines:?}");
}

/// That the answer is there before the platform cuts is shown without a real clock: see `memory::policy`.
#[test]
fn the_platforms_deadline_is_a_504() {
    let server = Server::contract();
    let told = |name: &str, value: &str| Ask::get("/slow?ms=600000").header(name, value);
    server.ask(&told("x-fc-function-timeout", "1")).assert_problem(504);
    let record_before = server.ask(&Ask::get("/context").header("x-fc-function-timeout", "10")).json();
    assert!(record_before["deadline_ms"].is_u64(), "{record_before}");
    let in_a_second =
        std::time::SystemTime::now().duration_since(std::time::UNIX_EPOCH).unwrap().as_millis() + 1000;
    server.ask(&told("x-fc-function-deadline", &in_a_second.to_string())).assert_problem(504);
}
