//! The shape of the sources: who imports whom, and what stands in one place only.

use std::collections::BTreeSet;

use std::path::Path;

use testkit::tidy::{Levels, Sources};

/// The rooms of `local/src`. A file imports from rooms of lower levels, and from its own room.
const LEVELS: &[&[&str]] = &[
    &["failure", "model", "shell"],
    &["event"],
    &["manifest", "process", "wire"],
    &["instance"],
    &["call"],
    &["deploy"],
    &["front", "watch"],
    &["platform"],
    &["cli"],
];

/// Imports against the levels: there are none.
const EXCEPTIONS: &[(&str, &str)] = &[];

const LINES_MAX: usize = 400;

fn sources() -> Sources {
    Sources::read(env!("CARGO_MANIFEST_DIR"))
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
    let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("../ARCHITECTURE.md");
    Sources::check_document(LEVELS, &map, "The local platform: rooms and levels");
}

/// The files of the front: each way in knows what all ways share, and no other way.
#[test]
fn the_ways_in_do_not_know_each_other() {
    const SHARED: [&str; 5] = ["body", "control", "refusal", "target", "visit"];
    let sources = sources();
    for (file, parts) in sources.imports_inside("front") {
        let is_way = file.matches('/').count() > 2;
        let may = |part: &String| is_way && SHARED.contains(&part.as_str());
        assert!(parts.iter().all(may), "{file} imports {parts:?} of the front");
    }
    sources.check_nowhere_in(
        |source| SHARED.iter().any(|shared| source.name == format!("src/front/{shared}.rs")),
        &["super::entry", "super::listen", "super::gateway", "super::api", "super::{"],
    );
}

#[test]
fn files_have_one_subject_and_say_it() {
    sources().check_lines(LINES_MAX, &[]);
    sources().check_first_lines();
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
            "cli/dev.rs",
            "cli/invoke.rs",
            "cli/print.rs",
            // The shim's standard error is its instance's.
            "process/guard.rs",
        ],
    );
}

#[test]
fn tasks_belong_to_the_platforms_trackers() {
    check_only(&["tokio::spawn", "task::spawn(", "spawn_local", "JoinSet"], &[]);
    check_only(&["TaskTracker::new"], &["platform/platform.rs"]);
    check_only(
        &["tasks.spawn("],
        &[
            "deploy/deploy.rs",
            "front/listen.rs",
            "instance/connection.rs",
            "instance/pool.rs",
            "process/handle.rs",
            "instance/start.rs",
        ],
    );
    check_only(&["spawn_blocking("], &["deploy/deploy.rs", "deploy/snapshot.rs", "deploy/sources.rs"]);
    check_only(&["thread::spawn", "thread::Builder"], &["cli/print.rs", "process/guard.rs"]);
}

#[test]
fn processes_are_started_in_one_room() {
    let starting = ["process::Command", "Command::new", "CommandExt", "process::{Child, Command}"];
    check_only(
        &starting,
        &["process/cgroup.rs", "process/guard.rs", "process/orphans.rs", "process/handle.rs"],
    );
}

#[test]
fn files_are_written_for_code_copies_their_address_and_control_groups_only() {
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
    check_only(&writing, &["deploy/running.rs", "deploy/snapshot.rs", "process/cgroup.rs"]);
}

#[test]
fn listeners_are_opened_in_one_place() {
    check_only(
        &["TcpListener"],
        &[
            "front/listen.rs",
            // Asks the system for a free port and closes it again.
            "process/port.rs",
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
            "front/refusal.rs",
        ],
    );
}

#[test]
fn instances_are_reached_by_calls_and_deployments_alone() {
    let sources = sources();
    let reaching = sources.iter().filter(|source| sources.imports(source).contains("instance"));
    let rooms: BTreeSet<&str> = reaching.map(|source| source.module.as_str()).collect();
    assert_eq!(rooms, BTreeSet::from(["call", "deploy", "instance"]));
}

#[test]
fn the_environment_is_read_in_one_place() {
    check_only(
        &["env::var", "env::vars", "env::current_dir", "env::temp_dir", "env::args", "option_env!"],
        &["shell.rs"],
    );
}
