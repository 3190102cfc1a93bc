//! Cold starts and their failures.

use std::net::Ipv4Addr;
use std::sync::{Arc, Mutex};
use std::time::Duration;

use fc_local::Kind;
use fc_local::runner::Order;
use serde_json::json;
use testkit::eventually;

use crate::fake::Program;
use crate::function::{Asked, reply, serve, serve_on, text, usual};
use crate::gate::Gate;
use crate::harness::{Ring, f};

/// How long nothing comes to a call that waits.
const QUIET: Duration = Duration::from_millis(300);

#[test]
fn the_first_call_starts_an_instance_and_the_next_ones_use_it() {
    let ring = Ring::serving(f(), |asked: Asked| async move { text(asked.connection.to_string()) });
    assert_eq!(ring.programs().len(), 0, "nothing is started before it is asked for");
    let replies: Vec<_> = (0..3).map(|_| ring.get("/")).collect();
    // Connection 1 was the platform's probe of the port.
    assert_eq!(replies.iter().map(testkit::Answer::text).collect::<Vec<_>>(), ["2", "2", "2"]);
    let cold: Vec<bool> = replies.iter().map(|reply| ring.record(&reply.id()).is_cold).collect();
    assert_eq!(cold, [true, false, false]);
    let started = ring.first("a start", |kind| matches!(kind, Kind::InstanceStarted { .. }));
    let program = ring.programs().remove(0);
    assert!(matches!(started.kind, Kind::InstanceStarted { process_id, .. } if process_id == program.pid()));
    assert_eq!(started.instance.as_deref(), Some(program.variable("FC_INSTANCE_ID")));
    assert_eq!(ring.instances().len(), 1);
    assert!(program.command()[0].ends_with("/bootstrap"), "{:?}", program.command());
}

/// The record of the only request so far, and the instance in it.
#[track_caller]
fn cold_and_instance(ring: &Ring) -> (bool, Option<String>) {
    let event = ring.first("a record", |kind| matches!(kind, Kind::Request(_)));
    let Kind::Request(record) = &event.kind else { panic!("{event:?}") };
    (record.is_cold, event.instance.as_deref().map(str::to_owned))
}

#[test]
fn a_call_that_waited_for_a_start_is_cold_however_it_ends() {
    // The program exits in the call.
    let ring = Ring::serving(f(), usual(&Gate::shut()));
    ring.get("/exit").assert_status(502);
    assert_eq!(cold_and_instance(&ring), (true, ring.instances().pop()));
    // The client leaves.
    let gate = Gate::shut();
    let ring = Ring::serving(f(), usual(&gate));
    let call = ring.begin("/wait");
    gate.holds(1);
    drop(call);
    assert_eq!(cold_and_instance(&ring), (true, ring.instances().first().cloned()));
    // The client leaves before the instance has started.
    let ring = Ring::running(f().local("startTimeout", 600), |_: Program| std::future::pending());
    let call = ring.begin("/");
    eventually("a start", || ring.programs().len() == 1);
    drop(call);
    assert_eq!(cold_and_instance(&ring), (true, None));
    // The start fails.
    let ring = Ring::running(f(), |program: Program| async move { program.exits(1).await });
    ring.get("/").assert_status(412);
    assert_eq!(cold_and_instance(&ring), (true, None));
}

#[test]
fn a_call_without_a_start_of_its_own_is_not_cold_however_it_ends() {
    let gate = Gate::shut();
    let ring = Ring::serving(f().local("maxInstances", 1), usual(&gate));
    ring.warm();
    ring.first("a start", |kind| matches!(kind, Kind::InstanceStarted { .. }));
    let call = ring.begin("/wait");
    let id = gate.holds(1);
    let refused = ring.get("/");
    refused.assert_status(429);
    assert!(!ring.record(&refused.id()).is_cold, "there was no room for a start");
    drop(call);
    assert!(!ring.record(&id).is_cold);
}

#[test]
fn an_instance_that_is_warmed_makes_no_call_wait() {
    let ring = Ring::serving(f(), usual(&Gate::shut()));
    ring.warm();
    ring.first("a start", |kind| matches!(kind, Kind::InstanceStarted { .. }));
    let reply = ring.get("/");
    assert!(!ring.record(&reply.id()).is_cold);
    assert_eq!(ring.programs().len(), 1);
}

