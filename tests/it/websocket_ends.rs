//! How a socket ends: by either side, without a word, by a panic, at a stop; and what is recorded of it.

use serde_json::Value;

use crate::support::ws::{Client, handshake, masked};
use crate::support::{Ask, Launch, Server, check_stopped, h1, record};
use testkit::until;

const ID: &str = "socket";

#[track_caller]
fn open(server: &Server, target: &str) -> Client {
    Client::ask(server, &handshake(target).header("x-fc-request-id", ID))
}

#[track_caller]
fn check_record(server: &mut Server, status: u16, level: &str, end: &Value) -> Vec<Value> {
    server.until_idle();
    let lines = server.stop();
    let record = record(&lines, ID);
    assert_eq!(
        (&record["status"], &record["level"], &record["end"]),
        (&status.into(), &level.into(), end),
        "{record}"
    );
    lines
}

#[test]
fn a_socket_is_one_request_recorded_at_its_end() {
    let mut server = Server::app("sockets");
    let mut client = open(&server, "/ended");
    server.until_seen("holding");
    assert_eq!(server.counter("in_flight"), 2, "the socket and the one that asks");
    assert!(server.lines().iter().all(|line| !line.contains(ID)), "it is not over");
    client.text("tea");
    server.until_seen("got tea");
    client.close(4321);
    server.until_seen("ended 4321");
    assert_eq!(server.counter("cancelled"), 0);
    let lines = check_record(&mut server, 101, "INFO", &Value::Null);
    assert_eq!((&record(&lines, ID)["bytes"], &record(&lines, ID)["route"]), (&4.into(), &"/ended".into()));
}

#[test]
fn the_closure_closes_with_a_code_and_a_reason() {
    let mut server = Server::app("sockets");
    let mut client = open(&server, "/close");
    client.assert_text("before");
    let (first, payload) = client.frame();
    assert_eq!((first, payload.as_slice()), (0x88, b"\x0f\xa0because".as_slice()));
    // What the client had to say before its answer is still heard.
    client.text("here");
    client.send(0x88, b"\x0f\xa0");
    assert_eq!(client.conn.rest(), b"");
    assert_eq!(server.seen(), ["refused", "still here"]);
    check_record(&mut server, 101, "INFO", &Value::Null);
}

#[test]
fn an_error_closes_with_1011_and_is_logged() {
    let mut server = Server::app("sockets");
    assert_eq!(open(&server, "/error").assert_closed(1011), "out of order");
    let lines = check_record(&mut server, 101, "ERROR", &Value::Null);
    let logged = |line: &&Value| line["message"].as_str().is_some_and(|text| text.contains("a secret cause"));
    assert_eq!(lines.iter().filter(logged).count(), 1, "{lines:?}");
}

#[test]
fn a_panic_closes_with_1011_and_is_counted() {
    let mut server = Server::app("sockets");
    let mut client = open(&server, "/panic");
    client.text("go");
    assert_eq!(client.assert_closed(1011), "internal error");
    server.until_counter("panicked", 1);
    let mut other = Client::open(&server, "/echo");
    other.text("others go on");
    other.assert_text("others go on");
    other.close(1000);
    check_record(&mut server, 101, "ERROR", &Value::Null);
}

#[test]
fn a_client_that_leaves_without_a_word_is_a_499() {
    for reset in [false, true] {
        let mut server = Server::app("sockets");
        let mut client = open(&server, "/ended");
        client.text("tea");
        server.until_seen("got tea");
        if reset {
            client.conn.reset();
        } else {
            drop(client);
        }
        server.until_seen("ended 1006");
        server.until_counter("cancelled", 1);
        let lines = check_record(&mut server, 499, "WARN", &"client left".into());
        assert_eq!(record(&lines, ID)["phase"], "replying");
        assert!(lines.iter().all(|line| line["level"] != "ERROR"), "nobody is at fault: {lines:?}");
    }
}

/// In the middle of a message, and right behind the handshake.
#[test]
fn a_client_that_leaves_too_early_is_a_499() {
    for bytes in [masked(0x82, &[0; 100])[..50].to_vec(), Vec::new()] {
        let mut server = Server::app("sockets");
        let mut client = open(&server, "/echo");
        client.conn.send(&bytes);
        drop(client);
        server.until_counter("cancelled", 1);
        check_record(&mut server, 499, "WARN", &"client left".into());
    }
}

/// The closure does not read, so only the watch can tell; after 10 s it is dropped.
#[test]
fn a_closure_that_does_not_read_is_told_and_dropped() {
    let mut server = Server::app("sockets");
    let mut client = open(&server, "/hang-up");
    server.until_seen("holding");
    client.text("nobody reads this");
    client.text("nor this");
    drop(client);
    server.until_seen("told");
    server.until_seen("dropped");
    check_record(&mut server, 499, "WARN", &"client left".into());
}

#[test]
fn a_closure_that_may_finish_finishes() {
    let mut server = Server::app("sockets");
    let client = open(&server, "/finish");
    server.until_seen("holding");
    client.close(1000);
    assert_eq!(server.counter("in_flight"), 2);
    until("the closure to be at the gate", || {
        server.ask(&Ask::post("/open", ""));
        server.seen().contains(&"finished".to_owned()).then_some(())
    });
    check_record(&mut server, 101, "INFO", &Value::Null);
}

