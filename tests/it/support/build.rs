//! The examples, built once per test run, and where they lie.

use std::path::PathBuf;
use std::process::Command;
use std::sync::OnceLock;

/// `FC_TEST_RELEASE=1` tests the release binaries.
fn is_release() -> bool {
    std::env::var_os("FC_TEST_RELEASE").is_some_and(|value| value == "1")
}

/// The path of an example's binary.
pub fn example(name: &str) -> PathBuf {
    static EXAMPLES: OnceLock<PathBuf> = OnceLock::new();
    EXAMPLES.get_or_init(build).join(name)
}

/// The path of a binary of `examples/greeter`, a package of its own.
#[allow(dead_code, reason = "for the tests with real tools, which share this module")]
pub fn greeter(name: &str) -> PathBuf {
    static GREETER: OnceLock<PathBuf> = OnceLock::new();
    GREETER.get_or_init(|| cargo(&["build", "--quiet", "--package", "greeter"])).join(name)
}

/// The path of a server of gRPC's interoperability cases: `tests/interop/grpc`, a package of its own.
#[allow(dead_code, reason = "for some of the tests that share this module")]
pub fn interop(name: &str) -> PathBuf {
    static INTEROP: OnceLock<PathBuf> = OnceLock::new();
    INTEROP.get_or_init(|| cargo(&["build", "--quiet", "--package", "grpc-interop"])).join(name)
}

fn build() -> PathBuf {
    let examples = ["build", "--quiet", "--all-features", "--example", "contract", "--example", "hello"];
    cargo(&examples).join("examples")
}

/// The folder of what cargo has built. Cargo sets no variable with the path of another package's binary or of an example, so
/// they are found beside this test: `<target>/<profile>/deps`.
fn cargo(args: &[&str]) -> PathBuf {
    let own = std::env::current_exe().expect("a test has a path");
    let target = own.ancestors().nth(3).expect("a test lies in <target>/<profile>/deps").to_owned();
    let cargo = std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into());
    let mut command = Command::new(cargo);
    command.current_dir(env!("CARGO_MANIFEST_DIR")).args(args).arg("--target-dir").arg(&target);
    if is_release() {
        command.arg("--release");
    }
    let built = command.status().expect("cargo can be started");
    assert!(built.success(), "the examples do not build");
    target.join(if is_release() { "release" } else { "debug" })
}
