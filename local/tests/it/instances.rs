//! The pool: how many instances, which one is called, when they end.

use std::collections::HashMap;

use serde_json::json;
use testkit::events::{Matcher, kind, printed};
use testkit::eventually;
use testkit::h1::{Conn, request};
use testkit::process::{is_running, signal};

use crate::harness::{Local, f};

/// Has `count` more calls keep the function busy until they are dropped.
fn keep_busy(local: &Local, count: usize) -> Vec<Conn> {
    let before = local.count(asleep());
    let calls = (0..count).map(|_| {
        let mut stream = Conn::open(local.function_port("f"));
        stream.send(&request("GET", "/sleep?ms=60000", "", b""));
        stream
    });
    let calls = calls.collect();
    local.wait_for_nth(before + count, asleep());
    calls
}

fn asleep() -> Matcher {
    printed("asleep ")
}

/// How many calls each instance works on.
fn busy(local: &Local) -> Vec<usize> {
    let mut counts: HashMap<String, usize> = HashMap::new();
    for event in local.matching(asleep()) {
        *counts.entry(event["instance"].to_string()).or_default() += 1;
    }
    let mut counts: Vec<usize> = counts.into_values().collect();
    counts.sort_unstable();
    counts
}

#[test]
fn an_instance_takes_as_many_calls_as_it_may_and_no_more() {
    let local = Local::scripted(f().concurrency(4).timeout(60));
    let first = keep_busy(&local, 4);
    assert_eq!(busy(&local), [4]);
    let second = keep_busy(&local, 5);
    assert_eq!(busy(&local), [1, 4, 4]);
    drop((first, second));
}

#[test]
fn beyond_the_cap_calls_are_refused() {
    let local = Local::scripted(
        f().concurrency(2).timeout(60).prop("concurrencyConfig", json!({"reservedConcurrency": 2})),
    );
    let calls = keep_busy(&local, 4);
    for _ in 0..3 {
        let reply = local.get("/");
        reply.assert_platform_error(429, "FcCommonError", "ResourceExhausted", "limit of instances (2)");
    }
    drop(calls);
    eventually("there is room again", || local.get("/").status == 200);
    assert_eq!(busy(&local), [2, 2]);
}

#[test]
fn an_idle_instance_is_stopped_with_its_hook() {
    let hooked = f().hook("preStop", json!({"handler": "true", "timeout": 5}));
    let local = Local::scripted(hooked.local("idleTimeout", 0.3));
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    local.wait_for(printed("pre-stop"));
    eventually("the instance ends", || !is_running(pid));
    assert_eq!(local.get("/").status, 200, "the next call starts another one");
}

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
fn a_reply_that_breaks_off_is_cut_for_the_client_too() {
    let local = Local::scripted(f());
    let reply = local.get("/cut");
    assert_eq!((reply.status, reply.text().as_str(), reply.is_cut), (200, "cut!", true));
    local.wait_for(kind("call_failed").request(&reply.id()).field("failure", "process_exited"));
}

#[test]
fn a_call_ends_with_the_functions_time() {
    let local = Local::scripted(f().timeout(1));
    let first = local.get("/pid").text();
    let reply = local.get("/sleep?ms=60000");
    reply.assert_function_error(502, "Function time out after 1 seconds (duration: ");
    assert_ne!(local.get("/pid").text(), first, "with one call at a time the instance is replaced");
    local.invoke("", b"x").assert_ok();

    // A stream is cut, and an instance that takes several calls stays.
    let local = Local::scripted(f().timeout(1).concurrency(5));
    let first = local.get("/pid").text();
    let reply = local.get("/chunks?n=1000&ms=100");
    assert_eq!((reply.status, reply.is_cut), (200, true));
    local.wait_for(kind("call_failed").request(&reply.id()).field("failure", "timed_out"));
    assert_eq!(local.get("/pid").text(), first);
}

#[test]
fn an_unhealthy_instance_gets_no_calls_until_it_is_healthy_again() {
    let check =
        json!({"httpGetUrl": "/healthz", "periodSeconds": 1, "failureThreshold": 2, "successThreshold": 1});
    let checked = f().concurrency(5).runtime("healthCheckConfig", check);
    let local = Local::scripted(checked.clone());
    let first = local.get("/pid").text();
    assert_eq!(local.get("/set-health?ok=0").status, 200);
    local.wait_for(kind("instance_unhealthy").field("path", "/healthz").field("fault", "status"));
    assert_ne!(local.get("/pid").text(), first);

    let local = Local::scripted(checked.local("maxInstances", 1));
    let first = local.get("/pid").text();
    assert_eq!(local.get("/set-health?ok=0").status, 200);
    local.wait_for(kind("instance_unhealthy").field("path", "/healthz").field("fault", "status"));
    local.get("/pid").assert_platform_error(412, "FcCommonError", "FunctionNotStarted", "unhealthy");
    assert_ne!(local.get("/pid").text(), first, "the next call uses a new instance");
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
fn a_killed_instance_fails_its_own_calls_only() {
    let local = Local::scripted(f().concurrency(2).timeout(60));
    std::thread::scope(|scope| {
        let calls: Vec<_> = (0..4).map(|_| scope.spawn(|| local.get("/sleep?ms=3000"))).collect();
        local.wait_for_nth(4, asleep());
        let started = local.matching(printed("pid "));
        let started: Vec<u32> = started.iter().map(|line| line.number_after("pid ")).collect();
        assert_eq!(started.len(), 2);
        signal(started[0], "KILL");
        let replies: Vec<_> = calls.into_iter().map(|call| call.join().unwrap()).collect();
        let (ok, failed): (Vec<_>, Vec<_>) = replies.into_iter().partition(|reply| reply.status == 200);
        assert_eq!((ok.len(), failed.len()), (2, 2));
        for reply in failed {
            reply.assert_function_error(502, "Process exited unexpectedly before completing request");
        }
    });
    assert_eq!(local.get("/").status, 200);
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