/// Beyond the bound it ends as it does without the policy: dropped after 10 s.
#[test]
fn closures_that_finish_without_a_client_are_bounded() {
    let mut server = Launch::app("sockets").var("IT_MAX_FINISHING", "1").start();
    let clients = [(); 2].map(|()| Client::open(&server, "/finish"));
    until("the closures", || (server.seen().len() == 2).then_some(()));
    for client in clients {
        client.close(1000);
    }
    server.until_seen("over");
    assert_eq!(server.counter("in_flight"), 2, "one goes on, and is in flight");
    assert!(!server.seen().contains(&"finished".to_owned()));
    server.connect().ask(&handshake("/finish")).assert_header("retry-after", "1").assert_problem(503);
    server.ask(&Ask::post("/open", ""));
    server.until_idle();
    check_stopped(&server.stop(), 0);
}

#[test]
fn a_drain_closes_with_1001_and_waits_for_the_closure() {
    let mut server = Server::app("sockets");
    let mut client = open(&server, "/ended");
    client.text("tea");
    server.until_seen("got tea");
    server.signal("TERM");
    assert_eq!(client.assert_closed(1001), "going away");
    let lines = server.stopped();
    assert_eq!(record(&lines, ID)["status"], 101);
    check_stopped(&lines, 0);
}

#[test]
fn a_closure_that_does_not_end_is_cut() {
    let mut server = Launch::app("sockets").var("IT_DRAIN_MS", "500").start();
    let mut client = open(&server, "/stubborn");
    server.until_counter("in_flight", 2);
    server.signal("TERM");
    client.assert_closed(1001);
    let lines = server.stopped();
    assert_eq!(
        (&record(&lines, ID)["status"], &record(&lines, ID)["end"]),
        (&503.into(), &"cut by shutdown".into())
    );
    let says = |part: &str| lines.iter().any(|line| line["message"].as_str().unwrap().contains(part));
    assert!(says("cutting 1 sockets"), "{lines:?}");
    check_stopped(&lines, 1);
}

/// A client that neither reads nor answers does not hold the stop up, however long others may take.
#[test]
fn a_mute_client_is_not_waited_for_long() {
    let mut server = Launch::app("sockets").var("IT_DRAIN_MS", "600000").start();
    let mut client = open(&server, "/flood");
    assert_eq!(client.frame().0, 0x82);
    let lines = server.stop();
    check_stopped(&lines, 0);
    assert_eq!(record(&lines, ID)["status"], 101);
    // It was there all the time.
    drop(client);
}

#[test]
fn pre_stop_closes_with_1001_and_the_process_goes_on() {
    let server = Server::app("sockets");
    let mut client = open(&server, "/ended");
    server.until_seen("holding");
    let hook = Ask::get("/pre-stop").header("x-fc-control-path", "/pre-stop");
    server.ask(&hook).assert_status(200);
    assert_eq!(client.assert_closed(1001), "going away");
    server.until_seen("ended 1001");
    let mut later = Client::open(&server, "/echo");
    later.text("after a thaw");
    later.assert_text("after a thaw");
}

/// The platform cuts without a close when the function's time is up; shortly before that we close with one.
#[test]
fn the_end_of_the_functions_time_is_told() {
    let mut server = Server::app("sockets");
    let ask = handshake("/ended").header("x-fc-request-id", ID).header("x-fc-function-timeout", "1");
    let mut client = Client::ask(&server, &ask);
    assert_eq!(client.assert_closed(1001), "the function's time is up");
    check_record(&mut server, 101, "INFO", &Value::Null);
}

#[test]
fn lines_of_the_closure_carry_the_request_id() {
    let mut server = Server::app("sockets");
    let client = open(&server, "/logs");
    client.close(1000);
    let lines = check_record(&mut server, 101, "INFO", &Value::Null);
    for word in ["inside", "told"] {
        let line = lines.iter().find(|line| line["message"] == word).unwrap_or_else(|| panic!("{lines:?}"));
        assert_eq!(line["request_id"], ID, "{line}");
    }
}

#[test]
fn a_socket_keeps_its_place_among_connections_and_requests() {
    let server = Launch::app("sockets").var("IT_MAX_CONNECTIONS", "2").start();
    let client = open(&server, "/ended");
    let mut other = server.connect();
    other.ask(&Ask::get("/plaintext")).assert_status(200);
    let mut third = server.connect();
    assert!(!third.is_answered(&Ask::get("/plaintext")), "there are two places");
    drop(client);
    third.answer("GET").assert_status(200);

    let server = Launch::app("sockets").var("IT_MAX_IN_FLIGHT", "1").start();
    let client = open(&server, "/ended");
    let mut other = server.connect();
    other.send(&h1::bytes(&Ask::get("/plaintext")));
    other.answer("GET").assert_status(503);
    client.close(1000);
    until("the place to be free", || (other.ask(&Ask::get("/plaintext")).status == 200).then_some(()));
}
