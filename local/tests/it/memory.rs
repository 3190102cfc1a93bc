//! The memory limit: held by the kernel where a control group can be made, else by sampling.

use std::path::{Path, PathBuf};

use serde_json::json;
use testkit::events::kind;
use testkit::manifest::Function;
use testkit::process::{is_running, signal};
use testkit::{Launch, eventually};

use crate::harness::{Local, f};

fn small() -> Function {
    f().memory(128).timeout(60)
}

/// The folder of control groups that limit memory in which a process stands, and whether it is of version 2.
fn group_of(pid: &str) -> Option<(PathBuf, bool)> {
    let groups = std::fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let own = |wanted: &str| {
        let mut lines = groups.lines().map(|line| line.splitn(3, ':').collect::<Vec<_>>());
        lines
            .find(|fields| fields[1].split(',').any(|name| name == wanted))
            .map(|fields| fields[2][1..].to_owned())
    };
    match own("memory") {
        Some(path) => Some((Path::new("/sys/fs/cgroup/memory").join(path), false)),
        None => Some((Path::new("/sys/fs/cgroup").join(own("")?), true)),
    }
}

/// A running fc-local, which has to hold the limit by control groups.
#[track_caller]
fn in_groups(function: Function) -> Local {
    let local = Local::scripted(function);
    assert_eq!(local.matching(kind("memory_limits_sampled")), [], "no control groups here");
    local
}

/// The groups of a running fc-local.
fn groups(local: &Local) -> Vec<PathBuf> {
    let prefix = format!("fc-local-{}-", local.pid());
    let (mut folder, is_unified) = group_of("self").unwrap();
    let mut found = Vec::new();
    loop {
        let entries = std::fs::read_dir(&folder).into_iter().flatten().flatten();
        found.extend(
            entries
                .filter(|entry| entry.file_name().to_string_lossy().starts_with(&prefix))
                .map(|entry| entry.path()),
        );
        if !is_unified || !folder.pop() || !folder.starts_with("/sys/fs/cgroup") {
            return found;
        }
    }
}

#[track_caller]
fn assert_ends_by_its_memory(local: &Local, target: &str) {
    let first: u32 = local.get("/pid").text().parse().unwrap();
    assert_eq!(local.get("/memory?mb=16").status, 200);
    let reply = local.get(target);
    reply.assert_function_error(502, "Process exited unexpectedly before completing request");
    let text = reply.text();
    let (_, used) = text.split_once("maxMemoryUsage: ").unwrap();
    // The kernel stops at the limit; a sample sees what was beyond it.
    assert!(used.split_once("MB").unwrap().0.parse::<f64>().unwrap() > 127.9, "{text}");
    local.wait_for(kind("instance_over_memory").field("limitMiB", 128));
    eventually("the instance ends", || !is_running(first));
    assert_ne!(local.get("/pid").text(), first.to_string());
}

#[test]
fn too_much_is_noticed_by_sampling() {
    let local = Local::scripted(small().local("sampleMemory", true));
    assert_ends_by_its_memory(&local, "/memory?mb=200&ms=30000");
    assert_ends_by_its_memory(&local, "/child?mb=200&ms=30000");
    assert!(groups(&local).is_empty());
}

#[test]
#[ignore = "needs control groups for memory: .ci/run runs it with --ignored"]
fn the_kernel_holds_the_limit() {
    let mut local = in_groups(small());
    let pid = local.get("/pid").text();
    let (group, is_unified) = group_of(&pid).unwrap();
    assert_eq!(groups(&local), std::slice::from_ref(&group));
    let file = if is_unified { "memory.max" } else { "memory.limit_in_bytes" };
    assert_eq!(std::fs::read_to_string(group.join(file)).unwrap().trim(), "134217728");
    assert_ends_by_its_memory(&local, "/memory?mb=200&ms=30000");
    // It is one of several processes that the kernel kills; the instance goes with it.
    assert_ends_by_its_memory(&local, "/child?mb=200&ms=30000");
    eventually("groups go with their instances", || groups(&local).len() == 1 && !group.exists());
    assert_eq!(local.interrupt(), Some(0));
    assert!(groups(&local).is_empty());
}

#[test]
#[ignore = "needs control groups for memory: .ci/run runs it with --ignored"]
fn hooks_share_the_instances_limit() {
    let command = json!(["/bin/sh", "-c", "cat /proc/self/cgroup"]);
    let local = in_groups(small().hook("initializer", json!({"command": command, "timeout": 5})));
    let group = groups(&local).pop().unwrap();
    local.wait_for(kind("stdout").saying(group.file_name().unwrap().to_str().unwrap()));
}

#[test]
#[ignore = "needs control groups for memory: .ci/run runs it with --ignored"]
fn no_group_survives() {
    // fc-local is killed: the guard removes the group.
    let mut local = in_groups(small());
    assert_eq!(groups(&local).len(), 1);
    signal(local.pid(), "KILL");
    local.program.wait();
    eventually("the guard removes it", || groups(&local).is_empty());

    // The guard is killed: fc-local removes it.
    let local = Local::scripted(small());
    let pid = local.get("/pid").text();
    let (group, _) = group_of(&pid).unwrap();
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let guard = status.lines().find_map(|line| line.strip_prefix("PPid:")).unwrap().trim().parse().unwrap();
    signal(guard, "KILL");
    eventually("fc-local removes it", || !group.exists());

    // Both are: the next start does.
    let mut gone = Launch::new("true").start();
    gone.wait();
    let stale = group.parent().unwrap().join(format!("fc-local-{}-c-stale", gone.pid()));
    std::fs::create_dir(&stale).unwrap();
    drop(Local::scripted(small()));
    assert!(!stale.exists());
}
