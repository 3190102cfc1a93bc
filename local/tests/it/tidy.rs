//! The shape of the sources: who imports whom, and what stands in one place only.

use testkit::tidy::{Levels, Sources};

/// The rooms of `local/src`. A file imports from rooms of lower levels, and from its own room.
const LEVELS: &[&[&str]] = &[
    &["failure", "model"],
    &["event"],
    &["manifest", "process", "wire"],
    &["instance"],
    &["dispatch"],
    &["gateway", "watch"],
    &["platform"],
    &["cli"],
];

/// Imports against the levels, each with its reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    // A change of the sources has the platform deploy.
    ("watch", "platform"),
];

/// Files that may be longer than [`LINES_MAX`], each with its reason.
const LONG: &[&str] = &[
    // Leaves the deployment to a room of its own.
    "src/platform.rs",
];

const LINES_MAX: usize = 400;

/// What no file may have, whatever its reason.
const LINES_MOST: usize = 500;

fn sources() -> Sources {
    Sources::read(env!("CARGO_MANIFEST_DIR"))
}

/// The lines of code that hold one of `parts` stand in `files` only, and each of these holds one.
#[track_caller]
fn check_only(parts: &[&str], files: &[&str]) {
    let sources = sources();
    let named: Vec<String> = files.iter().map(|file| format!("src/{file}")).collect();
    let named: Vec<&str> = named.iter().map(String::as_str).collect();
    sources.check_nowhere(parts, &named);
    for name in named {
        let source = sources.iter().find(|source| source.name == name);
        let source = source.unwrap_or_else(|| panic!("there is no {name}"));
        let holds_one = source.code().any(|(_, line)| parts.iter().any(|part| line.contains(part)));
        assert!(holds_one, "{name} may hold {parts:?}, but does not");
    }
}

#[test]
fn imports_go_to_lower_levels() {
    sources().check_levels(&Levels { table: LEVELS, lowest_inside: false, exceptions: EXCEPTIONS });
}

#[test]
fn files_have_one_subject_and_say_it() {
    sources().check_lines(LINES_MAX, LONG);
    sources().check_lines(LINES_MOST, &[]);
    sources().check_first_lines();
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
    check_only(&["TaskTracker::new"], &["platform.rs"]);
    check_only(
        &["tasks.spawn(", "connections.spawn("],
        &[
            "gateway/listen.rs",
            "instance/connection.rs",
            "instance/pool.rs",
            "process/handle.rs",
            "instance/start.rs",
            "platform.rs",
        ],
    );
    check_only(&["spawn_blocking("], &["platform.rs", "watch/snapshot.rs", "watch/sources.rs"]);
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
fn files_are_written_for_code_copies_and_control_groups_only() {
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
    check_only(&writing, &["process/cgroup.rs", "watch/snapshot.rs"]);
}

#[test]
fn listeners_are_opened_in_one_place() {
    check_only(
        &["TcpListener"],
        &[
            "gateway/listen.rs",
            // Asks the system for a free port and closes it again.
            "process/port.rs",
            "platform.rs",
        ],
    );
}

#[test]
fn the_environment_is_read_in_one_place() {
    check_only(
        &["env::var", "env::vars", "env::current_dir", "env::temp_dir", "env::args"],
        &[
            "cli/mod.rs",
            "cli/print.rs",
            "instance/environment.rs",
            "manifest/load.rs",
            "watch/build.rs",
            "watch/snapshot.rs",
        ],
    );
}
