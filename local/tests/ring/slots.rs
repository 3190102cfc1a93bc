//! The number of instances, the choice of an instance for a call, and ends without a crash.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex};

use fc_local::runner::Order;
use fc_local::{HookFault, Kind};
use serde_json::json;
use testkit::eventually;

use crate::function::{Asked, chunks, reply, serve, text, usual};
use crate::gate::Gate;
use crate::harness::{Ring, f};

#[test]
fn an_instance_takes_as_many_calls_as_it_may_and_no_more() {
    let gate = Gate::shut();
    let ring = Ring::serving(f().concurrency(4), usual(&gate));
    let first: Vec<_> = (0..4).map(|_| ring.begin("/wait")).collect();
    gate.holds(4);
    assert_eq!(gate.crowds(), [4]);
    let second: Vec<_> = (0..5).map(|_| ring.begin("/wait")).collect();
    gate.holds(9);
    assert_eq!(gate.crowds(), [1, 4, 4]);
    gate.open_for(9);
    for mut conn in first.into_iter().chain(second) {
        assert_eq!(conn.answer("GET").text(), "passed");
    }
    // The instances of the peak serve the next calls.
    let third: Vec<_> = (0..12).map(|_| ring.begin("/wait")).collect();
    gate.holds(12);
    assert_eq!((gate.crowds(), ring.instances().len()), (vec![4, 4, 4], 3));
    drop(third);
}

#[test]
fn beyond_the_cap_calls_are_refused() {
    let gate = Gate::shut();
    let capped = f().concurrency(2).prop("concurrencyConfig", json!({"reservedConcurrency": 2}));
    let ring = Ring::serving(capped, usual(&gate));
    let mut calls: Vec<_> = (0..4).map(|_| ring.begin("/wait")).collect();
    gate.holds(4);
    for _ in 0..3 {
        let reply = ring.get("/");
        reply.assert_platform_error(429, "FcCommonError", "ResourceExhausted", "limit of instances (2)");
        assert_eq!(ring.failure(&reply.id()), "resource_exhausted");
    }
    // The platform's own refusal, so the event may be sent again.
    let invocation = ring.invoke("x");
    assert!(invocation.is_error && invocation.is_retryable, "{invocation:?}");
    gate.open_for(1);
    gate.holds(3);
    eventually("there is room again", || ring.get("/").status == 200);
    gate.open_for(3);
    for conn in &mut calls {
        assert_eq!(conn.answer("GET").status, 200);
    }
    assert_eq!(ring.instances().len(), 2);
}

#[test]
fn an_idle_instance_is_stopped_with_its_hook() {
    let hooked = f().hook("preStop", json!({"handler": "true", "timeout": 5}));
    let stopping = Arc::new(AtomicBool::new(false));
    let is_stopping = Arc::clone(&stopping);
    let ring = Ring::serving(hooked.local("idleTimeout", 0.1), move |asked: Asked| {
        if asked.path() == "/pre-stop" {
            stopping
                .store(asked.program.orders().iter().all(|order| *order == Order::Thaw), Ordering::Relaxed);
        }
        async move { text(asked.program.pid().to_string()) }
    });
    let pid = ring.get("/").text();
    let stopped = ring.first("a stop", |kind| matches!(kind, Kind::InstanceStopped));
    assert_eq!(stopped.instance.as_deref(), Some(&*ring.instances()[0]));
    assert!(is_stopping.load(Ordering::Relaxed), "the hook comes before SIGTERM");
    assert_eq!(ring.programs()[0].orders()[..2], [Order::Thaw, Order::Terminate]);
    assert_ne!(ring.get("/").text(), pid, "the next call starts another one");
}

#[test]
fn a_program_that_ignores_sigterm_is_killed() {
    let ring = Ring::running(f().local("stopTimeout", 0.1).local("idleTimeout", 0.1), |program| async move {
        program.turns_deaf();
        serve(program, |_| async { text("") }).await
    });
    ring.get("/").assert_ok();
    ring.first("a stop", |kind| matches!(kind, Kind::InstanceStopped));
    assert_eq!(ring.programs()[0].orders()[..3], [Order::Thaw, Order::Terminate, Order::Kill]);
}

#[test]
fn an_instance_is_frozen_between_its_calls() {
    let gate = Gate::shut();
    let ring = Ring::serving(f().concurrency(2).local("freeze", true), usual(&gate));
    let orders = || ring.programs()[0].orders();
    ring.get("/").assert_ok();
    eventually("it is frozen", || orders().last() == Some(&Order::Freeze));
    let (mut one, mut two) = (ring.begin("/wait"), ring.begin("/wait"));
    gate.holds(2);
    gate.open_for(1);
    gate.holds(1);
    assert_eq!(orders().last(), Some(&Order::Thaw), "one of two calls goes on");
    gate.open_for(1);
    assert_eq!((one.answer("GET").status, two.answer("GET").status), (200, 200));
    eventually("it is frozen again", || orders().last() == Some(&Order::Freeze));
    let of_freezing = [Order::Thaw, Order::Freeze, Order::Thaw, Order::Freeze];
    assert!(orders().ends_with(&of_freezing[1..]), "{:?}", orders());
}

