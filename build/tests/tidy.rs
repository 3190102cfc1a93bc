//! The shape of the sources.

use testkit::tidy::Sources;

#[test]
fn sources_keep_their_shape() {
    let sources = Sources::read(env!("CARGO_MANIFEST_DIR"));
    sources.check_shape(500);
    // One file: it reads cargo's variables and speaks to cargo by its output. Nothing starts a process.
    sources.check_nowhere(&["Command::new", "unsafe", ".unwrap()", "dbg!"], &[]);
    sources.check_nowhere(&["println!", "env::var", "fs::write"], &["src/lib.rs"]);
}
