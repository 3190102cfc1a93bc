//! gRPC by its real clients: grpcio, h2load, nghttp, nginx's `grpc_pass`, a browser's `fetch`.

use std::process::Command;

use crate::browser::{browse, serve_page};
use crate::support::{Launch, Server, build};
use crate::tools::{output, python};
use testkit::Folder;
use testkit::proxy::{Config, Proxy};

/// What every greeter has to pass.
const ALL: [&str; 7] = ["kinds", "sizes", "compressed", "deadline", "cancellation", "unknown", "refusal"];

fn greeter(name: &'static str) -> Server {
    Launch::program(build::greeter(name)).start()
}

/// The stubs of `proto/greeter.proto`.
pub fn stubs() -> Folder {
    let folder = Folder::new();
    let place = folder.path().display();
    output(
        python()
            .current_dir(env!("CARGO_MANIFEST_DIR"))
            .args(["-m", "grpc_tools.protoc", "-Iproto", "proto/greeter.proto"])
            .args([format!("--python_out={place}"), format!("--grpc_python_out={place}")]),
    );
    folder
}

#[track_caller]
fn ask(port: u16, parts: &[&str]) {
    let folder = stubs();
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/grpc_client.py");
    println!("{}", output(python().arg(script).arg(port.to_string()).arg(folder.path()).args(parts)));
}

#[test]
#[ignore = "needs grpcio: .ci/run runs it with --ignored"]
fn grpcio_calls_closures() {
    let server = greeter("greeter");
    ask(server.port, &[&ALL[..], &["health", "reflection"]].concat());
    let contract = Server::contract();
    ask(contract.port, &["kinds", "sizes", "deadline", "cancellation", "unknown"]);
    let record = contract.record("py-cancelled");
    assert_eq!((&record["status"], &record["end"]), (&499.into(), &"client left".into()), "{record}");
}

#[test]
#[ignore = "needs grpcio: .ci/run runs it with --ignored"]
fn grpcio_calls_a_generated_service() {
    let server = greeter("greeter-service");
    let parts: Vec<_> = ALL.into_iter().filter(|part| *part != "sizes" && *part != "compressed").collect();
    ask(server.port, &[&parts[..], &["health", "reflection"]].concat());
}

/// nginx speaks gRPC to the function, as a gateway does.
#[test]
#[ignore = "needs grpcio and nginx: .ci/run runs it with --ignored"]
fn grpcio_calls_through_nginx() {
    let server = greeter("greeter");
    let config =
        Config { http: "client_max_body_size 64m;", listen: "http2", location: "grpc_pass grpc://function;" };
    let proxy = Proxy::start(server.port, &config);
    ask(proxy.port, &["kinds", "deadline", "unknown", "refusal", "health", "reflection"]);
    proxy.assert_no_error();
}

const HEADERS: [&str; 4] = ["-H", "content-type: application/grpc", "-H", "te: trailers"];

/// A file with the frame of a message with the name "tea".
fn frame(folder: &Folder) -> std::path::PathBuf {
    let path = folder.file("frame");
    std::fs::write(&path, b"\x00\x00\x00\x00\x05\x0a\x03tea").unwrap();
    path
}

#[test]
#[ignore = "needs h2load: .ci/run runs it with --ignored"]
fn h2load_gets_every_call_answered() {
    let server = Server::contract();
    let folder = Folder::new();
    let mut command = Command::new("h2load");
    command.args(["-n", "20000", "-c", "8", "-m", "32"]).args(HEADERS);
    command.arg("-d").arg(frame(&folder));
    let text = output(command.arg(format!("http://127.0.0.1:{}/greeter.Greeter/SayHello", server.port)));
    assert!(text.contains("20000 succeeded, 0 failed, 0 errored, 0 timeout"), "{text}");
    assert_eq!(server.counter("finished"), 20_000);
}

#[test]
#[ignore = "needs nghttp and curl: .ci/run runs it with --ignored"]
fn nghttp_and_curl_see_trailers() {
    let server = Server::contract();
    let folder = Folder::new();
    let target = format!("http://127.0.0.1:{}/greeter.Greeter/SayHello", server.port);
    let mut nghttp = Command::new("nghttp");
    nghttp.args(["-v", "-H", ":method: POST"]).args(HEADERS).arg("-d");
    let text = output(nghttp.arg(frame(&folder)).arg(&target));
    assert!(text.contains("grpc-status: 0"), "{text}");
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--http2-prior-knowledge", "--dump-header", "-", "--output"])
        .arg(folder.file("reply"));
    curl.args(HEADERS).arg("--data-binary");
    let text = output(curl.arg(format!("@{}", frame(&folder).display())).arg(&target));
    assert!(text.contains("grpc-status: 0"), "{text}");
    assert_eq!(std::fs::read(folder.file("reply")).unwrap(), b"\x00\x00\x00\x00\x0b\x0a\x09Hello tea");
}

/// Pages of another origin call every kind that a page can, in both forms, and read errors.
#[test]
#[ignore = "needs chromium: .ci/run runs it with --ignored"]
fn a_browser_calls_by_grpc_web() {
    let server = greeter("greeter");
    let page = serve_page(include_str!("grpc_web.html"));
    let seen = browse(&format!("http://127.0.0.1:{page}"), server.port);
    println!("{seen}");
    assert_eq!(
        seen,
        "one: 0 Hello tea; text: 0 Hello tea; several: 0 Hello tea,Bonjour tea,你好 tea; refused: 3; nowhere: 12"
    );
}
