//! How calls end that do not end by themselves: their client, their deadline, a stop, a panic.

use super::{call, check_late_stream, hello};
use crate::support::{Answer, Ask, Launch, Server, check_stopped, h2};
use testkit::until;

fn with_id(ask: Ask, id: &str) -> Ask {
    ask.header("x-fc-request-id", id)
}

/// The access line of a call that failed, which another line says more about.
#[track_caller]
fn record(server: &Server, id: &str) -> serde_json::Value {
    server.records(id, 2);
    server.record(id)
}

/// Sends a call that is refused and whose client goes on. Gives the resets of its stream until a ping is answered, and the
/// stream.
fn resets_of_refused(conn: &mut h2::Conn, ask: &Ask, last: Option<&[u8]>) -> (u32, Vec<Vec<u8>>) {
    // A call of one message waits for its end, and so for its deadline.
    let stream = conn.send_head(&ask.clone().header("grpc-timeout", "200m"));
    // A frame of a kind that there is not.
    conn.frame(0, 0, stream, b"\x09\x00\x00\x00\x00");
    let answer = conn.answer(stream);
    assert!(answer.header("grpc-status").or(answer.trailer("grpc-status")).is_some(), "{answer:?}");
    if let Some(last) = last {
        conn.frame(0, 1, stream, last);
    }
    conn.frame(6, 0, 0, b"how far?");
    let mut resets = Vec::new();
    loop {
        let frame = conn.read();
        if (frame.kind, frame.flags) == (6, 1) {
            return (stream, resets);
        }
        if frame.kind == 3 && frame.stream == stream {
            resets.push(frame.payload);
        }
    }
}

/// It need not send the rest.
#[test]
fn a_client_that_still_sends_is_told_that_its_call_is_over() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    for path in ["/greeter.Greeter/Nope", "/greeter.Greeter/SayHello"] {
        let (stream, mut resets) = resets_of_refused(&mut conn, &call(path, b""), None);
        while resets.is_empty() {
            let frame = conn.read();
            if frame.kind == 3 && frame.stream == stream {
                resets.push(frame.payload);
            }
        }
        assert_eq!(resets, [[0, 0, 0, 0]], "NO_ERROR");
    }
    conn.ask(&call("/greeter.Greeter/SayHello", &hello(&["tea"]))).assert_trailers("0");
}

/// A client that ends its call when it reads the status has no need of a reset, for which `HAProxy` drops the status. A busy
/// machine may be too late for that, but not each time.
#[test]
fn a_client_that_ends_its_call_at_the_status_sees_no_reset() {
    let server = Server::contract();
    let mut conn = h2::Conn::open(server.port);
    for path in ["/greeter.Greeter/Nope", "/greeter.Greeter/SayHello"] {
        let sees_none =
            (0..20).any(|_| resets_of_refused(&mut conn, &call(path, b""), Some(b"")).1.is_empty());
        assert!(sees_none, "{path}");
    }
    conn.ask(&call("/greeter.Greeter/SayHello", &hello(&["tea"]))).assert_trailers("0");
}

#[test]
fn a_client_that_cancels_is_a_499_with_its_phase() {
    let server = Server::app("grpc");
    for (method, body, phase) in [
        ("Wait", &hello(&["a"])[..], "handling"),
        ("Gather", b"", "reading"),
        ("Ticks", &hello(&["a"]), "replying"),
    ] {
        let id = format!("grpc-cancel-{method}");
        let mut conn = h2::Conn::open(server.port);
        let ask = with_id(call(&format!("/it.It/{method}"), b""), &id);
        let stream = conn.send_head(&ask);
        if !body.is_empty() {
            conn.frame(0, 1, stream, body);
        }
        server.until_seen(&format!("holding:{id}"));
        if phase == "replying" {
            conn.data(stream);
        }
        conn.cancel(stream);
        server.until_seen(&format!("dropped:{id}"));
        let record = server.record(&id);
        assert_eq!((&record["status"], &record["end"]), (&499.into(), &"client left".into()), "{record}");
        assert_eq!(record["phase"], phase, "{record}");
    }
}