#[test]
fn a_call_ends_with_the_functions_time_and_its_instance_is_replaced() {
    let gate = Gate::shut();
    let ring = Ring::serving(f().timeout(1), usual(&gate));
    let first = ring.get("/pid").text();
    let reply = ring.get("/wait");
    reply.assert_function_error(502, "Function time out after 1 seconds (duration: ");
    assert_eq!(ring.failure(&reply.id()), "timed_out");
    assert_eq!(ring.record(&reply.id()).status, 502);
    assert_ne!(ring.get("/pid").text(), first, "the instance may still be busy");
    eventually("the former one is stopped", || ring.programs()[0].orders().contains(&Order::Terminate));
}

#[test]
fn a_stream_ends_with_the_functions_time_and_an_instance_of_many_calls_stays() {
    let senders = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&senders);
    let ring = Ring::serving(f().timeout(1).concurrency(5), move |asked: Asked| {
        let (sender, stream) = chunks();
        sender.send(Ok("begun")).unwrap();
        kept.lock().unwrap().push(sender);
        async move { if asked.path() == "/stream" { stream } else { text("") } }
    });
    let reply = ring.get("/stream");
    assert_eq!((reply.status, reply.text().as_str(), reply.is_cut), (200, "begun", true));
    assert_eq!((ring.failure(&reply.id()), ring.record(&reply.id()).status), ("timed_out", 200));
    eventually("the function sees its connection close", || senders.lock().unwrap()[0].is_closed());
    ring.get("/").assert_ok();
    assert_eq!(ring.instances().len(), 1);
}

/// Programs in `sick` answer health checks with 500. All programs answer calls with their numbers.
fn checked(threshold: u32, cap: u32, sick: &Arc<Mutex<Vec<u32>>>) -> Ring {
    let check = json!({"httpGetUrl": "/live", "periodSeconds": 1, "failureThreshold": threshold, "successThreshold": 1});
    let function = f().concurrency(5).runtime("healthCheckConfig", check).local("maxInstances", cap);
    let sick = Arc::clone(sick);
    Ring::serving(function, move |asked: Asked| {
        let is_sick = asked.path() == "/live" && sick.lock().unwrap().contains(&asked.program.pid());
        async move { if is_sick { reply(500, "") } else { text(asked.program.pid().to_string()) } }
    })
}

fn is_unhealthy(kind: &Kind) -> bool {
    matches!(kind, Kind::InstanceUnhealthy { .. })
}

#[test]
fn an_unhealthy_instance_gets_no_calls_until_it_is_healthy_again() {
    let sick = Arc::new(Mutex::new(Vec::new()));
    let ring = checked(2, 10, &sick);
    let first = ring.get("/").text();
    sick.lock().unwrap().push(first.parse().unwrap());
    let event = ring.first("an unhealthy instance", is_unhealthy);
    let Kind::InstanceUnhealthy { path, fault: HookFault::Status(status) } = &event.kind else {
        panic!("{event:?}")
    };
    assert_eq!((path.as_str(), status.as_u16()), ("/live", 500));
    assert_ne!(ring.get("/").text(), first, "another one is started");
    sick.lock().unwrap().clear();
    let event = ring.first("a healthy instance", |kind| matches!(kind, Kind::InstanceHealthy));
    assert_eq!(event.instance.as_deref(), Some(&*ring.instances()[0]));
    // The oldest free instance gets the call.
    assert_eq!(ring.get("/").text(), first);
}

#[test]
fn at_the_cap_an_unhealthy_instance_makes_room_for_the_next_call() {
    let sick = Arc::new(Mutex::new(Vec::new()));
    let ring = checked(1, 1, &sick);
    let first = ring.get("/").text();
    sick.lock().unwrap().push(first.parse().unwrap());
    ring.first("an unhealthy instance", is_unhealthy);
    let refused = ring.get("/");
    refused.assert_platform_error(412, "FcCommonError", "FunctionNotStarted", "unhealthy");
    assert_eq!(ring.failure(&refused.id()), "unhealthy");
    assert_ne!(ring.get("/").text(), first, "the next call uses a new instance");
}

#[test]
fn an_instance_beyond_its_memory_is_killed() {
    let ring = Ring::serving(f().memory(128).concurrency(2), |asked: Asked| async move {
        if asked.path() == "/grow" {
            asked.program.uses_memory(130);
            std::future::pending::<()>().await;
        }
        asked.program.uses_memory(127);
        text("")
    });
    ring.get("/").assert_ok();
    let reply = ring.get("/grow");
    reply.assert_function_error(502, "maxMemoryUsage: 130.00MB)");
    let event = ring.first("too much memory", |kind| matches!(kind, Kind::InstanceOverMemory { .. }));
    let Kind::InstanceOverMemory { memory_bytes, limit_mib } = event.kind else { panic!("{event:?}") };
    assert_eq!((memory_bytes, limit_mib), (130 * 1024 * 1024, 128));
    assert_eq!(ring.count(|kind| matches!(kind, Kind::InstanceEnded(_))), 0, "it is told once");
    assert!(ring.programs()[0].orders().contains(&Order::Kill));
}
