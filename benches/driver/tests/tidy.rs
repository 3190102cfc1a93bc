//! The shape of the driver's sources: who imports whom, and what stands in few places only.

use testkit::tidy::{Levels, Sources};

/// A module imports from the levels before its own.
const LEVELS: &[&[&str]] = &[
    &["callgrind", "client", "http", "load", "measure", "processors", "share", "strace", "tools"],
    &["steal", "subjects"],
    &["figures", "process"],
    &["row", "streams"],
    &["alike", "results", "rows"],
    &["budgets", "curves", "model", "options", "versions"],
    &["plots", "verdicts"],
    &["report"],
];

const LINES_MAX: usize = 500;

fn sources() -> Sources {
    Sources::read(env!("CARGO_MANIFEST_DIR"))
}

#[test]
fn imports_follow_the_levels() {
    sources().check_levels(&Levels { table: LEVELS, lowest_inside: false, exceptions: &[] });
}

#[test]
fn files_have_one_subject_and_say_it() {
    sources().check_lines(LINES_MAX, &[]);
    sources().check_first_lines();
    sources().check_only(&["super::super::"], &[]);
}

#[test]
fn only_the_main_file_prints() {
    let printing = ["println!", "print!(", "eprint!(", "dbg!", "io::stdout", "io::stderr"];
    sources().check_only(&printing, &["main.rs"]);
}

/// Servers are started in `process.rs`; the other files start tools that end by themselves.
#[test]
fn few_files_start_processes() {
    sources().check_only(
        &["Command::new", "CommandExt"],
        &[
            "process.rs",
            "results.rs",
            "rows/allocations.rs",
            "rows/grpc.rs",
            "rows/lookup.rs",
            "rows/tree.rs",
            "streams.rs",
            "tools.rs",
        ],
    );
    sources().check_only(&["thread::spawn", "thread::Builder"], &["process.rs"]);
}

#[test]
fn the_environment_is_read_in_two_files() {
    let reading = ["env::var", "env::args", "env::current", "env::temp_dir"];
    sources().check_only(&reading, &["main.rs", "process.rs"]);
}

#[test]
fn todos_have_a_kind() {
    sources().check_holes();
}
