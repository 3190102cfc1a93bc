//! Stopping: what is in flight is finished under a deadline, then cut; a second signal does not wait.

use crate::support::{Ask, Launch, Server, check_stopped, h1, h2, record};

const ID: &str = "in-flight";

fn slow(ms: u32) -> Ask {
    Ask::get(format!("/slow?ms={ms}")).header("x-fc-request-id", ID)
}

#[test]
fn a_request_in_flight_is_finished() {
    for signal in ["TERM", "INT", "HUP"] {
        let mut server = Server::contract();
        let mut conn = server.connect();
        conn.send(&h1::bytes(&slow(3000)));
        server.until_counter("in_flight", 2);
        server.signal(signal);
        conn.answer("GET").assert_status(200).assert_text("slow");
        check_stopped(&server.stopped(), 0);
    }
}

/// `nohup` has made the process ignore it.
#[test]
fn a_hang_up_that_is_ignored_stays_ignored() {
    let mut server = Launch::contract().by(&["sh", "-c", "trap '' HUP; exec \"$0\" \"$@\""]).start();
    server.signal("HUP");
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    check_stopped(&server.stop(), 0);
}

#[test]
fn a_request_in_flight_over_http2_is_finished() {
    let mut server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    let id = conn.send(&slow(3000));
    server.until_counter("in_flight", 2);
    server.signal("TERM");
    conn.answer_through_goaway(id).assert_status(200).assert_text("slow");
    drop(conn);
    assert_eq!(server.ended().0.code(), Some(0));
}

#[test]
fn a_body_on_its_way_in_and_a_stream_on_its_way_out_are_finished() {
    let mut server = Server::contract();
    let mut conn = server.connect();
    conn.send(b"POST /echo HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nfirst\r\n");
    conn.answer_head().assert_status(200);
    assert_eq!(conn.chunk().as_deref(), Some(&b"first"[..]));
    server.signal("TERM");
    server.until_closed();
    conn.send(b"4\r\nlast\r\n0\r\n\r\n");
    assert_eq!(conn.chunk().as_deref(), Some(&b"last"[..]));
    assert_eq!(conn.chunk(), None);
    assert_eq!(server.ended().0.code(), Some(0));
}

/// Connections without a request, used or not, do not hold the stop up.
#[test]
fn idle_connections_are_closed() {
    let mut server = Server::contract();
    let mut used = server.connect();
    used.ask(&Ask::get("/plaintext")).assert_status(200);
    let mut silent = server.connect();
    let lines = server.stop();
    check_stopped(&lines, 0);
    assert!(lines.iter().all(|line| line["level"] == "INFO"), "nothing was cut: {lines:?}");
    assert_eq!(used.rest(), b"");
    assert_eq!(silent.rest(), b"");
}

/// A client of HTTP/2 is told with `GOAWAY`, and answers the `PING` behind it.
#[test]
fn idle_connections_of_http2_are_closed() {
    let mut server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    conn.ask(&Ask::get("/plaintext")).assert_status(200);
    server.signal("TERM");
    assert!(conn.is_told_to_go());
    let lines = server.stopped();
    assert!(lines.iter().all(|line| line["level"] == "INFO"), "nothing was cut: {lines:?}");
}

/// A stopped process finds both when it goes on: the signal, and bytes in its sockets. Whichever it sees first, each
/// request is answered and recorded.
#[test]
fn requests_that_were_sent_before_the_signal_are_answered() {
    const EACH: usize = 24;
    for round in 0..8 {
        let mut server = Server::contract();
        let mut conns: Vec<_> = (0..2 * EACH).map(|_| server.connect()).collect();
        for used in &mut conns[..EACH] {
            used.ask(&Ask::get("/plaintext")).assert_status(200);
        }
        // Connections that were probed wait at the door.
        for probed in &mut conns[EACH..EACH + 8] {
            probed.ask(&Ask::get("/healthz")).assert_status(200);
        }
        server.signal("STOP");
        // The kernel accepts connections for a process that does not run.
        conns.extend((0..EACH).map(|_| server.connect()));
        // In either order.
        if round % 2 == 0 {
            server.signal("TERM");
        }
        for conn in &mut conns {
            conn.send(&h1::bytes(&Ask::get("/plaintext").header("x-fc-request-id", ID)));
        }
        if round % 2 == 1 {
            server.signal("TERM");
        }
        server.signal("CONT");
        for (number, conn) in conns.iter_mut().enumerate() {
            let answer = conn.try_answer("GET");
            let answer = answer.unwrap_or_else(|| panic!("round {round}: connection {number} got no reply"));
            answer.assert_status(200);
            assert_eq!(conn.rest(), b"", "and then it is closed");
        }
        let lines = server.stopped();
        let recorded = lines.iter().filter(|line| line["request_id"] == ID).count();
        assert_eq!(recorded, conns.len(), "{lines:?}");
    }
}

