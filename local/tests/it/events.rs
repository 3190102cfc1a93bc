//! The JSON lines: each kind is seen, and a reader that stands still costs a bounded amount of memory.

use std::collections::BTreeSet;
use std::path::Path;

use fc_local::Kind;
use serde_json::json;
use testkit::events::{Event, Events, kind, printed};
use testkit::h1::{Conn, exchange, request};
use testkit::manifest::{Function, Manifest};
use testkit::process::free_port;
use testkit::{Folder, Launch, eventually};

use crate::harness::{Local, f, program, scripted, write_manifest};

/// Kinds that no test can bring about, each with its reason.
const UNSEEN: &[(&str, &str)] = &[
    (
        "call_set_aside",
        "a record of the store has to be spoilt: queue/lane/tests.rs does so within the program",
    ),
    ("code_copying", "a copy has to take longer than a second"),
    ("folder_not_watched", "the system has to be out of watches"),
    ("former_code_remains", "a process has to outlive SIGKILL for longer than a test may take"),
    ("instance_memory_sampled", "the kernel has to refuse one control group after it gave others"),
    ("instance_not_ended", "a process has to outlive SIGKILL"),
];

#[test]
fn every_kind_is_looked_for_by_a_test() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests");
    let mut named = BTreeSet::new();
    for folder in [folder.join("it"), folder.join("interop")] {
        let files = std::fs::read_dir(folder).unwrap().map(|entry| entry.unwrap().path());
        for file in files.filter(|file| file.extension().is_some_and(|extension| extension == "rs")) {
            let text = std::fs::read_to_string(file).unwrap();
            let after = text.split("kind(\"").skip(1);
            named.extend(after.filter_map(|rest| Some(rest.split_once('"')?.0.to_owned())));
        }
    }
    let unseen: BTreeSet<_> = UNSEEN.iter().map(|(name, _)| (*name).to_owned()).collect();
    assert!(named.is_disjoint(&unseen), "seen after all: {named:?}");
    let all: BTreeSet<_> = Kind::NAMES.iter().map(|name| (*name).to_owned()).collect();
    assert_eq!(named.union(&unseen).cloned().collect::<BTreeSet<_>>(), all);
}

/// The most memory that a process has had, in bytes.
fn memory_peak(pid: u32) -> u64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status.lines().find_map(|line| line.strip_prefix("VmHWM:")).unwrap();
    line.trim().trim_end_matches(" kB").parse::<u64>().unwrap() * 1024
}

#[test]
fn a_flood_that_nobody_reads_is_bounded_and_its_gap_is_said() {
    const LINES: u64 = 16_000;
    const LINE: u64 = 32_000;
    let port = free_port();
    let folder = scripted();
    write_manifest(&folder, f().timeout(60).local("port", port));
    let launch = Launch::new(program()).args(["--template".into(), folder.file("s.yaml")]);
    let mut local = launch.args(["dev", "--json", "--port", "0", "--no-watch"]).unread().start();
    // Nobody reads, while half a gigabyte is written.
    assert!(local.until_open(port));
    eventually("it is ready", || exchange(port, &request("GET", "/", "", b"")).status == 200);
    let flood = request("GET", &format!("/flood?lines={LINES}&bytes={LINE}"), "", b"");
    assert_eq!(exchange(port, &flood).status, 200);
    let peak = memory_peak(local.pid());
    assert!(peak < 128 * 1024 * 1024, "{peak}");
    // Whatever is missing is counted where it is missing.
    local.read_on();
    let events = Events::of(local.out());
    let gap = kind("events_dropped");
    let dropped = |gaps: &[Event]| gaps.iter().map(|gap| gap["events"].as_u64().unwrap()).sum::<u64>();
    let flooded = kind("stdout").saying("xxxx");
    eventually("each line is shown or counted", || {
        events.count(&flooded) as u64 + dropped(&events.matching(&gap)) >= LINES
    });
    let gaps = events.matching(&gap);
    for gap in &gaps {
        assert!(gap["bytes"].as_u64().unwrap() > gap["events"].as_u64().unwrap() * LINE / 2, "{gap}");
    }
    assert!(dropped(&gaps) > LINES / 2, "{gaps:?}");
    // One burst, which the reader may have cut once more while it caught up.
    assert!((1..=4).contains(&gaps.len()), "{gaps:?}");
}

