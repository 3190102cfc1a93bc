//! New code in place of the former code, while calls are in flight.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use fc_local::Kind;
use fc_local::runner::Order;
use serde_json::json;
use testkit::h1::{exchange, request};
use testkit::manifest::Function;
use testkit::{eventually, until};
use tokio::sync::Notify;

use crate::function::{serve, serve_on, usual};
use crate::gate::Gate;
use crate::harness::{Ring, f};

/// A call that has no reply so long waits. A refusal comes at once.
const QUIET: Duration = Duration::from_millis(500);

fn named(name: &str) -> Function {
    f().var("NAME", name)
}

fn is_swapped(kind: &Kind) -> bool {
    matches!(kind, Kind::Swapped)
}

#[test]
fn calls_under_way_end_with_the_former_code_and_new_ones_get_the_new() {
    let gate = Gate::shut();
    let ring = Ring::serving(named("one"), usual(&gate));
    assert_eq!(ring.get("/").text(), "one");
    std::thread::scope(|scope| {
        let call = ring.get_beside(scope, "/wait");
        gate.holds(1);
        assert!(ring.redeploy(named("two")));
        ring.first("a swap", is_swapped);
        let reply = ring.get("/");
        assert_eq!(reply.text(), "two");
        assert!(!ring.record(&reply.id()).is_cold, "the new code was started before it took over");
        let [former, new] = &ring.programs()[..] else { panic!("{:?}", ring.programs()) };
        assert_eq!(former.orders(), [], "it has a call");
        gate.open_for(1);
        let reply = call.join().unwrap();
        assert_eq!((reply.status, reply.text().as_str()), (200, "passed"));
        eventually("the former code ends", || former.orders().contains(&Order::Terminate));
        assert_eq!(new.orders(), []);
    });
    let stopped = ring.first("a stop", |kind| matches!(kind, Kind::InstanceStopped));
    assert_eq!(stopped.instance.as_deref(), Some(&*ring.instances()[0]));
    assert_eq!(ring.count(|kind| matches!(kind, Kind::CallFailed(_))), 0);
}

#[test]
fn no_call_fails_while_code_is_swapped() {
    let ring = Ring::serving(named("0"), usual(&Gate::shut()));
    let is_over = AtomicBool::new(false);
    let calls: usize = std::thread::scope(|scope| {
        let callers: Vec<_> = (0..3)
            .map(|_| {
                scope.spawn(|| {
                    let mut latest = 0;
                    let mut calls = 0;
                    while !is_over.load(Ordering::Relaxed) {
                        let reply = ring.get("/");
                        assert_eq!(reply.status, 200, "{reply:?}");
                        let number: usize = reply.text().parse().unwrap();
                        assert!(number >= latest, "{number} after {latest}");
                        latest = number;
                        calls += 1;
                    }
                    calls
                })
            })
            .collect();
        for number in 1..=10 {
            assert!(ring.redeploy(named(&number.to_string())));
        }
        is_over.store(true, Ordering::Relaxed);
        callers.into_iter().map(|caller| caller.join().unwrap()).sum()
    });
    assert_eq!(ring.get("/").text(), "10");
    assert_eq!(ring.count(is_swapped), 10);
    let answered = |kind: &Kind| matches!(kind, Kind::Request(record) if record.status == 200);
    eventually("each call has its record", || ring.count(answered) == calls + 1);
}

#[test]
fn new_code_that_does_not_start_leaves_the_former_in_place() {
    let gate = Gate::shut();
    let handler = usual(&gate);
    let ring = Ring::running(named("good"), move |program| {
        let handler = handler.clone();
        async move { if program.name() == "bad" { 5 } else { serve(program, handler).await } }
    });
    assert_eq!(ring.get("/").text(), "good");
    assert!(!ring.redeploy(named("bad")));
    ring.first(
        "a refusal",
        |kind| matches!(kind, Kind::SwapRefused(cause) if cause.failure == "exited_at_start"),
    );
    assert_eq!(ring.get("/").text(), "good");
    assert_eq!((ring.count(is_swapped), ring.programs().len()), (0, 2));
}

#[test]
fn code_that_nobody_has_called_is_swapped_without_a_start() {
    let ring = Ring::serving(named("one"), usual(&Gate::shut()));
    assert!(ring.redeploy(named("two")));
    assert_eq!((ring.count(is_swapped), ring.programs().len()), (1, 0));
    assert_eq!(ring.get("/").text(), "two");
}

#[test]
fn calls_wait_for_the_port_that_both_generations_keep_to() {
    let port = testkit::process::free_port();
    let gate = Gate::shut();
    let handler = usual(&gate);
    // With the cap, no call waits for the former code's instance.
    let alone = |name: &str| named(name).runtime("port", port).local("maxInstances", 1);
    let ring = Ring::running(alone("one"), move |program| serve_on(port, program, handler.clone()));
    assert_eq!(ring.get("/").text(), "one");
    std::thread::scope(|scope| {
        let busy = ring.get_beside(scope, "/wait");
        gate.holds(1);
        let swap = scope.spawn(|| ring.redeploy(alone("two")));
        // While the former code is the current one its only instance is busy. From then on calls are the new code's, which has to
        // wait.
        let mut waiting = until("a call that waits", || {
            let mut call = ring.begin("/");
            if !call.comes_within(QUIET) {
                return Some(call);
            }
            call.answer("GET").assert_status(429);
            None
        });
        assert_eq!(ring.count(is_swapped), 0);
        gate.open_for(1);
        assert_eq!(busy.join().unwrap().text(), "passed");
        assert!(swap.join().unwrap());
        assert_eq!(waiting.answer("GET").text(), "two");
    });
    assert_eq!(ring.count(|kind| matches!(kind, Kind::DrainExceeded { .. })), 0);
}

/// The new code starts while somebody disables the function: it stays disabled, and nothing is kept.
#[test]
fn a_swap_takes_no_disabled_function_into_use() {
    let kept = |name: &str| named(name).prop("scalingConfig", json!({"minInstances": 1}));
    let (may_start, starts) = (Arc::new(Notify::new()), Arc::new(AtomicUsize::new(0)));
    let (held, counted) = (Arc::clone(&may_start), Arc::clone(&starts));
    let ring = Ring::running(kept("one"), move |program| {
        let (held, nth) = (Arc::clone(&held), counted.fetch_add(1, Ordering::Relaxed));
        async move {
            if nth == 1 {
                held.notified().await;
            }
            serve(program, usual(&Gate::shut())).await
        }
    });
    let api = |operation: &str| {
        let path = format!("/2023-03-30/functions/f/invoke/{operation}");
        exchange(ring.main_port(), &request("POST", &path, "", b"")).assert_ok();
    };
    assert_eq!(ring.get("/").text(), "one");
    std::thread::scope(|scope| {
        let swap = scope.spawn(|| ring.redeploy(kept("two")));
        eventually("the new code starts", || starts.load(Ordering::Relaxed) == 2);
        api("disable");
        may_start.notify_one();
        assert!(swap.join().unwrap());
    });
    ring.get("/").assert_platform_error(403, "FcCommonError", "AccessDenied", "disabled");
    let stopped = |kind: &Kind| matches!(kind, Kind::InstanceStopped);
    eventually("both instances are stopped", || ring.count(stopped) == 2);
    assert_eq!(starts.load(Ordering::Relaxed), 2, "nothing is kept");
    api("enable");
    assert_eq!(ring.get("/").text(), "two");
}
