//! Clients that leave: status 499.

use std::time::Duration;

use serde_json::json;
use testkit::events::{Matcher, kind, printed};
use testkit::eventually;
use testkit::h1::{Conn, request};
use testkit::process::is_running;

use crate::harness::{Local, f};

/// Sends a request, waits until the function works on it, and leaves. Gives the request's id.
fn leave(local: &Local, bytes: &[u8]) -> String {
    let before = local.count(asleep());
    let mut stream = Conn::open(local.function_port("f"));
    stream.send(bytes);
    let line = local.wait_for_nth(before + 1, asleep());
    drop(stream);
    line.after("asleep ").to_owned()
}

fn asleep() -> Matcher {
    printed("asleep ")
}

#[track_caller]
fn assert_cancelled(local: &Local, id: &str) {
    let event = local.wait_for(kind("call_cancelled").request(id).has("ms"));
    assert!(event["memoryBytes"].as_u64().unwrap() > 0, "{event}");
    let record = local.wait_for(kind("request").request(id));
    assert_eq!((&record["status"], &record["instance"]), (&499.into(), &event["instance"]));
    assert_eq!(local.count(kind("request").request(id)), 1);
}

/// The function saw its own connection close.
#[track_caller]
fn assert_noticed(local: &Local, id: &str) {
    local.wait_for(printed(&format!("cancelled {id}")));
}

#[test]
fn with_one_call_at_a_time_the_instance_is_replaced() {
    let local = Local::scripted(f().timeout(60).hook("preStop", json!({"handler": "true"})));
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    let id = leave(&local, &request("GET", "/sleep?ms=60000", "", b""));
    assert_cancelled(&local, &id);
    eventually("the former instance ends", || !is_running(pid));
    local.wait_for(printed("pre-stop"));
    // The replacement was started at once, not by the next call.
    local.wait_for_nth(2, kind("instance_started"));
    assert_ne!(local.get("/pid").text(), pid.to_string());
}

#[test]
fn a_client_that_leaves_is_noticed_whatever_stands_unread() {
    let local = Local::scripted(f().timeout(60).concurrency(5));
    // A body that was read.
    let id = leave(&local, &request("POST", "/sleep?ms=60000", "", b"body"));
    assert_cancelled(&local, &id);
    assert_noticed(&local, &id);
    // A large body that the function does not read.
    let id = leave(&local, &request("POST", "/unread?ms=60000", "", &vec![b'x'; 64 * 1024]));
    assert_cancelled(&local, &id);
    assert_noticed(&local, &id);
    // A next request that is already there.
    let mut two = request("GET", "/sleep?ms=60000", "", b"");
    two.extend(request("GET", "/count", "", b""));
    let id = leave(&local, &two);
    assert_cancelled(&local, &id);
    assert_noticed(&local, &id);
}

#[test]
fn a_client_that_leaves_during_a_stream_is_noticed() {
    let local = Local::scripted(f().timeout(60).concurrency(5));
    let mut stream = Conn::open(local.function_port("f"));
    stream.send(&request("GET", "/chunks?n=100000&ms=20", "", b""));
    let text = stream.until_text("chunk 1");
    drop(stream);
    let line = local.wait_for(kind("call_cancelled"));
    let id = line.request();
    assert!(text.contains(id), "{text}");
    assert_cancelled(&local, id);
    assert_noticed(&local, id);
}

/// The first part of a request with a body, by a client that leaves before the rest.
fn part(target: &str, framing: &str, body: &str) -> Vec<u8> {
    format!("POST {target} HTTP/1.1\r\nhost: localhost\r\n{framing}\r\n\r\n{body}").into_bytes()
}

const LENGTH: &str = "content-length: 50000";
const CHUNKED: &str = "transfer-encoding: chunked";

/// 2000 bytes by each framing.
fn parts(target: &str) -> [Vec<u8>; 2] {
    let bytes = "x".repeat(2000);
    [part(target, LENGTH, &bytes), part(target, CHUNKED, &format!("7d0\r\n{bytes}\r\n"))]
}

/// Every request so far is a 499, and no call has failed.
#[track_caller]
fn assert_all_cancelled(local: &Local, requests: usize) {
    local.wait_for_nth(requests, kind("request"));
    assert_eq!(local.count(kind("request").status(499)), requests);
    assert_eq!((local.count(kind("call_cancelled")), local.count(kind("call_failed"))), (requests, 0));
}

