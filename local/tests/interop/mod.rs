//! Real clients and real servers. They run when `--ignored` asks for them, and then fail where a tool is missing.

mod ai;
mod alb;
mod alb_corpus;
mod alb_grpc;
mod alb_headers;
mod browser;
mod catalogue;
mod chaos;
mod clients;
mod conform;
mod console;
mod contract;
mod control_sdk;
mod deploy_account;
mod deploy_tool;
mod doctor;
mod document;
mod domains;
mod doors;
mod examples_apart;
mod grpc;
mod har;
mod languages;
mod lift_and_shift;
mod manifests;
mod mcp;
mod networks;
mod nginx;
mod old_images;
mod package;
mod published;
mod queue_sdk;
mod rooms;
mod sarif;
mod schema;
mod sdk;
mod servers;
mod signatures;
mod template;
mod template_answers;
mod upload;
mod websocket;

use std::path::{Path, PathBuf};
use std::process::{Command, Output, Stdio};
use std::time::Duration;

use testkit::Folder;

use published::installed;

/// The repository's root.
fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR")).parent().unwrap()
}

/// A Python that has the clients of `requirements.txt`: `FC_PYTHON`, or the one that `.ci/run tools` makes.
fn python() -> Command {
    let own = root().join("target/python/bin/python3");
    let python = std::env::var_os("FC_PYTHON").map_or(own, PathBuf::from);
    assert!(python.exists(), "{} is absent: run `.ci/run tools`, or name one in FC_PYTHON", python.display());
    Command::new(python)
}

/// The search path with `fc-local`, and with zig and `cargo-zigbuild`: those in `FC_ZIG`, or those that `.ci/run tools` installs.
fn search_path(fc_local: &Folder) -> std::ffi::OsString {
    let own = root().join("target/zig/bin");
    let zig = std::env::var_os("FC_ZIG").map_or(own, PathBuf::from);
    assert!(zig.join("cargo-zigbuild").exists(), "{} is absent: run `.ci/run tools`", zig.display());
    if !fc_local.file("fc-local").exists() {
        fc_local.link("fc-local", crate::harness::program());
    }
    let path = std::env::var_os("PATH").unwrap_or_default();
    let folders = [zig, fc_local.path().to_owned()].into_iter().chain(std::env::split_paths(&path));
    std::env::join_paths(folders).unwrap()
}

/// What builds for an image in tests: one target folder for all, and no optimizations that take long.
fn builds_quickly(command: &mut Command) {
    command
        .env("CARGO_TARGET_DIR", root().join("target/templates"))
        .env("CARGO_PROFILE_RELEASE_LTO", "off")
        .env("CARGO_PROFILE_RELEASE_CODEGEN_UNITS", "16")
        .env("CARGO_PROFILE_RELEASE_OPT_LEVEL", "0");
}

/// Node.js with the clients of gRPC: `FC_NODE_MODULES`, or those that `.ci/run tools` installs.
fn node() -> Command {
    let own = root().join("target/grpc-js/node_modules");
    let modules = std::env::var_os("FC_NODE_MODULES").map_or(own, PathBuf::from);
    assert!(modules.exists(), "{} is absent: run `.ci/run tools`, or name one", modules.display());
    let mut node = Command::new("node");
    node.env("NODE_PATH", modules);
    node
}

/// The binary of one of the library's examples, beside this test: `<target>/debug/deps`.
fn example(name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().nth(3).expect("a test lies in <target>/<profile>/deps");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--all-features", "--example", name, "--target-dir"]).arg(target);
    // Without the limit of other tools: the first build takes long.
    assert!(cargo.current_dir(root()).status().unwrap().success(), "{cargo:?}");
    target.join("debug/examples").join(name)
}

/// The folder with the npm packages that tests use. `.ci/run tools` installs them. Scripts of tests are written beside them.
fn packages() -> PathBuf {
    installed("packages")
}

/// Runs a tool to its end and gives its standard output. A tool that is missing or fails is a failure.
#[track_caller]
fn succeed(command: &mut Command) -> String {
    let output = run(command);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(
        output.status.success(),
        "{command:?}: {}\n{}\n{}",
        output.status,
        text(&output.stdout),
        text(&output.stderr)
    );
    text(&output.stdout)
}

/// How long a build may take, with others that wait for cargo's lock.
const LONG: Duration = Duration::from_secs(20 * 60);

/// Runs a tool to its end, within two minutes.
#[track_caller]
pub(crate) fn run(command: &mut Command) -> Output {
    run_within(command, Duration::from_secs(120))
}

/// Runs a tool to its end, within a time.
#[track_caller]
fn run_within(command: &mut Command, most: Duration) -> Output {
    let child = command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped()).spawn();
    let child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let pid = child.id();
    let (done, wait) = std::sync::mpsc::channel();
    std::thread::spawn(move || {
        if wait.recv_timeout(most).is_err() {
            testkit::process::signal(pid, "KILL");
        }
    });
    let output = child.wait_with_output().unwrap();
    // Nobody waits any more if the time was over.
    _ = done.send(());
    output
}