/// In a place that finishes, the handler goes on and is told.
#[test]
fn hang_up_is_told() {
    let server = Server::app("grpc");
    let mut conn = h2::Conn::open(server.port);
    let stream = conn.send(&with_id(call("/it.It/Finish", &hello(&["a"])), "grpc-finish"));
    server.until_seen("holding:grpc-finish");
    conn.cancel(stream);
    server.until_seen("told:grpc-finish");
}

/// A client that goes in the middle of its messages.
#[test]
fn a_reset_connection_ends_its_calls() {
    let server = Server::app("grpc");
    let mut conn = h2::Conn::open(server.port);
    let stream = conn.send_head(&with_id(call("/it.It/Gather", b""), "grpc-reset"));
    conn.frame(0, 0, stream, &hello(&["a"])[..3]);
    server.until_seen("holding:grpc-reset");
    conn.reset();
    server.until_seen("dropped:grpc-reset");
    assert_eq!(server.record("grpc-reset")["status"], 499);
}

#[test]
fn the_clients_deadline_holds_for_all_kinds() {
    let server = Server::app("grpc");
    for method in ["Wait", "Gather"] {
        let mut conn = h2::Conn::open(server.port);
        let id = format!("grpc-late-{method}");
        let ask = with_id(call(&format!("/it.It/{method}"), b""), &id).header("grpc-timeout", "50m");
        let stream = conn.send_head(&ask);
        conn.frame(0, u8::from(method == "Wait"), stream, &hello(&["a"]));
        conn.answer(stream).assert_header("grpc-status", "4").assert_header("x-fc-status", "404");
        let record = record(&server, &id);
        assert_eq!((&record["grpc"], &record["level"]), (&"DEADLINE_EXCEEDED".into(), &"ERROR".into()));
    }
    // Streams that have begun end at it too, whether they are silent or not.
    for method in ["Ticks", "Flood", "Talk"] {
        check_late_stream(&server, &format!("/it.It/{method}"), true);
    }
}

#[test]
fn the_platforms_deadline_and_the_places_limit_hold_too() {
    let server = Server::app("grpc");
    let mut conn = h2::Conn::open(server.port);
    let told = conn.ask(&call("/it.It/Wait", &hello(&["a"])).header("x-fc-function-timeout", "1"));
    assert_eq!(told.header("grpc-status"), Some("4"));
    let limited = conn.ask(&call("/it.It/Limited", &hello(&["a"])).header("grpc-timeout", "1H"));
    assert_eq!(limited.header("grpc-status"), Some("4"));
}

#[test]
fn panics_are_internal_wherever_they_come() {
    let server = Server::app("grpc");
    let mut conn = h2::Conn::open(server.port);
    for name in ["early", "late"] {
        let answer = conn.ask(&call("/it.It/Panic", &hello(&[name])));
        answer.assert_trailers_only("13", "internal error").assert_header("x-fc-status", "404");
    }
    let id = "grpc-panic-stream";
    let answer = conn.ask(&with_id(call("/it.It/Break", &hello(&["panic"])), id));
    answer.assert_trailers("13");
    assert_eq!(answer.body, hello(&["first"]));
    let record = record(&server, id);
    assert_eq!((&record["grpc"], &record["level"]), (&"INTERNAL".into(), &"ERROR".into()));
    assert_eq!(server.counter("panicked"), 3);
}

#[test]
fn a_streams_error_is_its_status() {
    let server = Server::app("grpc");
    let answer = h2::Conn::open(server.port).ask(&call("/it.It/Break", &hello(&["error"])));
    answer.assert_trailers("9");
    assert_eq!((answer.trailer("grpc-message"), &answer.body), (Some("not now"), &hello(&["first"])));
}

