//! The example `rooms` behind fc-local: a listener on each of two instances, and a real Redis between them.

use serde_json::{Value, json};
use testkit::events::kind;
use testkit::h1::{Conn, exchange, request};
use testkit::process::signal;
use testkit::redis::Redis;
use testkit::ws::Client;
use testkit::{Folder, until};

use super::examples_apart::project;
use crate::harness::Local;

/// With one call at a time each listener has an instance of its own, and so has who says something.
fn manifest(redis: &Redis, concurrency: u32) -> Folder {
    let folder = project("rooms", &[("rooms", "dist")]);
    let manifest =
        folder.text("s.yaml").replace("${env('REDIS', 'redis://127.0.0.1:6379')}", &redis.address());
    let concurrency = format!("instanceConcurrency: {concurrency}");
    folder.write("s.yaml", &manifest.replace("instanceConcurrency: 100", &concurrency));
    folder
}

/// Says a line; the id that it got.
fn say(port: u16, text: &str) -> Result<String, u16> {
    let said = json!({"from": "ann", "text": text}).to_string();
    let headers = "content-type: application/json\r\n";
    let answer = exchange(port, &request("POST", "/rooms/tea", headers, said.as_bytes()));
    if answer.status == 201 { Ok(answer.json().as_str().unwrap().to_owned()) } else { Err(answer.status) }
}

fn socket(port: u16, after: &str) -> Client {
    Client::open(port, &format!("/rooms/tea/socket?from=bob&after={after}"))
}

/// The next frame that is text.
#[track_caller]
fn frame(socket: &mut Client) -> Value {
    loop {
        let (first, payload) = socket.frame();
        match first {
            0x81 => return serde_json::from_slice(&payload).unwrap(),
            0x89 => socket.send(0x8a, &payload),
            other => panic!("frame {other:#x}: {}", String::from_utf8_lossy(&payload)),
        }
    }
}

/// The next frame is a line with this text; its id.
#[track_caller]
fn hears(socket: &mut Client, text: &str) -> String {
    let frame = frame(socket);
    let said: Value = serde_json::from_str(frame["line"]["text"].as_str().unwrap_or("null")).unwrap();
    assert_eq!(said["text"], text, "{frame}");
    frame["line"]["id"].as_str().unwrap().to_owned()
}

fn events(port: u16, last: Option<&str>) -> Conn {
    let mut conn = Conn::open(port);
    let last = last.map_or(String::new(), |id| format!("last-event-id: {id}\r\n"));
    conn.send(&request("GET", "/rooms/tea/events", &format!("accept: text/event-stream\r\n{last}"), b""));
    let head = conn.answer_head();
    assert_eq!((head.status, head.header("content-type")), (200, Some("text/event-stream")), "{head:?}");
    conn
}

/// The process that began to serve as this one of all instances.
fn pid(local: &Local, nth: usize) -> u32 {
    let started = local.wait_for_nth(nth, kind("instance_started"));
    u32::try_from(started["processId"].as_u64().unwrap()).unwrap()
}

#[test]
#[ignore = "needs redis-server and the built example: .ci/run runs it with --ignored"]
fn a_listener_goes_on_at_another_instance_when_its_own_is_killed() {
    let redis = Redis::start();
    let local = Local::start(manifest(&redis, 1), &["--no-build"]);
    let port = local.function_port("rooms");
    let mut here = socket(port, "0-0");
    let first = pid(&local, 1);
    let mut there = events(port, None);
    assert_ne!(pid(&local, 2), first);
    let one = say(port, "one").unwrap();
    hears(&mut here, "one");
    there.until_text(&format!("id: {one}"));
    // The socket says something too, and all hear it.
    here.text("two");
    let two = hears(&mut here, "two");
    there.until_text(&format!("id: {two}"));

    signal(first, "KILL");
    // A call that breaks off may tell of the end before the process does.
    local.wait_for(kind("instance_ended").or(kind("instance_stopped")));
    assert_eq!(here.conn.rest().first(), None, "the socket is cut, without a close");
    for text in ["three", "four"] {
        let id = say(port, text).unwrap();
        there.until_text(&format!("id: {id}"));
    }
    let mut back = socket(port, &two);
    hears(&mut back, "three");
    hears(&mut back, "four");
    let mut beside = events(port, Some(&one));
    let missed = beside.until_text("four");
    assert!(missed.contains("two") && missed.contains("three") && !missed.contains("one"), "{missed}");
    assert!(!missed.contains("event: gap"), "{missed}");
}

#[test]
#[ignore = "needs redis-server and the built example: .ci/run runs it with --ignored"]
fn listeners_are_told_that_redis_is_away_and_what_was_lost() {
    let mut redis = Redis::start();
    let local = Local::start(manifest(&redis, 1), &["--no-build"]);
    let port = local.function_port("rooms");
    let (mut here, mut there) = (socket(port, "0-0"), events(port, None));
    let before = say(port, "before").unwrap();
    hears(&mut here, "before");
    there.until_text(&format!("id: {before}"));
    redis.stop();
    assert_eq!(frame(&mut here), json!("away"));
    there.until_text("event: away");
    assert_eq!(say(port, "into the void"), Err(503));
    here.text("into the void");
    let refused = frame(&mut here);
    assert_eq!(refused["refused"]["text"], "into the void", "{refused}");
    redis.start_again();
    assert_eq!(frame(&mut here), json!("back"));
    there.until_text("event: back");
    let after = until("somebody can say something again", || say(port, "after").ok());
    hears(&mut here, "after");
    there.until_text(&format!("id: {after}"));
    // Numbers are without holes: nothing was lost, and nothing was said that was refused.
    let number = |id: &str| id.rsplit_once('-').unwrap().1.parse::<u64>().unwrap();
    assert_eq!(number(&after), number(&before) + 1);
}
