//! The shape of this package's own sources: who imports whom, and what stands in few places only.

use testkit::tidy::{Levels, Sources};

/// A module imports from the levels before its own.
const LEVELS: &[&[&str]] = &[
    &["ask", "folder", "grpc_cases", "hpack", "imports", "manifest", "process", "until", "zips"],
    &["grpc", "h1", "h2", "lines", "platform", "tidy"],
    &["events", "examples", "program", "ws"],
    &["postgres", "proxy", "redis"],
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

/// A test that failed shows what its program printed; nothing else is printed.
#[test]
fn only_a_program_prints() {
    let printing = ["println!", "print!(", "eprint!(", "dbg!", "io::stdout", "io::stderr"];
    sources().check_only(&printing, &["program.rs"]);
}

#[test]
fn programs_and_signals_start_processes() {
    sources().check_only(&["Command::new", "CommandExt"], &["process.rs", "program.rs"]);
    sources().check_only(&["thread::spawn", "thread::Builder"], &["lines.rs"]);
}

#[test]
fn the_environment_is_read_for_programs_and_folders() {
    let reading = ["env::var", "env::args", "env::current", "env::temp_dir"];
    sources().check_only(&reading, &["folder.rs", "postgres.rs", "program.rs"]);
}