/// Unary calls finish, streams end with UNAVAILABLE, and the connection is told to go.
#[test]
fn a_drain_ends_streams_and_waits_for_the_rest() {
    let mut server = Server::app("grpc");
    let mut conn = h2::Conn::open(server.port);
    let slow = conn.send(&call("/it.It/Slow", &hello(&["700"])));
    let mut streams = Vec::new();
    for method in ["Ticks", "Talk", "Polite", "Gather"] {
        let id = format!("grpc-drain-{method}");
        let mut conn = h2::Conn::open(server.port);
        let stream = conn.send_head(&with_id(call(&format!("/it.It/{method}"), b""), &id));
        let ends = u8::from(method == "Ticks" || method == "Polite");
        conn.frame(0, ends, stream, &hello(&["a"]));
        server.until_seen(&format!("holding:{id}"));
        streams.push((method, conn, stream));
    }
    server.signal("TERM");
    // At the same time: a client that has nothing more to come and does not answer is not waited for.
    std::thread::scope(|scope| {
        for (method, mut conn, stream) in streams {
            scope.spawn(move || {
                let answer = conn.answer_through_goaway(stream);
                let code = answer.trailer("grpc-status").or(answer.header("grpc-status"));
                let expected = if method == "Polite" { "0" } else { "14" };
                assert_eq!(code, Some(expected), "{method}: {answer:?}");
            });
        }
        conn.answer_through_goaway(slow).assert_trailers("0");
    });
    drop(conn);
    check_stopped(&server.stopped(), 0);
}

#[test]
fn a_pre_stop_ends_the_streams_that_are_there() {
    let server = Server::app("grpc");
    let mut conn = h2::Conn::open(server.port);
    let stream = conn.send(&call("/it.It/Ticks", &hello(&["a"])));
    conn.data(stream);
    server.ask(&Ask::get("/pre-stop")).assert_status(200);
    assert_eq!(conn.answer(stream).trailer("grpc-status"), Some("14"));
    // The process goes on, and so do streams that begin later.
    let stream = conn.send(&call("/it.It/Ticks", &hello(&["b"])));
    assert_eq!(conn.data(stream), hello(&["tick"]));
}

/// A method that never ends and never hears anything is cut, and counted.
#[test]
fn what_outlasts_the_drain_is_cut_and_counted() {
    let mut server = Launch::app("grpc").var("IT_DRAIN_MS", "300").start();
    let mut conn = h2::Conn::open(server.port);
    conn.send(&with_id(call("/it.It/Wait", &hello(&["a"])), "grpc-cut"));
    server.until_seen("holding:grpc-cut");
    check_stopped(&server.stop(), 1);
}

/// A client that opens no window: what is made for it stays little, and others are served.
#[test]
fn a_reader_that_stalls_stops_the_stream() {
    let server = Server::app("grpc");
    let mut conn = h2::Conn::open(server.port);
    let stream = conn.send(&call("/it.It/Flood", &hello(&["a"])));
    conn.wait_for_heads(1);
    let mut made = 0;
    until("the stream to stop", || {
        let Answer { body, .. } = server.ask(&Ask::get("/flooded"));
        let before = std::mem::replace(&mut made, String::from_utf8(body).unwrap().parse::<usize>().unwrap());
        (made > 0 && before == made).then_some(())
    });
    assert!(made < 2 * 1024 * 1024, "{made} bytes were made for a window of 64 KiB");
    h2::Conn::open(server.port).ask(&call("/it.It/Slow", &hello(&["1"]))).assert_trailers("0");
    conn.cancel(stream);
    server.until_counter("cancelled", 1);
}

#[test]
fn a_shed_call_is_unavailable() {
    let server = Launch::app("grpc").var("IT_CAP", "2").start();
    let mut conn = h2::Conn::open(server.port);
    conn.send(&with_id(call("/it.It/Wait", &hello(&["a"])), "grpc-shed-1"));
    server.until_seen("holding:grpc-shed-1");
    conn.send(&with_id(call("/it.It/Wait", &hello(&["a"])), "grpc-shed-2"));
    // Requests of one connection are let in in their order.
    let answer = conn.ask(&call("/it.It/Slow", &hello(&["1"])));
    answer.assert_header("grpc-status", "14").assert_header("retry-after", "1");
}
