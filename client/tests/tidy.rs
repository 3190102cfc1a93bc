//! The shape of the sources.

use testkit::tidy::Sources;

const LINES_MAX: usize = 500;

fn sources() -> Sources {
    Sources::read(env!("CARGO_MANIFEST_DIR"))
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
fn nothing_is_unwrapped_or_printed() {
    sources().check_nowhere(&[".unwrap()", "println!", "print!(", "dbg!"], &[]);
}
