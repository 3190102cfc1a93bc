//! The shape of the sources: who imports whom, and what stands in one place only.

use std::collections::{BTreeMap, BTreeSet};
use std::path::{Path, PathBuf};

use testkit::tidy::{Levels, Sources};

/// The rooms of `local/src`. A file imports from rooms of lower levels, and from its own room.
const LEVELS: &[&[&str]] = &[
    &["failure", "fault", "meter", "model", "shell"],
    &["alb", "domain", "event", "scaffold", "store"],
    &["manifest", "process", "record", "wire"],
    &["auth", "conform", "instance", "load"],
    &["registry"],
    &["call", "deploy"],
    &["account", "package", "queue"],
    &["front", "timers", "watch"],
    &["platform"],
    &["doctor"],
    &["cli"],
];

/// Imports against the levels: there are none.
const EXCEPTIONS: &[(&str, &str)] = &[];

const LINES_MAX: usize = 400;

fn sources() -> Sources {
    Sources::read(env!("CARGO_MANIFEST_DIR"))
}

fn map() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("../ARCHITECTURE.md")
}

#[track_caller]
fn check_only(parts: &[&str], files: &[&str]) {
    sources().check_only(parts, files);
}

#[test]
fn imports_go_to_lower_levels() {
    sources().check_levels(&Levels { table: LEVELS, lowest_inside: false, exceptions: EXCEPTIONS });
}

#[test]
fn the_map_shows_the_levels() {
    Sources::check_document(LEVELS, &map(), "The local platform: rooms and levels");
}

/// The files of the front: each way in knows what all ways share, and no other way.
#[test]
fn the_ways_in_do_not_know_each_other() {
    const SHARED: [&str; 16] = [
        "async_operation",
        "asynchronous",
        "body",
        "control",
        "guard",
        "live",
        "local_operation",
        "operation",
        "page",
        "refusal",
        "rpc",
        "sample",
        "session",
        "target",
        "tunnel",
        "visit",
    ];
    let sources = sources();
    for (file, parts) in sources.imports_inside("front") {
        let is_way = file.matches('/').count() > 2;
        // A load balancer forwards to functions by the gateway.
        let is_forward = file.ends_with("front/alb/forward.rs");
        // A way with folders of its own names itself.
        let own = file.split('/').nth(2).unwrap_or_default();
        let may = |part: &String| {
            is_way && (SHARED.contains(&part.as_str()) || part == own || (is_forward && part == "gateway"))
        };
        assert!(parts.iter().all(may), "{file} imports {parts:?} of the front");
    }
    sources.check_nowhere_in(
        |source| SHARED.iter().any(|shared| source.name == format!("src/front/{shared}.rs")),
        &["super::entry", "super::listen", "super::gateway", "super::api", "super::{"],
    );
}

/// The files of the map's "The way of a call, by file", in their order.
fn walk() -> Vec<String> {
    let map = std::fs::read_to_string(map()).unwrap();
    let section = map.split("### The way of a call, by file").nth(1).expect("the heading is there");
    let block = section.split("```").nth(1).expect("the walk is a block").trim_start_matches("text\n");
    let columns = block.lines().map(|line| line.split("  ").next().unwrap_or(line));
    columns.flat_map(|files| files.split([',', '→'])).map(|file| file.trim().to_owned()).collect()
}

fn room_of(file: &str) -> &str {
    file.split('/').next().unwrap_or(file)
}

/// The map cannot promise more than the sources: where the walk changes rooms, the upper file imports the lower room.
#[test]
fn a_call_comes_into_each_room_at_most_twice() {
    let (sources, walk) = (sources(), walk());
    let imports = |file: &str| {
        let name = format!("src/{file}.rs");
        let source = sources.iter().find(|source| source.name == name);
        sources.imports(source.unwrap_or_else(|| panic!("the walk names {name}, which is not there")))
    };
    let mut visits: BTreeMap<&str, usize> = BTreeMap::from([(room_of(&walk[0]), 1)]);
    for pair in walk.windows(2) {
        let (from, to) = (pair[0].as_str(), pair[1].as_str());
        let (leaves, enters) = (room_of(from), room_of(to));
        if leaves != enters {
            *visits.entry(enters).or_default() += 1;
            let knows = imports(from).contains(enters) || imports(to).contains(leaves);
            assert!(knows, "{from} and {to} do not know each other's rooms");
        }
    }
    assert!(visits.values().all(|visits| *visits <= 2), "{visits:?}");
    // No file of the front reaches a room of the walk behind the map's back.
    let on_the_way = ["registry", "call", "instance"];
    for source in sources.iter().filter(|source| source.module == "front") {
        let reaches = sources.imports(source).iter().any(|room| on_the_way.contains(&room.as_str()));
        let file = source.name.trim_start_matches("src/").trim_end_matches(".rs");
        assert!(!reaches || walk.iter().any(|step| step == file), "{file} is not on the map");
    }
}

