//! No process survives fc-local.

use testkit::events::{kind, printed};
use testkit::eventually;
use testkit::manifest::Function;
use testkit::process::{below, is_running, signal};

use crate::harness::{Local, f, scripted, write_manifest};

fn daemon(local: &Local) -> u32 {
    local.wait_for(printed("daemon ")).number_after("daemon ")
}

fn with_a_daemon() -> Function {
    f().var("SCRIPT_START", "daemon")
}

#[test]
fn not_after_kill_9_even_if_frozen_or_out_of_their_group() {
    let mut local = Local::scripted(with_a_daemon().local("freeze", true));
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    let daemon = daemon(&local);
    let all = below(local.pid());
    assert!(all.contains(&pid) && all.contains(&daemon), "{pid} and {daemon} in {all:?}");
    signal(local.pid(), "KILL");
    local.program.wait();
    for pid in all {
        eventually("every process ends", || !is_running(pid));
    }
}

#[test]
fn not_after_an_orderly_end_either() {
    let mut local = Local::scripted(with_a_daemon());
    local.get("/").assert_ok();
    let all = below(local.pid());
    assert!(all.contains(&daemon(&local)));
    assert_eq!(local.interrupt(), Some(0));
    for pid in all {
        assert!(!is_running(pid), "{pid} runs on");
    }
}

/// A line of a process's status.
fn status(pid: u32, name: &str) -> String {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let found = status.lines().find_map(|line| line.strip_prefix(name)?.strip_prefix(':'));
    found.unwrap_or_else(|| panic!("{name} in {status}")).trim().to_owned()
}

/// The guard of an instance's first process.
fn guard_of(local: &Local, pid: u32) -> u32 {
    let guard = status(pid, "PPid").parse().unwrap();
    assert_ne!(guard, local.pid());
    guard
}

/// Each instance has a guard, so what one keeps counts hundreds of times. It has no addresses that the loader has filled in,
/// which would be 600 KiB, and one thread.
#[test]
fn a_guard_keeps_little() {
    let local = Local::scripted(f());
    let guard = guard_of(&local, local.get("/pid").text().parse().unwrap());
    assert_eq!(status(guard, "Threads"), "1");
    let own: u32 = status(guard, "RssAnon").trim_end_matches(" kB").parse().unwrap();
    assert!(own <= 400, "{own} KiB of its own");
}

#[test]
fn not_when_the_guard_is_killed() {
    let local = Local::scripted(f());
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    let guard = guard_of(&local, pid);
    signal(guard, "KILL");
    eventually("the instance ends with its guard", || !is_running(pid));
    local.wait_for(kind("instance_ended").field("signal", 9));
    local.get("/").assert_ok();
}

#[test]
fn not_what_the_instance_started_when_the_guard_is_killed() {
    let local = Local::scripted(with_a_daemon());
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    let daemon = daemon(&local);
    let all = below(local.pid());
    let guard = *all.first().unwrap();
    assert!(guard != pid && all.contains(&daemon), "{guard}, {pid} and {daemon} in {all:?}");
    signal(guard, "KILL");
    for pid in all {
        eventually("every process ends", || !is_running(pid));
    }
    local.get("/").assert_ok();
    // The next instance's guard is left alone.
    assert!(below(local.pid()).len() >= 3);
}

#[test]
fn not_a_build_step() {
    let folder = scripted();
    write_manifest(&folder, f().step("echo building $$; sleep 600"));
    let mut local = Local::spawn(folder, &[]);
    local.wait_for(kind("build"));
    let all = below(local.pid());
    assert!(!all.is_empty());
    signal(local.pid(), "KILL");
    local.program.wait();
    for pid in all {
        eventually("every process ends", || !is_running(pid));
    }
}

#[test]
fn not_what_is_just_being_started() {
    for _ in 0..15 {
        let folder = scripted();
        write_manifest(&folder, f().step("sleep 6041 & sleep 6041"));
        let local = Local::spawn(folder, &[]);
        // The line comes before the step.
        local.wait_for(kind("build_started"));
        drop(local);
    }
    let is_there = || {
        std::fs::read_dir("/proc").unwrap().flatten().any(|process| {
            std::fs::read(process.path().join("cmdline")).is_ok_and(|line| line == b"sleep\x006041\0")
        })
    };
    eventually("every process ends", || !is_there());
}
