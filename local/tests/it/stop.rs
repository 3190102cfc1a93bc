//! Ctrl-C: what is under way is ended in order, and nobody holds it up without being named.

use serde_json::json;
use testkit::events::{kind, printed};
use testkit::h1::{Conn, request};
use testkit::process::is_running;
use testkit::{Ask, eventually, h2, ws};

use crate::harness::{Local, f, scripted, write_manifest};

/// Calls may go on for so many seconds: beyond the patience of a test.
const LONG: [&str; 2] = ["--drain", "600"];

fn start(function: testkit::manifest::Function) -> Local {
    let folder = scripted();
    write_manifest(&folder, function.timeout(600));
    Local::start(folder, &LONG)
}

fn ask(local: &Local, target: &str) -> Conn {
    let mut conn = Conn::open(local.function_port("f"));
    conn.send(&request("GET", target, "", b""));
    conn
}

#[test]
fn streams_are_told_to_end_at_once() {
    let mut local = start(f().concurrency(2).hook("preStop", json!({"handler": "true"})));
    let mut streams = [(); 2].map(|()| ask(&local, "/chunks?n=100000&ms=50"));
    for stream in &mut streams {
        stream.answer_head().assert_status(200);
    }
    assert_eq!(local.interrupt(), Some(0));
    local.wait_for(printed("pre-stop"));
    assert_eq!(local.count(kind("calls_ended")), 0);
}

#[test]
fn what_remains_is_named() {
    let mut local = start(f().concurrency(3));
    let _call = ask(&local, "/sleep?ms=600000&token=secret");
    local.wait_for(printed("asleep"));
    // The instance has the whole reply out of its hands, and the client takes nothing.
    let _slow = ask(&local, "/bytes?n=30000000");
    local.wait_for(printed("sent "));
    local.program.signal("INT");
    let remain = local.wait_for(kind("calls_remain").function("f").field("calls", 2));
    assert!(remain["leftMs"].as_f64().unwrap() > 500_000.0, "{remain}");
    let named = |at: usize| remain["oldest"][at]["path"].as_str().unwrap().to_owned();
    assert_eq!([named(0), named(1)], ["/sleep", "/bytes"], "{remain}");
    assert_eq!(local.interrupt(), Some(130));
}

/// Streams of HTTP/2 and WebSockets have no HTTP/1 connection of their own.
#[test]
fn calls_over_http_2_and_websockets_are_named_too() {
    let mut local = start(f().concurrency(4));
    let mut http2 = h2::Conn::open(local.function_port("f"));
    for target in ["/sleep?ms=600000&token=secret", "/sleep?ms=600001"] {
        http2.send(&Ask::get(target));
    }
    let done = http2.send(&Ask::get("/name"));
    http2.answer(done).assert_status(200);
    let mut socket = ws::Client::open(local.function_port("f"), "/ws?deaf=1");
    socket.text("open");
    socket.assert_text("open");
    eventually("both calls", || local.count(printed("asleep")) == 2);
    local.program.signal("INT");
    let remain = local.wait_for(kind("calls_remain").function("f").field("calls", 3));
    let oldest = remain["oldest"].as_array().unwrap();
    let mut named: Vec<_> = oldest
        .iter()
        .map(|call| (call["method"].as_str().unwrap(), call["path"].as_str().unwrap()))
        .collect();
    named.sort_unstable();
    assert_eq!(named, [("GET", "/sleep"), ("GET", "/sleep"), ("GET", "/ws")], "{remain}");
    assert!(oldest.iter().all(|call| call["ms"].as_f64().is_some_and(|age| age > 0.0)), "{remain}");
    assert_eq!(local.interrupt(), Some(130));
}

/// A client that still sends its body, and one that takes none of its reply.
#[test]
fn a_second_ctrl_c_does_not_wait_for_clients() {
    let mut local = start(f().concurrency(3));
    let mut upload = Conn::open(local.function_port("f"));
    upload.send(b"POST /sleep?ms=600000 HTTP/1.1\r\nHost: localhost\r\nContent-Length: 1000000\r\n\r\nx");
    let _slow = ask(&local, "/bytes?n=30000000");
    local.wait_for(printed("sent "));
    local.program.signal("INT");
    local.wait_for(kind("calls_remain").field("calls", 2));
    assert_eq!(local.interrupt(), Some(130));
    local.wait_for(kind("instance_killed").field("ms", serde_json::Value::Null));
    assert_eq!(local.count(kind("instance_ended")), 0);
}

#[test]
fn a_closed_terminal_and_sigterm_end_in_order() {
    for signal in ["HUP", "TERM"] {
        let mut local = start(f().hook("preStop", json!({"handler": "true"})));
        ask(&local, "/name").answer("GET").assert_status(200);
        let pid =
            u32::try_from(local.wait_for(kind("instance_started"))["processId"].as_u64().unwrap()).unwrap();
        local.program.signal(signal);
        let (status, _) = local.program.ended();
        assert_eq!(status.code(), Some(0), "{signal}");
        local.wait_for(printed("pre-stop"));
        local.wait_for(kind("instance_stopped"));
        assert!(!is_running(pid), "{signal}");
    }
}