/// What a room exports in small letters is a function: a door by which others come in.
#[test]
fn calls_come_in_by_one_door() {
    let sources = sources();
    let room = sources.iter().find(|source| source.name == "src/call/mod.rs").expect("it is there");
    let exports = room.code().filter_map(|(_, line)| line.trim().strip_prefix("pub(crate) use "));
    let names = exports.filter_map(|line| Some(line.rsplit_once("::")?.1.trim_matches(['{', '}', ';'])));
    let names = names.flat_map(|names| names.split(',')).map(str::trim);
    let doors: BTreeSet<&str> = names.filter(|name| name.starts_with(char::is_lowercase)).collect();
    assert_eq!(doors, BTreeSet::from(["dispatch"]));
    check_only(
        &["dispatch("],
        &[
            "call/dispatch.rs",
            "front/api/invoke.rs",
            "front/gateway/trigger.rs",
            "platform/invoke.rs",
            "queue/attempt.rs",
        ],
    );
    check_only(
        &["registry.functions(", "registry.find("],
        &[
            // The objects of an account, none of which is a call.
            "account/account.rs",
            "account/documents.rs",
            "account/exec.rs",
            "account/functions.rs",
            "account/instances.rs",
            "account/opening.rs",
            "account/settings.rs",
            "deploy/deploy.rs",
            "deploy/releases.rs",
            "deploy/sessions.rs",
            "deploy/stored.rs",
            "front/alb/forward.rs",
            "front/console/data.rs",
            "front/entry.rs",
            "platform/composition.rs",
            "platform/invoke.rs",
            "queue/attempt.rs",
            "queue/configs.rs",
            "queue/destination.rs",
            "queue/lane.rs",
        ],
    );
}

#[test]
fn files_have_one_subject_and_say_it() {
    sources().check_lines(LINES_MAX, &[]);
    sources().check_first_lines();
}

#[test]
fn every_file_of_tests_is_run() {
    Sources::check_test_modules(env!("CARGO_MANIFEST_DIR"));
}

#[test]
fn what_is_public_has_an_example() {
    sources().check_examples();
}

#[test]
fn no_path_goes_up_twice() {
    check_only(&["super::super::"], &[]);
}

#[test]
fn only_the_command_line_prints() {
    let printing = ["println!", "eprintln!", "print!(", "eprint!(", "dbg!", "io::stdout", "io::stderr"];
    check_only(
        &printing,
        &[
            "cli/conform.rs",
            "cli/door.rs",
            "cli/invoke.rs",
            "cli/print.rs",
            "cli/send.rs",
            // The shim's standard error is its instance's, and the trial of mounts tells fc-local by its standard output.
            "process/guard.rs",
            // The processes of a network tell the next one whether it is there.
            "process/keeper.rs",
        ],
    );
}

#[test]
fn tasks_belong_to_the_platforms_trackers() {
    check_only(&["tokio::spawn", "task::spawn(", "spawn_local", "JoinSet"], &[]);
    // The suite is a platform of its own: it starts one program, and waits for its end.
    // A load has no platform.
    check_only(
        &["TaskTracker::new"],
        &["cli/load.rs", "conform/suite.rs", "load/run.rs", "platform/platform.rs"],
    );
    check_only(
        &["tasks.spawn("],
        &[
            "conform/grpc.rs",
            "conform/program.rs",
            "deploy/deploy.rs",
            "deploy/releases.rs",
            "deploy/stored.rs",
            "deploy/swap.rs",
            // Health checks end with the platform, and copies of requests are bounded.
            "front/alb/probe.rs",
            "front/alb/upstream.rs",
            "front/connection.rs",
            "front/http2.rs",
            "front/listen.rs",
            "instance/connection.rs",
            "instance/multiplexed.rs",
            "instance/pool.rs",
            "load/client.rs",
            "load/run.rs",
            "platform/platform.rs",
            "process/contained.rs",
            "process/guarded.rs",
            "process/network.rs",
            "process/runner.rs",
            // Each try of a message is bounded, and ends when the platform stops.
            "queue/forward.rs",
            "queue/queue.rs",
            "wire/client_body.rs",
            "wire/ticks.rs",
            "instance/start.rs",
        ],
    );
    check_only(
        &["spawn_blocking("],
        &[
            "account/account.rs",
            "account/bucket.rs",
            "deploy/deploy.rs",
            "deploy/layout.rs",
            "deploy/releases.rs",
            "deploy/snapshot.rs",
            "deploy/sources.rs",
            "front/console/show.rs",
            "instance/diagnosis.rs",
            "queue/list.rs",
            "queue/messages.rs",
            "queue/queue.rs",
        ],
    );
    check_only(
        &["thread::spawn", "thread::Builder"],
        &[
            "cli/print.rs",
            // A commit waits for the disk.
            "store/commit.rs",
        ],
    );
}

