//! gRPC's own interoperability cases, as far as a server takes part in them, by three clients: grpcio, grpc-js and
//! grpclib. Each asks the test service as closures and as generated code.
//!
//! Left out are the cases of authentication, of load balancers, and `cacheable_unary`, which calls by GET, through a cache.

use std::io::Write;
use std::process::{Command, Stdio};

use crate::support::{Launch, Server, build};
use crate::tools::{node, output, python};
use testkit::Folder;
use testkit::grpc_cases::{COMPRESSED, PLAIN};

/// The two servers, by their programs.
const SERVERS: [&str; 2] = ["interop-closures", "interop-service"];

/// The folder of the servers and of their clients.
const FOLDER: &str = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/grpc");

/// Stubs of the test service for both Python clients.
fn stubs() -> Folder {
    let folder = Folder::new();
    let place = folder.path().display();
    let bin = std::path::Path::new(python().get_program()).parent().expect("a folder").to_owned();
    let mut protoc = python();
    // The plug-in of grpclib lies beside Python.
    let path = [bin.as_os_str(), &std::env::var_os("PATH").unwrap_or_default()].join(":".as_ref());
    protoc.env("PATH", path).current_dir(FOLDER).args(["-m", "grpc_tools.protoc", "-I.", "test.proto"]);
    protoc
        .args(["python_out", "grpc_python_out", "grpclib_python_out"].map(|out| format!("--{out}={place}")));
    output(&mut protoc);
    folder
}

/// Runs these cases against both servers.
#[track_caller]
fn run(client: impl Fn(&Server) -> Command, cases: &[&str]) {
    for name in SERVERS {
        let server = Launch::program(build::interop(name)).start();
        let cases = cases.iter().map(|case| match (*case, name) {
            ("custom_metadata", "interop-service") => "custom_metadata_of_streams",
            (case, _) => case,
        });
        println!("{name}\n{}", output(client(&server).args(cases)));
        // The server is there still, and nothing is left behind.
        println!("{}", output(client(&server).arg("empty_unary")));
    }
}

#[test]
#[ignore = "needs grpcio: .ci/run runs it with --ignored"]
fn by_grpcio() {
    let stubs = stubs();
    let client = |server: &Server| {
        let mut python = python();
        python
            .arg(format!("{FOLDER}/clients/grpcio_cases.py"))
            .arg(server.port.to_string())
            .arg(stubs.path());
        python
    };
    run(client, &[&PLAIN[..], &COMPRESSED, &["rpc_soak"]].concat());
}

#[test]
#[ignore = "needs grpclib: .ci/run runs it with --ignored"]
fn by_grpclib() {
    let stubs = stubs();
    let client = |server: &Server| {
        let mut python = python();
        python
            .arg(format!("{FOLDER}/clients/grpclib_cases.py"))
            .arg(server.port.to_string())
            .arg(stubs.path());
        python
    };
    run(client, &[&PLAIN[..], &["rpc_soak"]].concat());
}

#[test]
#[ignore = "needs grpc-js: .ci/run runs it with --ignored"]
fn by_grpc_js() {
    let client = |server: &Server| {
        let mut node = node();
        node.arg(format!("{FOLDER}/clients/grpc_js_cases.js")).arg(server.port.to_string());
        node.arg(format!("{FOLDER}/test.proto"));
        node
    };
    run(client, &[&PLAIN[..], &COMPRESSED, &["rpc_soak"]].concat());
}

/// What a client stream is recorded as that its client cancels: docs/grpc.md says why.
#[track_caller]
fn check_cancelled(name: &str, client: impl Fn(&Server, &str) -> Command, recorded: &[u64]) {
    let server = Server::app("grpc");
    let id = format!("cancelled-by-{name}");
    let mut command = client(&server, &id);
    let mut child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn().expect("a client");
    server.until_seen(&format!("holding:{id}"));
    child.stdin.take().expect("a pipe").write_all(b"now\n").unwrap();
    let done = child.wait_with_output().unwrap();
    assert_eq!(String::from_utf8_lossy(&done.stdout).trim(), "CANCELLED", "{name}");
    let record = server.record(&id);
    assert!(recorded.iter().any(|status| record["status"] == *status), "{name}: {record}");
    if record["status"] == 499 {
        assert_eq!(record["end"], "client left", "{name}: {record}");
    }
}

#[test]
#[ignore = "needs grpcio, grpclib and grpc-js: .ci/run runs it with --ignored"]
fn a_cancelled_client_stream() {
    for name in ["grpcio", "grpclib"] {
        let client = |server: &Server, id: &str| {
            let mut python = python();
            python.arg(format!("{FOLDER}/clients/cancel.py")).args([name, &server.port.to_string(), id]);
            python
        };
        check_cancelled(name, client, &[499]);
    }
    let client = |server: &Server, id: &str| {
        let mut node = node();
        node.arg(format!("{FOLDER}/clients/cancel.js")).args([&server.port.to_string(), id]);
        node
    };
    // It ends the stream, and resets it then: which of the two the method hears first is a matter of a moment.
    check_cancelled("grpc-js", client, &[200, 499]);
}
