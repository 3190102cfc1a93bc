//! Timer triggers: fired by their times, once for each, through the queue.

use std::sync::{Arc, Mutex};

use fc_local::{Kind, TimerNews, TimerWhat};
use http_body_util::BodyExt;
use serde_json::{Value, json};
use testkit::eventually;
use testkit::manifest::Function;

use crate::function::{Answering, Asked, Cut, text};
use crate::gate::Gate;
use crate::harness::{Ring, f};

/// The events that reached the function.
type Got = Arc<Mutex<Vec<Value>>>;

/// A function that keeps its events. If there is a gate, they wait there before.
fn keeping(got: &Got, gate: Option<&Gate>) -> impl Fn(Asked) -> Answering + Clone + Send + Sync + 'static {
    let (got, gate) = (Arc::clone(got), gate.cloned());
    move |asked| {
        let (got, gate) = (Arc::clone(&got), gate.clone());
        Box::pin(async move {
            if let Some(gate) = gate {
                gate.pass(&asked).await;
            }
            let path = asked.path().to_owned();
            let body = asked.request.into_body().collect().await.map_err(|_| Cut)?.to_bytes();
            let mut event: Value = serde_json::from_slice(&body).unwrap_or_default();
            event["path"] = path.into();
            got.lock().unwrap().push(event.clone());
            if event["payload"] == "fail" { Err(Cut) } else { text("done") }
        })
    }
}

fn timer(name: &str, cron: &str, more: &Value) -> Value {
    let mut config = json!({"cronExpression": cron, "enable": true});
    let mut trigger = json!({"triggerName": name, "triggerType": "timer"});
    for (key, value) in more.as_object().unwrap() {
        let of = if key == "qualifier" { &mut trigger } else { &mut config };
        of[key] = value.clone();
    }
    trigger["triggerConfig"] = config;
    trigger
}

fn with(timers: &[Value]) -> Function {
    f().prop("triggers", timers.to_vec()).local("asyncRetryPause", 0.01)
}

/// The times that a timer fired for, as the events of the platform tell them.
fn fired(ring: &Ring, name: &str) -> Vec<String> {
    let of = |kind: &Kind| match kind {
        Kind::Timer(TimerNews { trigger, due, what: TimerWhat::Fired, .. }) if trigger == name => due.clone(),
        _ => None,
    };
    ring.all().iter().filter_map(|event| of(&event.kind)).collect()
}

fn times(got: &Got) -> Vec<String> {
    let got = got.lock().unwrap();
    got.iter().map(|event| event["triggerTime"].as_str().unwrap_or_default().to_owned()).collect()
}

#[test]
fn a_timer_fires_once_for_each_of_its_times_also_across_a_change_of_code() {
    let got = Got::default();
    let nightly = timer("nightly", "0 0 4 * * *", &json!({"payload": "{\"keep\": 7}"}));
    let handler = keeping(&got, None);
    let (ring, hand) = Ring::timed("2026-01-05T03:59:00Z", with(std::slice::from_ref(&nightly)), handler);
    ring.first("the timer is told", |kind| {
        matches!(kind, Kind::Timer(TimerNews { what: TimerWhat::Set { schedule }, due, .. })
            if schedule == "0 0 4 * * *" && due.as_deref() == Some("2026-01-05T04:00:00Z"))
    });
    hand.set("2026-01-05T04:00:00.2Z");
    eventually("the event is there", || got.lock().unwrap().len() == 1);
    let first = json!({"triggerTime": "2026-01-05T04:00:00Z", "triggerName": "nightly", "payload": "{\"keep\": 7}", "path": "/invoke"});
    assert_eq!(got.lock().unwrap()[0], first);
    // The same moment again, and the clock set back.
    hand.set("2026-01-05T04:00:05Z");
    hand.set("2026-01-05T03:59:00Z");
    assert!(ring.redeploy(with(&[nightly]).var("NEW", "code")));
    hand.set("2026-01-06T04:00:01Z");
    eventually("the event of the next day is there", || got.lock().unwrap().len() == 2);
    hand.set("2026-01-07T04:00:01Z");
    eventually("the event of the last day is there", || got.lock().unwrap().len() == 3);
    let expected = ["2026-01-05T04:00:00Z", "2026-01-06T04:00:00Z", "2026-01-07T04:00:00Z"];
    assert_eq!(
        (fired(&ring, "nightly"), times(&got)),
        (expected.map(str::to_owned).to_vec(), fired(&ring, "nightly"))
    );
    // Asynchronous calls, as the platform's.
    ring.first(
        "the end of the call",
        |kind| matches!(kind, Kind::AsyncCall(news) if news.state == "Succeeded"),
    );
}

