//! The shape of the sources: who imports whom, and what stands in one place only.

use std::fs;
use std::path::Path;

use testkit::tidy::{Levels, Sources};

/// A module imports from the levels before its own. In the first level modules may import each other.
const LEVELS: &[&[&str]] = &[
    &[
        "budget",
        "cancel",
        "cookies",
        "cors",
        "counters",
        "error",
        "form",
        "headers",
        "health",
        "json",
        "lifecycle",
        "log",
        "metrics",
        "negotiate",
        "observe",
        "otel",
        "platform",
        "precondition",
        "pulse",
        "roll",
        "route",
        "stop",
        "store",
        "task",
        "test_waker",
        "timer",
        "trace",
        "unwind",
        "valid",
        "watched",
    ],
    &["reply"],
    &["exchange"],
    &["sealed", "stage"],
    &["endpoint"],
    &["request"],
    &["app", "websocket"],
    &["compression", "events", "files", "grpc", "guard", "once", "serve", "testing", "tower"],
];

/// Files that may be longer, each with its reason.
const LONG: &[&str] = &[];

const LINES_MAX: usize = 500;

fn sources() -> Sources {
    Sources::read(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn imports_follow_the_levels() {
    sources().check_levels(&Levels { table: LEVELS, lowest_inside: true, exceptions: &[] });
}

#[test]
fn the_map_shows_the_levels() {
    let map = Path::new(env!("CARGO_MANIFEST_DIR")).join("ARCHITECTURE.md");
    Sources::check_document(LEVELS, &map, "The library: rooms and levels");
}

/// Pure parts name no socket, no executor, and nothing of hyper.
#[test]
fn the_route_table_is_pure() {
    let impure = ["tokio", "hyper", "async ", "std::net", "std::fs"];
    sources().check_nowhere_in(|source| source.module == "route", &impure);
}

#[test]
fn files_have_one_subject_and_say_it() {
    sources().check_lines(LINES_MAX, LONG);
    sources().check_first_lines();
}

#[test]
fn nothing_is_unsafe() {
    sources().check_nowhere(&["unsafe"], &[]);
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
}

#[test]
fn nothing_is_printed_but_log_lines() {
    sources().check_nowhere(&["println!", "print!(", "dbg!"], &[]);
}

#[test]
fn nothing_is_unwrapped() {
    sources().check_nowhere(&[".unwrap()"], &[]);
}

#[test]
fn one_file_spawns_and_one_reads_the_environment() {
    sources().check_nowhere(&["tokio::spawn", "tokio::task::spawn"], &["src/task.rs"]);
    sources().check_nowhere(&["env::var", "std::env::"], &["src/platform/instance.rs"]);
}

#[test]
fn only_the_port_names_sockets_and_hypers_servers() {
    let sockets = ["tokio::net", "hyper::server", "hyper_util"];
    // An upgrade of a mounted service is made by a connection of hyper in memory.
    let exceptions = ["src/serve/", "src/testing/", "src/otel/client.rs", "src/tower/hop.rs"];
    sources().check_nowhere(&sockets, &exceptions);
}

#[test]
fn todos_have_a_kind() {
    sources().check_holes();
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
fn every_feature_is_explained() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let features = manifest.split("[features]\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let mut explained = false;
    for line in features.lines() {
        let is_feature = !line.starts_with('#') && line.contains('=') && !line.starts_with("default");
        assert!(!is_feature || explained, "no comment before {line:?}");
        explained = line.starts_with('#');
    }
}
