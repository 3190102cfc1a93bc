//! gRPC by its real clients: gRPC's own interoperability cases, through the gateway, in plain text and through TLS.

use std::path::{Path, PathBuf};
use std::process::Command;

use testkit::Folder;
use testkit::events::kind;
use testkit::grpc_cases::{COMPRESSED, PLAIN};

use super::browser::{look, serve_page};
use super::{node, python, root, succeed};
use crate::harness::{Local, f, write_manifest};

/// A program of another package of this workspace, beside this test: `<target>/debug`.
pub(super) fn program(package: &str, name: &str) -> PathBuf {
    let own = std::env::current_exe().unwrap();
    let target = own.ancestors().nth(3).expect("a test lies in <target>/<profile>/deps");
    let mut cargo = Command::new(std::env::var_os("CARGO").unwrap_or_else(|| "cargo".into()));
    cargo.args(["build", "--quiet", "--package", package, "--bin", name, "--target-dir"]).arg(target);
    // Without the limit of other tools: the first build takes long.
    assert!(cargo.current_dir(root()).status().unwrap().success(), "{cargo:?}");
    target.join("debug").join(name)
}

/// A running function, and where its calls come in.
struct Served {
    local: Local,
    port: u16,
    authority: String,
}

impl Served {
    fn start(program: &Path) -> Self {
        let folder = Folder::new();
        folder.link("code/bootstrap", program);
        write_manifest(&folder, f().timeout(60).concurrency(200));
        let local = Local::start(folder, &["--no-watch"]);
        let address = local.wait_for(kind("grpc_ready"))["address"].as_str().unwrap().to_owned();
        let port = address.rsplit_once(':').unwrap().1.parse().unwrap();
        let authority = local.wait_for(kind("tls_ready"))["certificate"].as_str().unwrap().to_owned();
        Served { local, port, authority }
    }
}

/// Stubs of a service for the Python clients.
pub(super) fn stubs(folder: &Path, proto: &str, outputs: &[&str]) -> Folder {
    let stubs = Folder::new();
    let bin = Path::new(python().get_program()).parent().expect("a folder").to_owned();
    let mut protoc = python();
    // The plug-in of grpclib lies beside Python.
    let path = [bin.as_os_str(), &std::env::var_os("PATH").unwrap_or_default()].join(":".as_ref());
    protoc.env("PATH", path).current_dir(folder).args(["-m", "grpc_tools.protoc", "-I."]).arg(proto);
    protoc.args(outputs.iter().map(|out| format!("--{out}={}", stubs.path().display())));
    succeed(&mut protoc);
    stubs
}

/// Runs the cases in plain text and through TLS. No call may fail on the way.
#[track_caller]
fn run(client: impl Fn(u16) -> Command, cases: &[&str]) {
    let served = Served::start(&program("grpc-interop", "interop-closures"));
    for is_tls in [false, true] {
        let mut command = client(served.port);
        if is_tls {
            command.env("GRPC_CA", &served.authority);
        }
        succeed(command.args(cases));
    }
    assert_eq!(served.local.count(kind("call_failed")), 0);
    assert_eq!(served.local.count(kind("grpc_plaintext")), 1);
}

pub(super) fn cases() -> PathBuf {
    root().join("tests/interop/grpc")
}

#[test]
#[ignore = "needs grpcio: .ci/run runs it with --ignored"]
fn the_cases_by_grpcio() {
    let stubs = stubs(&cases(), "test.proto", &["python_out", "grpc_python_out"]);
    let client = |port: u16| {
        let mut python = python();
        python.arg(cases().join("clients/grpcio_cases.py")).arg(port.to_string()).arg(stubs.path());
        python
    };
    run(client, &[&PLAIN[..], &COMPRESSED, &["rpc_soak"]].concat());
}

#[test]
#[ignore = "needs grpclib: .ci/run runs it with --ignored"]
fn the_cases_by_grpclib() {
    let stubs = stubs(&cases(), "test.proto", &["python_out", "grpclib_python_out"]);
    let client = |port: u16| {
        let mut python = python();
        python.arg(cases().join("clients/grpclib_cases.py")).arg(port.to_string()).arg(stubs.path());
        python
    };
    run(client, &[&PLAIN[..], &["rpc_soak"]].concat());
}

#[test]
#[ignore = "needs grpc-js: .ci/run runs it with --ignored"]
fn the_cases_by_grpc_js() {
    let client = |port: u16| {
        let mut node = node();
        node.arg(cases().join("clients/grpc_js_cases.js")).arg(port.to_string());
        node.arg(cases().join("test.proto"));
        node
    };
    run(client, &[&PLAIN[..], &COMPRESSED, &["rpc_soak"]].concat());
}

#[test]
#[ignore = "needs grpcio: .ci/run runs it with --ignored"]
fn grpcio_calls_a_greeter() {
    let stubs = stubs(&root().join("proto"), "greeter.proto", &["python_out", "grpc_python_out"]);
    let served = Served::start(&program("greeter", "greeter"));
    let parts = [
        "kinds",
        "sizes",
        "compressed",
        "deadline",
        "cancellation",
        "unknown",
        "refusal",
        "health",
        "reflection",
    ];
    for is_tls in [false, true] {
        let mut client = python();
        client
            .arg(root().join("tests/interop/grpc_client.py"))
            .arg(served.port.to_string())
            .arg(stubs.path());
        if is_tls {
            client.env("GRPC_CA", &served.authority);
        }
        println!("{}", succeed(client.args(parts)));
    }
}

/// curl trusts the authority, and speaks the version that it is asked for.
#[test]
#[ignore = "needs curl: .ci/run runs it with --ignored"]
fn curl_speaks_each_version_through_tls() {
    let local = Local::scripted(f());
    let authority = local.wait_for(kind("tls_ready"))["certificate"].as_str().unwrap().to_owned();
    for (option, version) in [("--http2", "2"), ("--http1.1", "1.1")] {
        let url = format!("https://localhost:{}/seen", local.main_port());
        let mut curl = Command::new("curl");
        curl.args([
            "--silent",
            "--show-error",
            "--cacert",
            &authority,
            option,
            "--write-out",
            "%{http_version}",
            &url,
        ]);
        let text = succeed(&mut curl);
        assert!(text.contains("x-forwarded-proto: https") && text.ends_with(version), "{text}");
    }
}

/// A page of another origin, at the main port: gRPC-Web is HTTP. The clock of the page runs ahead while it waits for
/// nothing else.
#[test]
#[ignore = "needs chromium: .ci/run runs it with --ignored"]
fn a_browser_calls_by_grpc_web_at_the_main_port() {
    let folder = Folder::new();
    folder.link("code/bootstrap", program("greeter", "greeter"));
    write_manifest(&folder, f().timeout(60).concurrency(200));
    let local = Local::start(folder, &["--no-watch"]);
    let page = serve_page(include_str!("../../../tests/interop/grpc_web.html"));
    let base = format!("http://f.localhost:{}", local.main_port());
    let seen = look(&format!("http://127.0.0.1:{page}/?base={base}"), &["--virtual-time-budget=20000"]);
    let all = "one: 0 Hello tea; text: 0 Hello tea; several: 0 Hello tea,Bonjour tea,你好 tea; refused: 3; nowhere: 12";
    assert_eq!(seen, all);
    local.wait_for(
        kind("request").field("path", "/greeter.Greeter/SayHellos").status(200).field("method", "POST"),
    );
    // The preflights are the gateway's.
    local.wait_for(
        kind("request").field("path", "/greeter.Greeter/SayHello").field("method", "OPTIONS").status(200),
    );
}