#[test]
fn what_fires_while_the_function_is_busy_waits_in_the_queue() {
    let (got, gate) = (Got::default(), Gate::shut());
    let tick = timer("tick", "@every 5m", &json!({}));
    let (ring, hand) = Ring::timed("2026-01-05T06:00:00Z", with(&[tick]), keeping(&got, Some(&gate)));
    for minute in ["05", "10", "15"] {
        hand.set(&format!("2026-01-05T06:{minute}:00Z"));
        eventually("the timer fires", || {
            fired(&ring, "tick").last().is_some_and(|time| time.contains(minute))
        });
    }
    assert_eq!(times(&got), [""; 0]);
    gate.open_for(3);
    eventually("all have come", || got.lock().unwrap().len() == 3);
    let mut seen = times(&got);
    seen.sort();
    assert_eq!(seen, fired(&ring, "tick"));
}

#[test]
fn a_failed_event_is_repeated_as_asynchronous_calls_are() {
    let got = Got::default();
    let tick = timer("tick", "* * * * * *", &json!({"payload": "fail"}));
    let (ring, hand) = Ring::timed("2026-01-05T06:00:00Z", with(&[tick]), keeping(&got, None));
    hand.set("2026-01-05T06:00:01Z");
    ring.first("the call has failed", |kind| matches!(kind, Kind::AsyncCall(news) if news.state == "Failed"));
    // The first attempt and three more, each with the same event.
    assert_eq!(times(&got), ["2026-01-05T06:00:01Z"; 4]);
    assert_eq!(fired(&ring, "tick").len(), 1);
}

#[test]
fn what_was_missed_is_told_and_not_made_up_for() {
    let got = Got::default();
    let tick = timer("tick", "0 */10 * * * *", &json!({}));
    let (ring, hand) = Ring::timed("2026-01-05T06:00:00Z", with(&[tick]), keeping(&got, None));
    hand.set("2026-01-05T07:00:03Z");
    let missed = ring.first("the missed times", |kind| {
        matches!(kind, Kind::Timer(TimerNews { what: TimerWhat::Missed { .. }, .. }))
    });
    let Kind::Timer(news) = &missed.kind else { unreachable!("a timer") };
    assert_eq!(
        (&news.what, news.due.as_deref()),
        (&TimerWhat::Missed { times: 5 }, Some("2026-01-05T06:50:00Z"))
    );
    eventually("the one that is in time comes", || times(&got) == ["2026-01-05T07:00:00Z"]);
}

#[test]
fn what_is_switched_off_does_not_fire() {
    let got = Got::default();
    let off = timer("off", "* * * * * *", &json!({"enable": false}));
    let on = timer("on", "*/30 * * * * *", &json!({"qualifier": "LATEST"}));
    let (ring, hand) = Ring::timed("2026-01-05T06:00:00Z", with(&[off, on.clone()]), keeping(&got, None));
    hand.set("2026-01-05T06:00:30Z");
    eventually("the other one fires", || times(&got) == ["2026-01-05T06:00:30Z"]);
    assert_eq!(fired(&ring, "off"), [""; 0]);
    drop(ring);
    // None of a function does where `x-local` says so.
    let function = with(&[on]).local("timers", false);
    let (ring, hand) = Ring::timed("2026-01-05T06:00:00Z", function, keeping(&got, None));
    hand.set("2026-01-05T06:00:30Z");
    assert!(ring.invoke("{}").body.starts_with(b"done"));
    assert_eq!(ring.count(|kind| matches!(kind, Kind::Timer(_))), 0);
}

/// The qualifier goes with the call: an alias that does not exist is no call of `LATEST`.
#[test]
fn a_timer_calls_its_qualifier() {
    let got = Got::default();
    let live = timer("live", "@every 1m", &json!({"qualifier": "live"}));
    let (ring, hand) = Ring::timed("2026-01-05T06:00:00Z", with(&[live]), keeping(&got, None));
    hand.set("2026-01-05T06:01:00Z");
    let ended = ring.first(
        "the end of the call",
        |kind| matches!(kind, Kind::AsyncCall(news) if matches!(news.state, "Failed" | "Invalid")),
    );
    let Kind::AsyncCall(news) = &ended.kind else { unreachable!("an asynchronous call") };
    assert!(news.error.as_deref().is_some_and(|error| error.contains("live")), "{news:?}");
    assert_eq!(times(&got), [""; 0]);
}