#[test]
fn a_client_that_leaves_in_the_middle_of_its_body_is_noticed_however_soon() {
    let local = Local::scripted(f().timeout(60).concurrency(5));
    let event = "/2023-03-30/functions/f/invocations";
    let (own, main) = (local.function_port("f"), local.main_port());
    let mut requests = 0;
    for (port, target) in [(own, "/length"), (own, "/echo"), (own, "/echo?length=50000"), (main, event)] {
        for bytes in parts(target) {
            for pause in [0, 0, 5, 10, 50] {
                let mut client = Conn::open(port);
                client.send(&bytes);
                if pause > 0 {
                    client.until_quiet(Duration::from_millis(pause));
                }
                drop(client);
                requests += 1;
                local.wait_for_nth(requests, kind("request"));
            }
        }
    }
    assert_all_cancelled(&local, requests);
}

#[test]
fn a_client_that_leaves_in_the_middle_of_its_body_is_noticed_behind_the_head_of_the_reply() {
    let local = Local::scripted(f().timeout(60).concurrency(5));
    let mut requests = 0;
    for bytes in parts("/echo") {
        for is_reset in [false, true] {
            let mut client = Conn::open(local.function_port("f"));
            client.send(&bytes);
            client.until_text("xxx");
            if is_reset {
                client.reset();
            } else {
                drop(client);
            }
            requests += 1;
            assert_all_cancelled(&local, requests);
        }
    }
}

#[test]
fn a_client_that_leaves_while_its_body_is_taken_in_is_noticed() {
    let local = Local::scripted(f().timeout(60).concurrency(5));
    // The function speaks HTTP/1.0, so that a body without a length is taken in first.
    local.get("/http10").assert_ok();
    let [_, chunked] = parts("/http10");
    let handshake = part(
        "/ws",
        &format!(
            "connection: upgrade\r\nupgrade: websocket\r\nsec-websocket-version: 13\r\n\
             sec-websocket-key: dGhlIHNhbXBsZSBub25jZQ==\r\n{LENGTH}"
        ),
        "x",
    );
    let handshake = String::from_utf8(handshake).unwrap().replace("POST", "GET").into_bytes();
    for bytes in [chunked, handshake] {
        let before = local.count(kind("request").status(499));
        let mut client = Conn::open(local.function_port("f"));
        client.send(&bytes);
        drop(client);
        local.wait_for_nth(before + 1, kind("request").status(499));
    }
    assert_eq!((local.count(kind("request")), local.count(kind("call_failed"))), (3, 0));
}

#[test]
fn with_one_call_at_a_time_a_client_that_leaves_in_the_middle_of_its_body_costs_the_instance() {
    let local = Local::scripted(f().timeout(60));
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    let mut client = Conn::open(local.function_port("f"));
    let [bytes, _] = parts("/echo");
    client.send(&bytes);
    local.wait_for(printed("echo "));
    drop(client);
    local.wait_for(kind("request").status(499));
    local.wait_for_nth(2, kind("instance_started"));
    eventually("the former instance ends", || !is_running(pid));
    assert_ne!(local.get("/pid").text(), pid.to_string());
}

#[test]
fn a_chunk_that_cannot_be_read_is_no_departure() {
    let local = Local::scripted(f().timeout(60).concurrency(5));
    let mut client = Conn::open(local.function_port("f"));
    client.send(&part("/length", CHUNKED, "5\r\nhello\r\nnot a size\r\n"));
    let reply = client.answer("POST");
    reply.assert_platform_error(400, "FcCommonError", "InvalidArgument", "the request's body ended early");
    // Behind the head of the reply there is no status to tell.
    let mut client = Conn::open(local.function_port("f"));
    client.send(&part("/echo", CHUNKED, "5\r\nhello\r\n"));
    let id = client.answer_head().id();
    assert_eq!(client.chunk().as_deref(), Some(&b"hello"[..]));
    client.send(b"not a size\r\n");
    client.rest();
    local.wait_for(kind("call_failed").request(&id).field("failure", "invalid_argument"));
    local.wait_for(kind("request").request(&id).status(200));
    assert_eq!(local.count(kind("call_cancelled")), 0);
}
