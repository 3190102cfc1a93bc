//! Recorded calls and what functions use: what is bounded, what is counted, and what is billed.

use std::time::Duration;

use fc_local::Kind;
use serde_json::{Value, json};
use testkit::h1::{Conn, request};
use testkit::until;

use crate::function::{Asked, reply, text};
use crate::harness::{Ring, f};

const MIB: u64 = 1024 * 1024;

fn number(value: &Value) -> f64 {
    value.as_f64().expect("a number")
}

#[test]
fn ten_thousand_requests_leave_memory_bounded() {
    const CALLS: u64 = 10_000;
    let ring = Ring::serving(f().timeout(60), |_: Asked| async { text("y".repeat(3_000)) });
    let mut conn = Conn::open(ring.port());
    for number in 0..CALLS {
        conn.send(&request("POST", &format!("/items/{number}"), "", &[b'x'; 2_000]));
        conn.answer("POST").assert_status(200);
    }
    let page = ring.ask_local("GET", "requests?limit=1000");
    let limits = &page["limits"];
    assert_eq!(
        (&page["kept"], &page["gone"]),
        (&limits["calls"], &(CALLS - limits["calls"].as_u64().unwrap()).into())
    );
    for (own, most) in [("headBytes", "headBytes"), ("bodyBytes", "bodyBytes")] {
        let (own, most) = (page[own].as_u64().unwrap(), limits[most].as_u64().unwrap());
        assert!(own <= most && most <= 16 * MIB, "{own} of {most}");
    }
    // The bound of bodies is used: 16 MiB hold those of some 3 300 calls.
    assert!(page["bodyBytes"].as_u64().unwrap() > 15 * MIB, "{page}");
    let latest = &page["requests"][0];
    assert_eq!(latest["target"], format!("/items/{}", CALLS - 1).as_str());
    let call = ring.ask_local("GET", &format!("requests/{}", latest["requestId"].as_str().unwrap()));
    assert_eq!((&call["requestBody"]["bytes"], &call["replyBody"]["whole"]), (&2000.into(), &true.into()));
    let usage = ring.ask_local("GET", "usage");
    let of = &usage["functions"][0];
    assert_eq!(
        (&of["invocations"], &of["bytesIn"], &of["bytesOut"]),
        (&CALLS.into(), &(CALLS * 2000).into(), &(CALLS * 3000).into())
    );
}

#[test]
fn calls_of_every_end_are_counted_once() {
    let ring = Ring::serving(f().concurrency(1).timeout(1), |asked: Asked| async move {
        match asked.path() {
            "/slow" => {
                tokio::time::sleep(Duration::from_secs(30)).await;
                text("late")
            }
            "/500" => reply(500, "no"),
            _ => text("yes"),
        }
    });
    ring.get("/").assert_status(200);
    ring.get("/500").assert_status(500);
    // The function's time is over.
    ring.get("/slow").assert_status(502);
    drop({
        let conn = ring.begin("/slow");
        std::thread::park_timeout(Duration::from_millis(200));
        conn
    });
    ring.first("the departure", |kind| matches!(kind, Kind::CallCancelled { .. }));
    let wanted = json!({ "invocations": 4, "errors": 2, "clientLeft": 1, "refused": 0 });
    let of = until("all are counted", || {
        let of = ring.ask_local("GET", "usage")["functions"][0].clone();
        (of["clientLeft"] == 1).then_some(of)
    });
    for (field, value) in wanted.as_object().unwrap() {
        assert_eq!(of[field], *value, "{field}: {of}");
    }
    assert!(number(&of["activeSeconds"]) >= 1.19, "a time that is over is used too: {of}");
    assert!(of["p99Ms"].as_f64().is_some_and(|p99| p99 >= 990.0), "{of}");
}

#[test]
fn events_and_their_bytes_are_counted_and_recorded() {
    let ring = Ring::serving(f(), |_: Asked| async { text("done") });
    ring.post_event(b"an event").assert_status(200);
    let page = ring.ask_local("GET", "requests?via=invoke_function");
    let call =
        ring.ask_local("GET", &format!("requests/{}", page["requests"][0]["requestId"].as_str().unwrap()));
    assert_eq!(
        (&call["requestBody"]["text"], &call["replyBody"]["text"]),
        (&"an event".into(), &"done".into())
    );
    // Without a client there is no request, but there is use.
    assert!(!ring.invoke("more").is_error);
    let of = ring.ask_local("GET", "usage")["functions"][0].clone();
    assert_eq!(
        (&of["invocations"], &of["bytesIn"], &of["bytesOut"]),
        (&2.into(), &12.into(), &8.into()),
        "{of}"
    );
    let reply = ring.ask_local("POST", &format!("requests/{}/replay", call["requestId"].as_str().unwrap()));
    assert_eq!((&reply["status"], &reply["body"]["text"]), (&200.into(), &"done".into()));
}

#[test]
fn a_kept_instance_is_idle_between_calls_and_another_is_not() {
    let kept = f().prop("scalingConfig", json!({ "minInstances": 1 }));
    for (function, is_kept) in [(kept, true), (f(), false)] {
        let ring = Ring::serving(function.memory(1024), |_: Asked| async { text("yes") });
        ring.warm();
        ring.first("a start", |kind| matches!(kind, Kind::InstanceStarted { .. }));
        std::thread::park_timeout(Duration::from_millis(300));
        ring.get("/").assert_status(200);
        let of = ring.ask_local("GET", "usage")["functions"][0].clone();
        let (active, idle) = (number(&of["activeSeconds"]), number(&of["idleSeconds"]));
        assert!(active > 0.0 && active < 0.25, "{of}");
        if is_kept {
            assert!(idle >= 0.29 && (number(&of["idleGbSeconds"]) - idle).abs() < 1e-6, "{of}");
        } else {
            assert!(idle == 0.0, "{of}");
        }
        assert_eq!(of["instances"], 1);
    }
}

#[test]
fn who_waits_for_changes_is_told_of_those_that_pass() {
    let ring = Ring::serving(f(), |_: Asked| async { text("yes") });
    let revision = ring.ask_local("GET", "changes")["revision"].as_u64().unwrap();
    let news = std::thread::scope(|scope| {
        let waiting =
            scope.spawn(|| ring.ask_local("GET", &format!("changes?after={revision}&path=/wanted")));
        std::thread::park_timeout(Duration::from_millis(100));
        ring.get("/other").assert_status(200);
        ring.get("/wanted").assert_status(200);
        waiting.join().unwrap()
    });
    let targets: Vec<&Value> =
        news["requests"].as_array().unwrap().iter().map(|call| &call["target"]).collect();
    assert_eq!(targets, ["/wanted"]);
    assert!(news["revision"].as_u64().unwrap() >= revision + 2, "{news}");
}
