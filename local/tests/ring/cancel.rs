//! Clients that leave: status 499.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use fc_local::Kind;
use fc_local::runner::Order;
use serde_json::json;
use testkit::eventually;
use testkit::h1::{Conn, request};

use crate::fake::Program;
use crate::function::{Asked, chunks, text, usual};
use crate::gate::Gate;
use crate::harness::{Ring, f};

/// The call is reported as cancelled, its record has 499, and nothing has failed.
#[track_caller]
fn assert_cancelled(ring: &Ring, id: &str) {
    ring.first("a cancelled call", |kind| matches!(kind, Kind::CallCancelled { .. }));
    let all = ring.all();
    let own = all.iter().filter(|event| event.request.as_deref() == Some(id));
    assert_eq!(own.filter(|event| matches!(event.kind, Kind::CallCancelled { .. })).count(), 1);
    assert_eq!(ring.record(id).status, 499);
    assert_eq!(ring.count(|kind| matches!(kind, Kind::CallFailed(_))), 0);
}

#[test]
fn with_one_call_at_a_time_the_instance_is_replaced() {
    let gate = Gate::shut();
    let ring = Ring::serving(f(), usual(&gate));
    let pid = ring.get("/pid").text();
    let call = ring.begin("/wait");
    let id = gate.holds(1);
    drop(call);
    assert_cancelled(&ring, &id);
    // The cancel starts the replacement, not the next call.
    ring.nth(2, "a start", |kind| matches!(kind, Kind::InstanceStarted { .. }));
    eventually("the former one is stopped", || ring.programs()[0].orders().contains(&Order::Terminate));
    let reply = ring.get("/pid");
    assert_ne!(reply.text(), pid);
    assert!(!ring.record(&reply.id()).is_cold);
}

#[test]
fn with_several_calls_at_a_time_or_a_health_check_it_stays() {
    for function in [f().concurrency(2), f().runtime("healthCheckConfig", json!({"httpGetUrl": "/healthz"}))]
    {
        let gate = Gate::shut();
        let ring = Ring::serving(function, usual(&gate));
        let pid = ring.get("/pid").text();
        let call = ring.begin("/wait");
        let id = gate.holds(1);
        drop(call);
        assert_cancelled(&ring, &id);
        // The function saw its connection close.
        gate.holds(0);
        assert_eq!(ring.get("/pid").text(), pid);
        assert_eq!(ring.instances().len(), 1);
    }
}

/// An unread byte of the next request keeps hyper from noticing the end of the connection.
#[test]
fn a_client_is_missed_during_a_stream_whatever_stands_unread() {
    let senders = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&senders);
    let ring = Ring::serving(f().concurrency(5), move |_: Asked| {
        let (sender, reply) = chunks();
        sender.send(Ok("begun")).unwrap();
        kept.lock().unwrap().push(sender);
        async { reply }
    });
    let stream = request("GET", "/", "", b"");
    for (nth, bytes) in [stream.clone(), stream.repeat(2)].into_iter().enumerate() {
        let mut call = Conn::open(ring.port());
        call.send(&bytes);
        let id = call.answer_head().id();
        assert_eq!(call.chunk().unwrap(), b"begun");
        drop(call);
        ring.nth(nth + 1, "a cancelled call", |kind| matches!(kind, Kind::CallCancelled { .. }));
        assert_cancelled(&ring, &id);
        eventually("the function sees its connection close", || senders.lock().unwrap()[nth].is_closed());
    }
}

#[test]
fn a_client_is_missed_while_an_instance_starts_whichever_way_it_came() {
    for is_of_api in [false, true] {
        let ring = Ring::running(f().local("startTimeout", 600), |_: Program| std::future::pending());
        let call = if is_of_api { ring.begin_event() } else { ring.begin("/") };
        eventually("a start", || ring.programs().len() == 1);
        drop(call);
        let event = ring.first("a cancelled call", |kind| matches!(kind, Kind::CallCancelled { .. }));
        let Kind::CallCancelled { memory_bytes, .. } = event.kind else { panic!("{event:?}") };
        assert_eq!((event.instance.as_deref(), memory_bytes), (None, 0), "it had none yet");
        assert_cancelled(&ring, event.request.as_deref().unwrap());
    }
}

#[test]
fn a_client_that_waits_for_its_answer_is_not_missed() {
    let ring = Ring::serving(f(), |_| async { text("") });
    let mut call = ring.begin("/");
    let reply = call.answer("GET");
    // The client leaves after the complete reply.
    drop(call);
    assert_eq!(ring.record(&reply.id()).status, 200);
    let seen = ring.stop(Duration::ZERO);
    assert_eq!(seen.count(|kind| matches!(kind, Kind::CallCancelled { .. })), 0);
}
