//! Commands and starts that have to be ended, although each would go on for longer than a test waits.

use serde_json::json;
use testkit::events::{kind, printed};
use testkit::eventually;
use testkit::h1::{Conn, request};
use testkit::manifest::Function;
use testkit::process::is_running;

use crate::harness::{Local, f, scripted, write_manifest};

/// A start may take longer than a test waits.
fn number_after(local: &Local, word: &str) -> u32 {
    local.wait_for(printed(word)).number_after(word)
}

/// So long calls may go on after Ctrl-C: beyond the patience of a test.
const LONG: &str = "600";

/// Starts a scripted function whose calls and starts may go on for that long.
fn patient(function: Function) -> Local {
    let folder = scripted();
    write_manifest(&folder, function.local("startTimeout", 600));
    Local::start(folder, &["--drain", LONG])
}

/// Ends fc-local as Ctrl-C does. What might keep it goes on for longer than this waits.
#[track_caller]
fn assert_stops(mut local: Local) {
    assert_eq!(local.interrupt(), Some(0));
}

#[test]
fn a_hooks_command_ends_with_its_time() {
    let command = json!(["/bin/sh", "-c", "sleep 601 & echo asleep $!; wait"]);
    let local = patient(f().hook("initializer", json!({"command": command, "timeout": 1})));
    local.get("/").assert_function_error(502, "it did not end within 1 s");
    let pid = number_after(&local, "asleep ");
    eventually("the command ends", || !is_running(pid));
    assert_stops(local);
}

#[test]
fn a_stop_ends_a_build_step() {
    let folder = scripted();
    write_manifest(&folder, f().step("sleep 602 & echo asleep $!; wait"));
    let local = Local::spawn(folder, &["--drain", LONG]);
    let line = local.wait_for(kind("build"));
    let pid = line.number_after("asleep ");
    assert!(is_running(pid));
    assert_stops(local);
    assert!(!is_running(pid));
}

#[test]
fn a_stop_ends_a_start() {
    let local = patient(f().var("SCRIPT_START", "never"));
    local.wait_for(printed("not listening"));
    assert_stops(local);
}

#[test]
fn a_stop_does_not_wait_for_a_hooks_command_beyond_its_time() {
    let command = json!(["/bin/sh", "-c", "sleep 603 & echo stopping $!; wait"]);
    let folder = scripted();
    write_manifest(&folder, f().hook("preStop", json!({"command": command, "timeout": 90})));
    let mut local = Local::start(folder, &["--drain", "2"]);
    let pid: u32 = local.get("/pid").text().parse().unwrap();
    assert_eq!(local.interrupt(), Some(0));
    assert!(!is_running(pid));
    local.wait_for(kind("pre_stop_failed").field("command", true));
    let pid = number_after(&local, "stopping ");
    eventually("the hook's command ends", || !is_running(pid));
}

#[test]
fn a_stop_waits_once_for_the_calls_under_way() {
    let folder = scripted();
    write_manifest(&folder, f().timeout(600));
    let local = Local::start(folder, &["--drain", "2"]);
    let port = local.function_port("f");
    let mut stream = Conn::open(port);
    let bytes = request("GET", "/chunks?n=10000&ms=100", "", b"");
    stream.send(&bytes);
    stream.bytes(1);
    assert_stops(local);
}
