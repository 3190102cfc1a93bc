//! The abuse table of the README: greedy clients at an instance of 128 MiB, in a control group of that size.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Mutex, PoisonError};

use testkit::{until, until_settled};

use crate::support::greedy::{self, Greed};
use crate::support::{Ask, Launch, Server, h2, ws};

const CLIENTS: usize = 50;

const HUNDREDS: usize = 300;

/// The memory of the instance.
const MIB: u64 = 128;

/// A control group with a limit on its memory, removed with this.
struct Group(PathBuf);

impl Group {
    #[track_caller]
    fn new() -> Self {
        let (parent, file) = parent();
        let group = Self(parent.join(format!("fc-runtime-test-{}", std::process::id())));
        let right =
            "this test needs the right to make control groups that limit memory (root, or a delegated group)";
        fs::create_dir(&group.0).unwrap_or_else(|error| panic!("{}: {error}; {right}", group.0.display()));
        let limit = (MIB * 1024 * 1024).to_string();
        fs::write(group.0.join(file), limit).unwrap_or_else(|error| panic!("{file}: {error}; {right}"));
        // Without swap in the kernel there is nothing to turn off.
        let _ = fs::write(group.0.join("memory.swap.max"), "0");
        let _ = fs::write(group.0.join("memory.swappiness"), "0");
        group
    }

    /// The most that was in use, in MiB.
    fn peak(&self) -> u64 {
        let files = ["memory.peak", "memory.max_usage_in_bytes", "memory.current"];
        let read = |file: &&str| fs::read_to_string(self.0.join(file)).ok()?.trim().parse::<u64>().ok();
        files.iter().find_map(read).unwrap_or(0) / 1024 / 1024
    }

    /// A program that moves itself into the group, and becomes the server.
    fn wrapper(&self) -> [String; 4] {
        let script = format!("echo $$ > '{}/cgroup.procs' && exec \"$@\"", self.0.display());
        ["sh".to_owned(), "-c".to_owned(), script, "sh".to_owned()]
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        // A second panic would hide the first one.
        if fs::remove_dir(&self.0).is_err() && !std::thread::panicking() {
            until("the group to be empty", || fs::remove_dir(&self.0).is_ok().then_some(()));
        }
    }
}

/// Where a group can be made, and the file that limits its memory: below our own group in version 1; in version 2 below the
/// nearest group that hands out memory.
fn parent() -> (PathBuf, &'static str) {
    let groups = fs::read_to_string("/proc/self/cgroup").expect("the groups of this process");
    let own = |wanted: &dyn Fn(&str) -> bool| {
        groups.lines().find_map(|line| {
            let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
            wanted(controllers).then(|| path.trim_start_matches('/').to_owned())
        })
    };
    if let Some(path) = own(&|list| list.split(',').any(|name| name == "memory")) {
        return (Path::new("/sys/fs/cgroup/memory").join(path), "memory.limit_in_bytes");
    }
    let path = own(&str::is_empty).expect("control groups of version 1 or 2 with memory");
    let hands_out = |folder: &&Path| {
        let enabled = fs::read_to_string(folder.join("cgroup.subtree_control"));
        enabled.is_ok_and(|enabled| enabled.split_whitespace().any(|name| name == "memory"))
    };
    let own = Path::new("/sys/fs/cgroup").join(path);
    let parent = own.ancestors().find(hands_out).expect("a control group that hands out memory limits");
    (parent.to_owned(), "memory.max")
}

/// What everybody else gets while the greedy ones are there.
#[track_caller]
fn check_served(server: &Server) {
    server.ask(&Ask::get("/healthz")).assert_status(200);
    server.ask(&Ask::get("/plaintext")).assert_status(200);
    let order =
        Ask::post("/orders", "{\"item\":\"tea\",\"quantity\":1}").header("content-type", "application/json");
    server.ask(&order).assert_status(201);
    let mut conn = h2::Conn::open(server.port);
    let feed = conn.ask(&Ask::get("/sse?n=2000"));
    assert!(feed.assert_status(200).text().ends_with("data: tick 1999\nid: 1999\n\n"));
    let mut socket = ws::Client::open(server.port, "/ws");
    socket.text("tea");
    socket.assert_text("tea");
    socket.close(1000);
}

/// Clients that do each of this in turn.
#[track_caller]
fn withstand(name: &str, greeds: &[Greed], clients: usize) {
    // The tests share a group's name, and the machine: one at a time.
    static TURN: Mutex<()> = Mutex::new(());
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let group = Group::new();
    let wrapper = group.wrapper();
    let wrapper: Vec<_> = wrapper.iter().map(String::as_str).collect();
    let launch = Launch::contract().by(&wrapper).var("FC_FUNCTION_MEMORY_SIZE", &MIB.to_string());
    let server = &launch.var("CONTRACT_RECORDS", "off").start();
    check_served(server);
    let before = group.peak();
    let kept: Vec<_> = std::thread::scope(|scope| {
        let opens = greeds.iter().map(|greed| greed.open).cycle().take(clients);
        let clients: Vec<_> = opens.map(|open| scope.spawn(move || open(server.port))).collect();
        check_served(server);
        // One that the server has closed has failed to send.
        clients.into_iter().map(std::thread::ScopedJoinHandle::join).collect()
    });
    until_settled("the work to end", || server.cpu_ticks());
    check_served(server);
    let refused = server.counter("refused_for_memory");
    println!("| {name} | {before} MiB | {} MiB | {refused} |", group.peak());
    drop(kept);
    server.until_idle();
    check_served(server);
}

#[test]
#[ignore = "needs the right to make control groups: .ci/run runs it with --ignored"]
fn fifty_greedy_clients_do_not_end_a_small_instance() {
    println!("| each of 50 clients | memory before | at its height | refused |");
    for greed in greedy::ALL {
        withstand(greed.name, std::slice::from_ref(greed), CLIENTS);
    }
}

/// Some of those by which hundreds of clients ended an instance of 128 MiB, each for another reason.
const HEAVY: [&str; 3] = [
    "250 streams of events over HTTP/2, windows open",
    "250 heads of 7 KiB over HTTP/2",
    "20 gRPC messages of 60 KiB, never complete",
];

#[test]
#[ignore = "needs the right to make control groups: .ci/run runs it with --ignored"]
fn hundreds_of_greedy_clients_do_not_end_a_small_instance() {
    println!("| each of {HUNDREDS} clients | memory before | at its height | refused |");
    for name in HEAVY {
        let greed = greedy::ALL.iter().find(|greed| greed.name == name).expect("a kind");
        withstand(name, std::slice::from_ref(greed), HUNDREDS);
    }
    withstand("all kinds mixed", greedy::ALL, HUNDREDS);
}
