//! Clients that leave: status 499.

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
    assert_eq!(record["status"], 499);
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