/// Half a head has a second from the signal on, and not the rest of its ten: the drain would wait for it.
#[test]
fn half_a_head_does_not_hold_the_stop_up() {
    let mut server =
        Launch::app("settings").var("IT_DRAIN_MS", "600000").var("IT_HEAD_LIMIT_MS", "600000").start();
    let mut fresh = server.connect();
    fresh.send(b"GET /plaintext HTTP/1.1\r\nHost: ");
    let mut used = server.connect();
    used.ask(&Ask::get("/plaintext")).assert_status(200);
    used.send(b"GET /plaintext HTTP/1.1\r\nHost: ");
    let mut at_the_door = server.connect();
    at_the_door.send(b"GET /healt");
    server.signal("TERM");
    let lines = server.stopped();
    assert!(!lines.iter().any(|line| line["message"].as_str().unwrap().contains("cutting")), "{lines:?}");
    for mut conn in [fresh, used, at_the_door] {
        conn.answer("GET").assert_status(408).assert_header("connection", "close");
    }
}

/// A head whose rest comes after the signal is answered.
#[test]
fn a_head_that_is_completed_is_answered() {
    let mut server = Server::contract();
    let mut conn = server.connect();
    conn.send(b"GET /plaintext HTTP/1.1\r\nHost: ");
    let mut used = server.connect();
    used.ask(&Ask::get("/plaintext")).assert_status(200);
    used.send(b"GET /plaintext HTTP/1.1\r\nHost: ");
    let mut idle = server.connect();
    idle.ask(&Ask::get("/plaintext")).assert_status(200);
    server.signal("TERM");
    assert_eq!(idle.rest(), b"", "every connection knows of the stop");
    for mut conn in [conn, used] {
        conn.send(b"a\r\n\r\n");
        conn.answer("GET").assert_status(200).assert_header("connection", "close");
    }
    check_stopped(&server.stopped(), 0);
}

/// 10 s are the default.
#[test]
fn what_lasts_beyond_the_deadline_is_cut_and_recorded() {
    let mut server = Server::contract();
    let mut conn = server.connect();
    conn.send(&h1::bytes(&slow(600_000)));
    server.until_counter("in_flight", 2);
    let lines = server.stop();
    check_stopped(&lines, 1);
    assert_eq!(lines.iter().filter(|line| line["request_id"] == ID).count(), 1, "{lines:?}");
    assert_eq!(record(&lines, ID)["status"], 503);
    assert!(lines.iter().any(|line| line["message"].as_str().unwrap().contains("deadline")), "{lines:?}");
    assert_eq!(conn.rest(), b"", "no half reply");
}

#[test]
fn a_second_signal_cuts_at_once() {
    let mut server = Server::contract();
    let mut conn = server.connect();
    conn.send(&h1::bytes(&slow(600_000)));
    server.until_counter("in_flight", 2);
    server.signal("TERM");
    server.until_closed();
    let lines = server.stop();
    check_stopped(&lines, 1);
    assert!(
        lines.iter().any(|line| line["message"].as_str().unwrap().contains("second signal")),
        "{lines:?}"
    );
    assert_eq!(conn.rest(), b"");
}

/// Blocking work cannot be stopped, and must not stop the process from ending.
#[test]
fn a_blocked_thread_is_left_behind() {
    let mut server = Server::contract();
    let mut conn = server.connect();
    conn.send(&h1::bytes(&Ask::get("/block?ms=3000")));
    server.until_counter("in_flight", 2);
    server.signal("TERM");
    conn.answer("GET").assert_status(200).assert_text("blocked");
    assert_eq!(server.ended().0.code(), Some(0));
}