#[test]
fn a_reader_that_keeps_up_misses_nothing() {
    let local = Local::scripted(f());
    local.get("/flood?lines=1000&bytes=10").assert_ok();
    local.wait_for_nth(1000, printed("xxxxxxxxxx"));
    assert_eq!(local.count(kind("events_dropped")), 0);
}

#[test]
fn an_instance_tells_its_start_and_its_end() {
    let mut local = Local::scripted(f());
    local.get("/").assert_ok();
    let started = local.wait_for(kind("instance_started").has("ms").has("processId"));
    assert_eq!(started["processId"].to_string(), local.get("/pid").text());
    assert_eq!(local.interrupt(), Some(0));
    local.wait_for(kind("instance_stopped").instance(started["instance"].as_str().unwrap()));
}

#[test]
fn a_start_that_fails_is_told_with_the_platforms_failure() {
    let local = Local::scripted(f().var("SCRIPT_START", "exit:2"));
    let started = local.wait_for(kind("instance_start_failed").field("failure", "exited_at_start"));
    assert!(started["message"].as_str().unwrap().contains("going down"), "{started}");
}

#[test]
fn a_port_that_nobody_asked_for_is_told() {
    let local = Local::scripted(f().var("SCRIPT_START", "fixed:0").local("startTimeout", 2));
    let event = local.wait_for(kind("port_unexpected"));
    let [port] = &event["ports"].as_array().unwrap()[..] else { panic!("one port: {event}") };
    assert_ne!(*port, event["givenPort"], "{event}");
}

#[test]
fn health_that_comes_back_is_told() {
    let check =
        json!({"httpGetUrl": "/healthz", "periodSeconds": 1, "failureThreshold": 1, "successThreshold": 1});
    let local = Local::scripted(f().runtime("healthCheckConfig", check));
    local.get("/set-health?ok=0").assert_ok();
    let event = local.wait_for(kind("instance_unhealthy").status(500));
    // No call goes to it, so it is told on its own port.
    let port = local.wait_for(printed("pid ")).number_after("listens on ");
    exchange(port.try_into().unwrap(), &request("GET", "/set-health?ok=1", "", b"")).assert_ok();
    local.wait_for(kind("instance_healthy").instance(event["instance"].as_str().unwrap()));
}

#[test]
fn what_has_no_effect_in_a_changed_manifest_is_told() {
    let folder = scripted();
    write_manifest(&folder, f());
    let local = Local::start(folder, &[]);
    let taken = std::net::TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap();
    let first = f().prop("vpcConfig", "auto").local("port", 1);
    let second = Function::new("g").local("port", address.port());
    write_manifest(&local.folder, Manifest::of([first, second]));
    local.wait_for(kind("manifest_note").has("file").has("line").has("note"));
    local.wait_for(kind("port_change_ignored").function("f"));
    local.wait_for(kind("port_not_opened").function("g").field("address", address.to_string()));
}

#[test]
fn code_that_is_not_there_or_too_large_is_told() {
    let folder = Folder::new();
    write_manifest(&folder, f().step("true"));
    let local = Local::spawn(folder, &[]);
    local.wait_for(kind("code_missing").has("code").has("error"));

    let folder = scripted();
    write_manifest(&folder, f());
    folder.hollow("code/large", 501 * 1024 * 1024);
    let local = Local::start(folder, &[]);
    local.wait_for(kind("code_run_in_place").has("code"));
    local.get("/").assert_ok();
}

#[test]
fn builds_that_never_settle_are_told() {
    let folder = scripted();
    folder.write("made-0", "by an earlier build");
    let run = "rm -f made-*; echo > made-$(date +%s%N)";
    write_manifest(&folder, f().step(run));
    let local = Local::spawn(folder, &[]);
    local.wait_for(kind("build_unsettled").function("f"));
}

#[test]
fn calls_beyond_the_drain_time_are_told() {
    let folder = scripted();
    write_manifest(&folder, f().timeout(60));
    let mut local = Local::start(folder, &["--drain", "1"]);
    let mut busy = Conn::open(local.function_port("f"));
    busy.send(&request("GET", "/sleep?ms=60000", "", b""));
    local.wait_for(printed("asleep"));
    assert_eq!(local.interrupt(), Some(0));
    local.wait_for(kind("calls_ended").field("level", "warning"));
    eventually("the instance is stopped", || local.count(kind("call_failed")) == 1);
}
