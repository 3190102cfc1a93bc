//! gRPC by its real clients: grpcio, h2load, nghttp, nginx's `grpc_pass`, a browser's `fetch`.

use std::process::{Child, Command, Stdio};

use crate::support::server::free_port;
use crate::support::wait::until;
use crate::support::{Launch, Server, build};
use crate::{Folder, is_wanted, python};

/// What every greeter has to pass.
const ALL: [&str; 7] = ["kinds", "sizes", "compressed", "deadline", "cancellation", "unknown", "refusal"];

fn greeter(name: &'static str) -> Server {
    Launch::program(build::greeter(name)).start()
}

/// The stubs of `proto/greeter.proto`.
fn stubs(name: &str) -> Folder {
    let folder = Folder::new(name);
    let place = folder.0.display();
    let made = python()
        .current_dir(env!("CARGO_MANIFEST_DIR"))
        .args(["-m", "grpc_tools.protoc", "-Iproto", "proto/greeter.proto"])
        .args([format!("--python_out={place}"), format!("--grpc_python_out={place}")])
        .status();
    assert!(made.expect("a Python").success(), "the stubs are not made");
    folder
}

#[track_caller]
fn ask(port: u16, parts: &[&str]) {
    let folder = stubs(&format!("grpc-stubs-{port}"));
    let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/interop/grpc_client.py");
    let done =
        python().arg(script).arg(port.to_string()).arg(&folder.0).args(parts).output().expect("a Python");
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    assert!(done.status.success(), "{}{}", text(&done.stdout), text(&done.stderr));
    println!("{}", text(&done.stdout));
}

#[test]
fn grpcio_calls_closures() {
    if !is_wanted() {
        return;
    }
    let server = greeter("greeter");
    ask(server.port, &[&ALL[..], &["health", "reflection"]].concat());
    let contract = Server::contract();
    ask(contract.port, &["kinds", "sizes", "deadline", "cancellation", "unknown"]);
    let record = &contract.records("py-cancelled", 1)[0];
    assert_eq!((&record["status"], &record["end"]), (&499.into(), &"client left".into()), "{record}");
}

#[test]
fn grpcio_calls_a_generated_service() {
    if !is_wanted() {
        return;
    }
    let server = greeter("greeter-service");
    let parts: Vec<_> = ALL.into_iter().filter(|part| *part != "sizes" && *part != "compressed").collect();
    ask(server.port, &[&parts[..], &["health", "reflection"]].concat());
}

/// nginx speaks gRPC to the function, as a gateway does.
struct Proxy {
    child: Child,
    port: u16,
    folder: Folder,
}

impl Proxy {
    #[track_caller]
    fn start(upstream: u16) -> Self {
        let folder = Folder::new("nginx-grpc");
        let port = free_port();
        let place = folder.0.display();
        let config = format!(
            "daemon off;\nmaster_process off;\npid {place}/pid;\nerror_log {place}/error.log warn;\n\
             events {{ worker_connections 256; }}\n\
             http {{\naccess_log {place}/access.log;\n\
             client_body_temp_path {place}/b;\nproxy_temp_path {place}/p;\nfastcgi_temp_path {place}/f;\n\
             uwsgi_temp_path {place}/u;\nscgi_temp_path {place}/s;\nclient_max_body_size 64m;\n\
             upstream function {{ server 127.0.0.1:{upstream}; keepalive 4; }}\n\
             server {{\nlisten 127.0.0.1:{port};\nhttp2 on;\n\
             location / {{ grpc_pass grpc://function; }}\n}}\n}}\n"
        );
        std::fs::write(folder.file("nginx.conf"), config).unwrap();
        let mut child = Command::new("nginx")
            .arg("-p")
            .arg(&folder.0)
            .arg("-e")
            .arg(folder.file("error.log"))
            .arg("-c")
            .arg(folder.file("nginx.conf"))
            .stdout(Stdio::null())
            .stderr(Stdio::null())
            .spawn()
            .expect("nginx is installed");
        until("nginx to listen", || {
            let ended = child.try_wait().unwrap();
            assert!(ended.is_none(), "nginx ended: {}", folder.text("error.log"));
            std::net::TcpStream::connect(("127.0.0.1", port)).ok()
        });
        Self { child, port, folder }
    }
}

