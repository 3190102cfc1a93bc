//! The end of the platform: calls under way, starts under way, hooks.

use std::net::TcpStream;
use std::time::Duration;

use fc_local::runner::Order;
use fc_local::{HookFault, Kind};
use serde_json::json;
use testkit::{PATIENCE, eventually};

use crate::fake::Program;
use crate::function::{Asked, text, usual};
use crate::gate::Gate;
use crate::harness::{Ring, f};

/// Far beyond any expected wait: only a mistake waits so long.
const LONG: Duration = PATIENCE.saturating_mul(10);

#[test]
fn a_stop_lets_calls_end_and_takes_no_new_ones() {
    let gate = Gate::shut();
    let ring = Ring::serving(f(), usual(&gate));
    let mut call = ring.begin("/wait");
    let id = gate.holds(1);
    let (port, programs) = (ring.port(), ring.programs());
    let seen = std::thread::scope(|scope| {
        scope.spawn(|| {
            eventually("no new connection is taken", || TcpStream::connect(("127.0.0.1", port)).is_err());
            assert_eq!(programs[0].orders(), []);
            gate.open_for(1);
        });
        ring.stop(LONG)
    });
    assert_eq!(call.answer("GET").text(), "passed");
    assert_eq!(seen.record(&id).status, 200);
    assert_eq!(programs[0].orders()[..2], [Order::Thaw, Order::Terminate]);
    assert_eq!(seen.count(|kind| matches!(kind, Kind::InstanceStopped)), 1);
    assert_eq!(seen.count(|kind| matches!(kind, Kind::CallsEnded | Kind::CallFailed(_))), 0);
}

#[test]
fn calls_beyond_the_drain_time_are_ended() {
    let gate = Gate::shut();
    let ring = Ring::serving(f(), usual(&gate));
    let _call = ring.begin("/wait");
    let id = gate.holds(1);
    let programs = ring.programs();
    let seen = ring.stop(Duration::from_millis(100));
    seen.first("the end of calls", |kind| matches!(kind, Kind::CallsEnded));
    assert_eq!(seen.failure(&id), "process_exited");
    assert_eq!(seen.record(&id).status, 502);
    assert!(programs[0].orders().contains(&Order::Kill));
    assert_eq!(gate.waiting(), [""; 0]);
}

#[test]
fn a_stop_ends_a_start_that_nobody_waits_for() {
    let ring = Ring::running(f().local("startTimeout", 600), |_| std::future::pending());
    ring.warm();
    eventually("a start", || ring.programs().len() == 1);
    let programs = ring.programs();
    let seen = ring.stop(LONG);
    assert!(programs[0].orders().contains(&Order::Kill));
    assert_eq!(seen.count(|kind| matches!(kind, Kind::InstanceStartFailed(_))), 0);
}

#[test]
fn a_call_that_waits_for_a_start_is_turned_away_with_the_drain_time() {
    let ring = Ring::running(f().local("startTimeout", 600), |_: Program| std::future::pending());
    let mut call = ring.begin("/");
    eventually("a start", || ring.programs().len() == 1);
    let seen = ring.stop(Duration::from_millis(100));
    let reply = call.answer("GET");
    reply.assert_platform_error(503, "FcCommonError", "ServiceUnavailable", "'f' is being stopped");
    assert_eq!(seen.failure(&reply.id()), "service_unavailable");
    assert_eq!(seen.record(&reply.id()).status, 503);
}

#[test]
fn a_stop_waits_for_a_hook_within_its_time() {
    for (timeout, drain, expected) in
        [(1, LONG, "no_answer"), (90, Duration::from_millis(100), "instance_ended")]
    {
        let hooked = f().hook("preStop", json!({"handler": "true", "timeout": timeout}));
        let ring = Ring::serving(hooked, |asked: Asked| async move {
            match asked.path() {
                "/pre-stop" => std::future::pending().await,
                _ => text(""),
            }
        });
        ring.get("/").assert_ok();
        let seen = ring.stop(drain);
        let event = seen.first("a failed hook", |kind| matches!(kind, Kind::PreStopFailed { .. }));
        let Kind::PreStopFailed { is_command: false, fault } = &event.kind else { panic!("{event:?}") };
        // The broken connection of a killed program may be noticed before the program's end.
        let is_broken = expected == "instance_ended" && matches!(fault, HookFault::Broken(_));
        assert!(fault.name() == expected || is_broken, "{fault:?}");
        // The drain time is over for the second one: it is killed with its hook.
        let is_killed = expected == "instance_ended";
        let ends = [
            seen.count(|kind| matches!(kind, Kind::InstanceStopped)),
            seen.count(|kind| matches!(kind, Kind::InstanceKilled { waited: None, .. })),
        ];
        assert_eq!(ends, if is_killed { [0, 1] } else { [1, 0] });
    }
}