#[test]
fn a_call_waits_for_a_program_that_is_slow_to_listen() {
    let gate = Arc::new(tokio::sync::Notify::new());
    let open = Arc::clone(&gate);
    let ring = Ring::running(f(), move |program| {
        let gate = Arc::clone(&gate);
        async move {
            gate.notified().await;
            serve(program, |_| async { text("at last") }).await
        }
    });
    std::thread::scope(|scope| {
        let call = ring.get_beside(scope, "/");
        eventually("a start", || ring.programs().len() == 1);
        open.notify_one();
        assert_eq!(call.join().unwrap().text(), "at last");
    });
}

#[test]
fn a_program_that_never_listens_is_ended_with_the_time_of_its_start() {
    let ring = Ring::running(f().local("startTimeout", 0.2), |program: Program| async move {
        program.prints("not listening").await;
        std::future::pending().await
    });
    let reply = ring.get("/");
    let text = "Function instance health check failed on port 9000 in 0.2 seconds.\nLogs:\nnot listening";
    reply.assert_platform_error(412, "FcCommonError", "FunctionNotStarted", text);
    assert_eq!(ring.failure(&reply.id()), "not_started");
    ring.first(
        "a failed start",
        |kind| matches!(kind, Kind::InstanceStartFailed(cause) if cause.failure == "not_started"),
    );
    assert!(ring.programs()[0].orders().contains(&Order::Kill));
    // An asynchronous event is not sent again: the program would not listen then either.
    let invocation = ring.invoke("x");
    assert!(invocation.is_error && !invocation.is_retryable, "{invocation:?}");
}

#[test]
fn a_program_that_ends_during_its_start_is_told_with_its_output() {
    let ring = Ring::running(f(), |program: Program| async move {
        program.complains("no database").await;
        3
    });
    let reply = ring.get("/");
    reply.assert_platform_error(412, "FcCommonError", "CAExited", "(code 3, ");
    reply.assert_platform_error(412, "FcCommonError", "CAExited", "Logs:\nno database");
    assert_eq!(ring.failure(&reply.id()), "exited_at_start");
    ring.first("the line", |kind| matches!(kind, Kind::Stderr(text) if text == "no database"));
    // The instance never took calls, so no end of an instance is reported.
    assert_eq!(ring.count(|kind| matches!(kind, Kind::InstanceEnded(_) | Kind::InstanceStarted { .. })), 0);
}

#[test]
fn a_program_that_keeps_to_its_own_port_is_the_only_one() {
    let port = testkit::process::free_port();
    let gate = Gate::shut();
    let handler = usual(&gate);
    let ring = Ring::running(f().concurrency(1).runtime("port", port), move |program| {
        serve_on(port, program, handler.clone())
    });
    std::thread::scope(|scope| {
        let call = ring.get_beside(scope, "/wait");
        gate.holds(1);
        ring.first(
            "a port of its own",
            |kind| matches!(kind, Kind::PortIgnored { port: own, .. } if *own == port),
        );
        // Others wait for it.
        let mut others: Vec<_> = (0..20).map(|_| ring.begin("/")).collect();
        assert!(!others[0].comes_within(QUIET));
        gate.open_for(1);
        assert_eq!(call.join().unwrap().status, 200);
        for other in &mut others {
            assert_eq!(other.answer("GET").status, 200);
        }
    });
    assert_eq!(ring.programs().len(), 1);
    assert!(
        ring.all().iter().all(|event| !matches!(&event.kind, Kind::Request(record) if record.status == 429))
    );
}

#[test]
fn a_call_waits_for_the_only_instance_for_as_long_as_it_may_last_itself() {
    let port = testkit::process::free_port();
    let ring = Ring::running(f().timeout(1).runtime("port", port), move |program| {
        serve_on(port, program, |_| async {
            tokio::time::sleep(Duration::from_millis(600)).await;
            text("")
        })
    });
    let mut calls: Vec<_> = (0..6).map(|_| ring.begin("/")).collect();
    let replies: Vec<_> = calls.iter_mut().map(|call| call.answer("GET")).collect();
    let refused: Vec<_> = replies.iter().filter(|reply| reply.status != 200).collect();
    assert!(!refused.is_empty() && refused.len() < replies.len(), "{replies:?}");
    for reply in refused {
        let text = "limit of instances (1), and the calls before this one took longer than 1 s";
        reply.assert_platform_error(429, "FcCommonError", "ResourceExhausted", text);
    }
}