#[test]
fn a_program_that_ignores_sigterm_is_said_to_be_killed() {
    let deaf = json!(["/bin/sh", "-c", "trap '' TERM; exec /code/bootstrap"]);
    let mut local = start(f().local("stopTimeout", 1).runtime("command", deaf));
    ask(&local, "/name").answer("GET").assert_status(200);
    assert_eq!(local.interrupt(), Some(0));
    local.wait_for(kind("instance_killed").field("ms", 1000.0));
}

#[test]
fn a_call_without_a_reply_is_waited_for_beside_a_stream() {
    let mut local = start(f().concurrency(2));
    let mut stream = ask(&local, "/chunks?n=100000&ms=50");
    stream.answer_head().assert_status(200);
    let mut call = ask(&local, "/sleep?ms=3000");
    local.wait_for(printed("asleep"));
    assert_eq!(local.interrupt(), Some(0));
    call.answer("GET").assert_status(200).assert_header("connection", "close");
}

#[test]
fn a_second_ctrl_c_ends_what_does_not_end() {
    let mut local =
        start(f().concurrency(2).var("SCRIPT_PRE_STOP", "never").hook("preStop", json!({"handler": "true"})));
    let mut stream = ask(&local, "/chunks?n=100000&ms=50");
    stream.answer_head().assert_status(200);
    let _call = ask(&local, "/sleep?ms=600000");
    local.wait_for(printed("asleep"));
    testkit::process::signal(local.pid(), "INT");
    local.wait_for(kind("calls_remain").field("calls", 2));
    assert_eq!(local.interrupt(), Some(130));
    local.wait_for(kind("instance_killed"));
    assert_eq!(local.count(kind("instance_ended")), 0);
}

#[test]
fn half_a_head_does_not_hold_the_stop_up() {
    let mut local = start(f());
    let mut fresh = Conn::open(local.function_port("f"));
    fresh.send(b"GET / HTTP/1.1\r\nHost: ");
    let mut used = ask(&local, "/name");
    used.answer("GET").assert_status(200);
    used.send(b"GET / HTTP/1.1\r\nHost: ");
    assert_eq!(local.interrupt(), Some(0));
    assert_eq!(local.count(kind("calls_ended")), 0);
    for mut conn in [fresh, used] {
        assert_eq!(conn.rest(), b"");
    }
}

#[test]
fn a_head_whose_rest_comes_soon_after_the_signal_is_answered() {
    let mut local = start(f().concurrency(5));
    let fresh = Conn::open(local.function_port("f"));
    let mut used = ask(&local, "/name");
    used.answer("GET").assert_status(200);
    let mut halves = [fresh, used];
    for half in &mut halves {
        half.send(b"GET /name HTTP/1.1\r\nHost: ");
    }
    // The calls that are left are counted half a second after the signal.
    let mut call = ask(&local, "/sleep?ms=3000");
    local.wait_for(printed("asleep"));
    local.program.signal("INT");
    local.wait_for(kind("calls_remain"));
    for half in &mut halves {
        half.send(b"localhost\r\n\r\n");
        half.answer("GET").assert_status(200).assert_header("connection", "close");
    }
    call.answer("GET").assert_status(200);
    let (status, _) = local.program.ended();
    assert_eq!(status.code(), Some(0));
}

/// A stopped process finds both when it goes on: the signal, and bytes in its sockets.
#[test]
fn requests_that_were_sent_before_the_signal_are_answered() {
    const EACH: usize = 8;
    for round in 0..4 {
        let mut local = start(f().concurrency(200));
        let port = local.function_port("f");
        let mut conns: Vec<_> = (0..2 * EACH).map(|_| Conn::open(port)).collect();
        let bytes = request("GET", "/name", "", b"");
        for used in &mut conns[..EACH] {
            used.send(&bytes);
            used.answer("GET").assert_status(200);
        }
        testkit::process::signal(local.pid(), "STOP");
        // The kernel accepts connections for a process that does not run.
        conns.extend((0..EACH).map(|_| Conn::open(port)));
        if round % 2 == 0 {
            testkit::process::signal(local.pid(), "INT");
        }
        for conn in &mut conns {
            conn.send(&bytes);
        }
        if round % 2 == 1 {
            testkit::process::signal(local.pid(), "INT");
        }
        testkit::process::signal(local.pid(), "CONT");
        for (number, conn) in conns.iter_mut().enumerate() {
            let answer = conn.try_answer("GET");
            let answer = answer.unwrap_or_else(|| panic!("round {round}: connection {number} got no reply"));
            answer.assert_status(200);
        }
        let (status, _) = local.program.ended();
        assert_eq!(status.code(), Some(0));
        let records = || local.count(kind("request").status(200));
        eventually("all records", || records() == EACH + conns.len());
    }
}