impl Drop for Proxy {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
    }
}

#[test]
fn grpcio_calls_through_nginx() {
    if !is_wanted() {
        return;
    }
    let server = greeter("greeter");
    let proxy = Proxy::start(server.port);
    ask(proxy.port, &["kinds", "deadline", "unknown", "refusal", "health", "reflection"]);
    let errors = proxy.folder.text("error.log");
    assert!(!errors.contains("[error]"), "{errors}");
}

/// A file with the frame of a message with the name "tea".
fn frame(folder: &Folder) -> std::path::PathBuf {
    let path = folder.file("frame");
    std::fs::write(&path, b"\x00\x00\x00\x00\x05\x0a\x03tea").unwrap();
    path
}

#[track_caller]
fn output(command: &mut Command) -> String {
    let done = command.output().unwrap_or_else(|error| panic!("{command:?}: {error}"));
    let text = format!("{}{}", String::from_utf8_lossy(&done.stdout), String::from_utf8_lossy(&done.stderr));
    assert!(done.status.success(), "{text}");
    text
}

#[test]
fn h2load_gets_every_call_answered() {
    if !is_wanted() {
        return;
    }
    let server = Server::contract();
    let folder = Folder::new("h2load-grpc");
    let mut command = Command::new("h2load");
    command.args([
        "-n",
        "20000",
        "-c",
        "8",
        "-m",
        "32",
        "-H",
        "content-type: application/grpc",
        "-H",
        "te: trailers",
    ]);
    command.arg("-d").arg(frame(&folder));
    let text = output(command.arg(format!("http://127.0.0.1:{}/greeter.Greeter/SayHello", server.port)));
    assert!(text.contains("20000 succeeded, 0 failed, 0 errored, 0 timeout"), "{text}");
    assert_eq!(server.counter("finished"), 20_000);
}

#[test]
fn nghttp_and_curl_see_trailers() {
    if !is_wanted() {
        return;
    }
    let server = Server::contract();
    let folder = Folder::new("nghttp-grpc");
    let target = format!("http://127.0.0.1:{}/greeter.Greeter/SayHello", server.port);
    let mut nghttp = Command::new("nghttp");
    nghttp.args([
        "-v",
        "-H",
        ":method: POST",
        "-H",
        "content-type: application/grpc",
        "-H",
        "te: trailers",
        "-d",
    ]);
    let text = output(nghttp.arg(frame(&folder)).arg(&target));
    assert!(text.contains("grpc-status: 0"), "{text}");
    let mut curl = Command::new("curl");
    curl.args(["--silent", "--http2-prior-knowledge", "--dump-header", "-", "--output"])
        .arg(folder.file("reply"));
    curl.args(["-H", "content-type: application/grpc", "-H", "te: trailers", "--data-binary"]);
    let text = output(curl.arg(format!("@{}", frame(&folder).display())).arg(&target));
    assert!(text.contains("grpc-status: 0"), "{text}");
    assert_eq!(std::fs::read(folder.file("reply")).unwrap(), b"\x00\x00\x00\x00\x0b\x0a\x09Hello tea");
}

/// Pages of another origin call every kind that a page can, in both forms, and read errors.
#[test]
fn a_browser_calls_by_grpc_web() {
    if !is_wanted() {
        return;
    }
    let server = greeter("greeter");
    let page = crate::cors_browser::serve_page(include_str!("grpc_web.html"));
    let seen = crate::cors_browser::browse(&format!("http://127.0.0.1:{page}"), server.port);
    println!("{seen}");
    assert_eq!(
        seen,
        "one: 0 Hello tea; text: 0 Hello tea; several: 0 Hello tea,Bonjour tea,你好 tea; refused: 3; nowhere: 12"
    );
}
