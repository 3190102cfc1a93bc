//! The pool: how many instances, which one is called, when they end.

use serde_json::json;
use testkit::events::{kind, printed};
use testkit::eventually;
use testkit::process::is_running;

use crate::harness::{Local, f};

#[test]
fn a_crash_fails_the_call_and_the_next_one_gets_a_new_instance() {
    let local = Local::scripted(f());
    let first = local.get("/pid").text();
    let reply = local.get("/exit?code=7");
    reply.assert_function_error(502, "Process exited unexpectedly before completing request (duration: ");
    assert!(reply.text().contains("ms, maxMemoryUsage: "), "{reply:?}");
    local.wait_for(kind("call_failed").request(&reply.id()).field("failure", "process_exited"));
    local.wait_for(kind("instance_ended").field("exitCode", 7));
    assert_ne!(local.get("/pid").text(), first);
}

#[test]
fn a_call_ends_with_the_functions_time() {
    let local = Local::scripted(f().timeout(1));
    let first = local.get("/pid").text();
    let reply = local.get("/sleep?ms=60000");
    reply.assert_function_error(502, "Function time out after 1 seconds (duration: ");
    assert_ne!(local.get("/pid").text(), first, "with one call at a time the instance is replaced");
    local.invoke("", b"x").assert_ok();
}

#[test]
fn a_frozen_instance_stands_still_between_calls() {
    let local = Local::scripted(f().local("freeze", true));
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    let state = || {
        std::fs::read_to_string(format!("/proc/{pid}/stat"))
            .unwrap()
            .rsplit_once(") ")
            .unwrap()
            .1
            .chars()
            .next()
    };
    eventually("it is frozen", || state() == Some('T'));
    assert_eq!(local.get("/pid").text(), pid.to_string());
    eventually("it is frozen again", || state() == Some('T'));
    let mut local = local;
    assert_eq!(local.interrupt(), Some(0));
    assert!(!is_running(pid));
}

#[test]
fn a_program_that_ignores_sigterm_is_killed() {
    // What a shell ignores its successor ignores too.
    let command = json!(["/bin/sh", "-c", "trap '' TERM; exec /code/bootstrap"]);
    let deaf = f().runtime("command", command).hook("preStop", json!({"handler": "true", "timeout": 1}));
    let mut local = Local::scripted(deaf.local("stopTimeout", 0.2).local("freeze", true));
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let ignored = status.lines().find_map(|line| line.strip_prefix("SigIgn:")).unwrap().trim();
    assert_ne!(u64::from_str_radix(ignored, 16).unwrap() & 0x4000, 0, "{ignored}");
    assert_eq!(local.interrupt(), Some(0));
    assert!(!is_running(pid));
    local.wait_for(printed("pre-stop"));
}

#[test]
fn a_schedule_that_keeps_instances_is_named() {
    let policy = json!({"name": "each-second", "scheduleExpression": "cron(* * * * * *)", "target": 1});
    let local = Local::scripted(f().prop("scalingConfig", json!({"scheduledPolicies": [policy]})));
    local.wait_for(kind("instances_kept").field("count", 1).field("schedule", "each-second"));
    local.wait_for(kind("instance_started"));
}
