//! gRPC's own interoperability cases, as far as a server takes part in them, by three clients: grpcio, grpc-js and
//! grpclib. Each asks the test service as closures and as generated code.
//!
//! Left out are the cases of authentication, of load balancers, and `cacheable_unary`, which calls by GET.

use std::process::Command;

use crate::support::{Launch, Server, build};
use crate::tools::{node, output, python};
use testkit::Folder;

/// The two servers, by their programs.
const SERVERS: [&str; 2] = ["interop-closures", "interop-service"];

/// What the client in pure Python does: all but compression.
const PLAIN: [&str; 14] = [
    "empty_unary",
    "large_unary",
    "client_streaming",
    "server_streaming",
    "ping_pong",
    "empty_stream",
    "custom_metadata",
    "status_code_and_message",
    "special_status_message",
    "unimplemented_method",
    "unimplemented_service",
    "cancel_after_begin",
    "cancel_after_first_response",
    "timeout_on_sleeping_server",
];

const MORE: [&str; 7] = [
    "client_compressed_unary",
    "client_compressed_streaming",
    "server_compressed_unary",
    "server_compressed_streaming",
    "half_duplex",
    "concurrent_large_unary",
    "channel_soak",
];

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
    run(client, &[&PLAIN[..], &MORE, &["rpc_soak"]].concat());
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
    run(client, &[&PLAIN[..], &MORE, &["rpc_soak"]].concat());
}