#[test]
fn processes_are_started_in_one_room() {
    let starting = ["process::Command", "Command::new", "CommandExt", "process::{Child, Command}"];
    check_only(
        &starting,
        &[
            "process/cgroup.rs",
            "process/engine.rs",
            "process/guard.rs",
            "process/guarded.rs",
            "process/keeper.rs",
            "process/mounts.rs",
            "process/network.rs",
            "process/orphans.rs",
            "process/tool.rs",
        ],
    );
}

#[test]
fn files_are_written_in_few_places() {
    let writing = [
        "fs::write",
        "fs::create_dir",
        "fs::copy",
        "fs::remove",
        "fs::rename",
        "fs::set_permissions",
        "symlink(",
        "File::create",
        "OpenOptions",
    ];
    check_only(
        &writing,
        &[
            "account/bucket.rs",
            "account/code.rs",
            "account/files.rs",
            "auth/key_file.rs",
            "account/bucket.rs",
            // The picture that is asked for.
            "cli/load.rs",
            // The archive that is asked for.
            "cli/requests.rs",
            "deploy/copy.rs",
            "deploy/interpreters.rs",
            "deploy/layers.rs",
            "deploy/packages.rs",
            "deploy/running.rs",
            "deploy/snapshot.rs",
            "deploy/store.rs",
            "deploy/unpack/write.rs",
            "deploy/workspace.rs",
            // Tests: a program that is asked, and the document that a test writes.
            "doctor/tests/described.rs",
            "doctor/tests/documents.rs",
            "deploy/unpack/tests.rs",
            // What a container's engine reads at its start.
            "instance/contained.rs",
            // The input of a command.
            "instance/exec.rs",
            "package/archive.rs",
            "package/pack.rs",
            "process/cgroup.rs",
            // A setting of the kernel.
            "process/keeper.rs",
            "process/mounts.rs",
            "scaffold/project.rs",
            "store/file.rs",
            "store/journal.rs",
            "wire/tls.rs",
        ],
    );
}

#[test]
fn listeners_are_opened_in_one_place() {
    check_only(
        &["TcpListener"],
        &[
            "front/listen.rs",
            // Asks the system for a free port and closes it again.
            "process/port.rs",
            // Servers for tests.
            "conform/h1/tests.rs",
            "wire/h1/link/tests.rs",
        ],
    );
}

#[test]
fn failures_are_rendered_in_one_place() {
    check_only(
        &["x-fc-error-type", "FcCommonError", "UnhandledInvocationError"],
        &[
            // Reads the answer of another fc-local, as any client does.
            "cli/invoke.rs",
            // Lists the names of headers that a page may read.
            "front/gateway/cors.rs",
            "front/refusal.rs",
            // The records of tasks have the platform's word too.
            "queue/attempt.rs",
        ],
    );
}

#[test]
fn instances_are_reached_by_calls_and_deployments_alone() {
    let sources = sources();
    let reaching = sources.iter().filter(|source| sources.imports(source).contains("instance"));
    let rooms: BTreeSet<&str> = reaching.map(|source| source.module.as_str()).collect();
    assert_eq!(rooms, BTreeSet::from(["call", "deploy", "instance", "registry"]));
}

#[test]
fn the_environment_is_read_in_one_place() {
    check_only(
        &[
            "env::var",
            "env::vars",
            "env::current_dir",
            "env::temp_dir",
            "env::home_dir",
            "env::args",
            "option_env!",
        ],
        &["shell.rs"],
    );
}
