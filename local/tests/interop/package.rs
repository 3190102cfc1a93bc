//! A function with TLS and SQLite, parts of which are C, for the oldest image: built, checked, started, and its panic read.

use std::path::Path;
use std::process::Command;

use testkit::Folder;
use testkit::events::kind;
use testkit::h1::{exchange, request};
use testkit::process::free_port;

use super::{LONG, builds_quickly, root, run_within, search_path};
use crate::harness::{Local, program};

/// The manifest of a function whose package is in the repository.
fn manifest(runtime: &str) -> String {
    let package = root().join("local/tests/interop/package");
    format!(
        "edition: 3.0.0
name: hard
access: default
resources:
  hard:
    component: fc3
    x-local: {{ package: {{ path: {} }} }}
    props:
      region: cn-hangzhou
      functionName: hard
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
fn package(folder: &Path, more: &[&str]) -> String {
    let tools = Folder::new();
    let mut command = Command::new(program());
    command.args(["package", "hard"]).args(more).current_dir(folder).env("PATH", search_path(&tools));
    builds_quickly(&mut command);
    let output = run_within(&mut command, LONG);
    let text = String::from_utf8_lossy(&[output.stdout, output.stderr].concat()).into_owned();
    assert!(output.status.success(), "{text}");
    text
}

fn digest(text: &str) -> &str {
    text.split("sha256 ").nth(1).and_then(|rest| rest.lines().next()).unwrap_or_else(|| panic!("{text}"))
}

/// For each runtime in `FC_PACKAGE_RUNTIMES`; for the oldest one if that is not set.
#[test]
#[ignore = "needs zig: .ci/run runs it with --ignored"]
fn c_parts_run_in_old_images() {
    let runtimes = std::env::var("FC_PACKAGE_RUNTIMES").unwrap_or_else(|_| "custom".to_owned());
    for runtime in runtimes.split(',') {
        let folder = Folder::new();
        folder.write("s.yaml", &manifest(runtime));
        let text = package(folder.path(), &[]);
        assert!(text.contains("resolves host names by the image's glibc; build id "), "{text}");
        assert!(text.contains("and answers its health check /healthz"), "{text}");
        // What stands in the folder is the package, whenever it is packed.
        let again = package(folder.path(), &["--no-build", "--no-start"]);
        assert_eq!(digest(&text), digest(&again));
        if let Some(kept) = std::env::var_os("FC_PACKAGE_KEEP") {
            std::fs::copy(folder.file("code/bootstrap"), Path::new(&kept).join(runtime)).unwrap();
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