#[test]
fn a_port_that_a_stranger_has_taken_gets_no_calls() {
    let strangers = Arc::new(Mutex::new(Vec::new()));
    let kept = Arc::clone(&strangers);
    let ring = Ring::running(f(), move |program: Program| {
        let kept = Arc::clone(&kept);
        async move {
            // The port is open, but not by the program.
            let listener =
                std::net::TcpListener::bind((Ipv4Addr::UNSPECIFIED, program.given_port())).unwrap();
            kept.lock().unwrap().push(listener);
            std::future::pending().await
        }
    });
    let reply = ring.get("/");
    reply.assert_platform_error(503, "FcCommonError", "ServiceUnavailable", "another program has taken port");
    assert_eq!(ring.failure(&reply.id()), "service_unavailable");
    assert_eq!(strangers.lock().unwrap().len(), 1);
}

#[test]
fn the_initializer_runs_once_and_before_the_first_call() {
    let seen = Arc::new(Mutex::new(Vec::new()));
    let log = Arc::clone(&seen);
    let hooked = f().hook("initializer", json!({"handler": "true", "timeout": 5}));
    let ring = Ring::serving(hooked, move |asked: Asked| {
        log.lock().unwrap().push(format!("{} {}", asked.request.method(), asked.path()));
        async { text("") }
    });
    ring.get("/first").assert_ok();
    ring.get("/second").assert_ok();
    assert_eq!(*seen.lock().unwrap(), ["POST /initialize", "GET /first", "GET /second"]);
}

#[test]
fn a_failing_initializer_or_first_check_fails_the_start() {
    let hooked = f().hook("initializer", json!({"handler": "true", "timeout": 5}));
    let ring = Ring::serving(hooked, |_| async { reply(500, "") });
    let answer = ring.get("/");
    answer.assert_function_error(502, "Function initializer failed: POST /initialize answered 500");
    assert_eq!(ring.failure(&answer.id()), "initializer_failed");
    ring.post_event(b"x").assert_function_error(200, "Function initializer failed");
    let invocation = ring.invoke("x");
    assert!(invocation.is_error && invocation.is_retryable, "{invocation:?}");

    let ring = Ring::serving(f().runtime("healthCheckConfig", json!({"httpGetUrl": "/live"})), |_| async {
        reply(404, "")
    });
    let answer = ring.get("/");
    answer.assert_platform_error(412, "FcCommonError", "FunctionNotStarted", "GET /live: answered 404");
    assert_eq!(ring.failure(&answer.id()), "unhealthy");
    eventually("its end", || ring.programs()[0].orders().contains(&Order::Kill));
}

#[test]
fn a_hook_can_be_a_command_beside_the_program() {
    let command = json!({"command": ["warm-up", "/code/data"], "timeout": 5});
    let ring = Ring::running(f().hook("initializer", command), |program: Program| async move {
        if program.command()[0] == "warm-up" {
            program.prints("warmed up").await;
            return 0;
        }
        serve(program, |_| async { text("served") }).await
    });
    assert_eq!(ring.get("/").text(), "served");
    ring.first("the command's line", |kind| matches!(kind, Kind::Stdout(text) if text == "warmed up"));
    let [program, command] = &ring.programs()[..] else { panic!("{:?}", ring.programs()) };
    assert_eq!(command.variable("FC_INSTANCE_ID"), program.variable("FC_INSTANCE_ID"));
    assert_eq!(command.given_port(), program.given_port());
    assert!(command.command()[1].ends_with("/data") && command.command()[1] != "/code/data");
}

#[test]
fn a_hooks_command_that_fails_fails_the_start() {
    let command = json!({"command": ["check"], "timeout": 5});
    let ring = Ring::running(f().hook("initializer", command), |program: Program| async move {
        if program.command()[0] == "check" {
            return 1;
        }
        serve(program, |_| async { text("served") }).await
    });
    ring.get("/").assert_function_error(502, "its command ended with code 1");
}
