//! A function with TLS and SQLite, parts of which are C: built for the images and with musl, checked, started, and its panic read.

use std::path::Path;
use std::process::Command;

use testkit::Folder;
use testkit::events::kind;
use testkit::h1::{exchange, request};
use testkit::process::free_port;

use super::old_images::{NameServer, empty_root, roots, start_in};
use super::{LONG, builds_quickly, root, run_within, search_path};
use crate::harness::{Local, program};

/// The manifest of a function whose package is in the repository. Functions of one name would share a folder for their zips.
fn manifest(name: &str, runtime: &str, target: &str) -> String {
    let package = root().join("local/tests/interop/package");
    format!(
        "edition: 3.0.0
name: hard
access: default
resources:
  {name}:
    component: fc3
    x-local: {{ package: {{ path: {}{target} }} }}
    props:
      region: cn-hangzhou
      functionName: {name}
      runtime: {runtime}
      code: ./code
      timeout: 30
      instanceConcurrency: 5
      environmentVariables: {{ RUST_BACKTRACE: '1' }}
      customRuntimeConfig: {{ port: 9000, healthCheckConfig: {{ httpGetUrl: /healthz }} }}
      triggers:
        - triggerName: http
          triggerType: http
          triggerConfig: {{ authType: anonymous, methods: [GET] }}
",
        package.display()
    )
}

/// `fc-local package` in a folder. Gives everything it printed.
#[track_caller]
fn package(folder: &Path, name: &str, more: &[&str]) -> String {
    let tools = Folder::new();
    let mut command = Command::new(program());
    command.args(["package", name]).args(more).current_dir(folder).env("PATH", search_path(&tools));
    builds_quickly(&mut command);
    let output = run_within(&mut command, LONG);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

fn digest(text: &str) -> &str {
    text.split("sha256 ").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_else(|| panic!("{text}"))
}

/// Asks a program in a root for what its parts in C do, and has it resolve a name.
#[track_caller]
fn check_in(root: &Path, program: &Path, names: &NameServer) {
    names.set_in(root);
    let (_program, port) = start_in(root, program);
    let ask = |target: &str| exchange(port, &request("GET", target, "", b"")).text();
    assert!(ask("/sqlite").starts_with("3."), "{}", root.display());
    let refused = ask(&format!("/tls?host=tls.fc-local.test&port={}", free_port()));
    assert!(refused.contains("ConnectionRefused") || refused.contains("Connection refused"), "{refused}");
    names.assert_asked("tls.fc-local.test");
}

#[test]
#[ignore = "needs zig and root: .ci/run runs it with --ignored"]
fn with_musl_a_program_needs_nothing_else() {
    let folder = Folder::new();
    folder.write("s.yaml", &manifest("hard-musl", "custom", ", target: musl"));
    let text = package(folder.path(), "hard-musl", &[]);
    for part in [
        "x86_64-unknown-linux-musl by cargo-zigbuild",
        "needs no library; resolves host names by itself; build id ",
        "and answers its health check /healthz",
    ] {
        assert!(text.contains(part), "`{part}` in {text}");
    }
    let program = folder.file("code/bootstrap");
    let root = empty_root();
    let (alone, port) = start_in(root.path(), &program);
    assert!(exchange(port, &request("GET", "/sqlite", "", b"")).text().starts_with("3."));
    drop(alone);
    check_in(root.path(), &program, &NameServer::start());
}

/// For each runtime in `FC_PACKAGE_RUNTIMES`; for the oldest one if that is not set.
#[test]
#[ignore = "needs zig: .ci/run runs it with --ignored"]
fn c_parts_run_in_old_images() {
    let runtimes = std::env::var("FC_PACKAGE_RUNTIMES").unwrap_or_else(|_| "custom".to_owned());
    let names = NameServer::start();
    for runtime in runtimes.split(',') {
        let folder = Folder::new();
        folder.write("s.yaml", &manifest("hard", runtime, ""));
        let text = package(folder.path(), "hard", &[]);
        assert!(text.contains("resolves host names by the image's glibc; build id "), "{text}");
        assert!(text.contains("and answers its health check /healthz"), "{text}");
        // What stands in the folder is the package, whenever it is packed.
        let again = package(folder.path(), "hard", &["--no-build", "--no-start"]);
        assert_eq!(digest(&text), digest(&again));
        for root in roots() {
            check_in(&root, &folder.file("code/bootstrap"), &names);
            eprintln!("{runtime} answers in {}: {text}", root.display());
        }

        let local = Local::start(folder, &["--no-build", "--no-watch"]);
        let ask = |target: &str| exchange(local.function_port("hard"), &request("GET", target, "", b""));
        assert!(ask("/sqlite").text().starts_with("3."));
        let refused = ask(&format!("/tls?port={}", free_port())).text();
        assert!(refused.contains("ConnectionRefused") || refused.contains("Connection refused"), "{refused}");
        assert_eq!(ask("/panic").status, 500);
        let line = local.wait_for(kind("stdout").saying("panicked at"));
        let said = line["text"].as_str().unwrap_or_else(|| panic!("{line}")).to_owned();
        assert!(said.contains("bootstrap+0x") && !said.contains("deep_below"), "{said}");

        let symbols = root().join("target/templates/fc-package/hard/bootstrap.debug");
        let launch = testkit::Launch::new(program()).args(["symbolize".into(), symbols.into_os_string()]);
        let ended = launch.input(said).run();
        assert!(
            ended.out.contains("hard::deep_below at ") && ended.out.contains("src/main.rs:"),
            "{}",
            ended.out
        );
        assert_eq!((ended.code, ended.err.as_str()), (Some(0), ""));
    }
}
