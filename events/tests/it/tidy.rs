//! The shape of the sources.

use testkit::tidy::Sources;

#[test]
fn sources_keep_their_shape() {
    let sources = Sources::read(env!("CARGO_MANIFEST_DIR"));
    sources.check_shape(500);
    sources.check_nowhere(
        &["Command::new", "unsafe", ".unwrap()", "dbg!", "println!", "env::var", "std::fs"],
        &[],
    );
}
