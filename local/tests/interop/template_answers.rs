//! Each template from the first command to an answer: tested, deployed through a stand-in for the component, and asked
//! one question in its protocol.

use std::process::Command;

use serde_json::{Value, json};
use testkit::events::kind;
use testkit::h1::{Conn, exchange, request};
use testkit::{Folder, until, ws};

use super::clients::curl_status;
use super::template::{Cli, new};
use super::{LONG, builds_quickly, root, run_within, search_path, succeed};
use crate::harness::{Local, program};

/// A project whose tests have passed, and whose program the deployment tool's hook has built, checked and put in its place; served.
struct Served {
    local: Local,
    name: String,
}

impl Served {
    fn of(template: &str) -> Self {
        let folder = new(template, &["--runtime", root().to_str().unwrap()]);
        let name = folder.path().file_name().unwrap().to_str().unwrap().to_owned();
        let (cli, tools) = (Cli::new(), Folder::new());
        let surroundings = |command: &mut Command| {
            builds_quickly(command);
            command.env("PATH", search_path(&tools));
        };
        let sent = cli.deploy(folder.path(), surroundings);
        check(&sent, &name, &folder);
        // The dependencies are those of the package.
        let mut tests = Command::new("cargo");
        tests.args(["test", "--release", "--target", "x86_64-unknown-linux-gnu"]).current_dir(folder.path());
        surroundings(&mut tests);
        let output = run_within(&mut tests, LONG);
        let text = String::from_utf8_lossy(&output.stdout);
        assert!(output.status.success() && text.contains("1 passed"), "{template}: {output:?}");

        let local = Local::spawn(folder, &["--no-build"]);
        let ready = local.wait_for(kind("ready"));
        assert_eq!(ready["function"], name);
        Served { local, name }
    }

    fn port(&self) -> u16 {
        self.local.function_port(&self.name)
    }

    fn ask(&self, method: &str, target: &str, headers: &str, body: &str) -> testkit::Answer {
        exchange(self.port(), &request(method, target, headers, body.as_bytes()))
    }

    /// The output of `fc-local` in the project.
    fn command(&self, arguments: &[&str]) -> String {
        let mut command = Command::new(program());
        command.arg("--template").arg(self.local.folder.file("s.yaml")).args(arguments);
        command.args(["--port", &self.local.main_port().to_string()]);
        succeed(&mut command)
    }
}

/// What the component would deploy.
#[track_caller]
fn check(sent: &Value, name: &str, folder: &Folder) {
    let of = |key: &str| &sent[key];
    assert_eq!(
        (of("functionName"), of("runtime"), of("region")),
        (&json!(name), &json!("custom.debian12"), &json!("cn-hangzhou"))
    );
    assert_eq!(
        (of("code"), of("logConfig"), of("memorySize")),
        (&json!("./code"), &json!("auto"), &json!(512)),
        "{sent}"
    );
    assert_eq!(sent["customRuntimeConfig"]["healthCheckConfig"]["httpGetUrl"], "/healthz", "{sent}");
    assert!(sent["instanceConcurrency"].as_u64() > Some(1) && sent["timeout"].as_u64() > Some(3), "{sent}");
    let program = std::fs::read(folder.file("code/bootstrap")).unwrap();
    let package = root().join("target/templates/fc-package").join(name);
    let symbols = std::fs::read(package.join("bootstrap.debug")).unwrap();
    assert!(program.starts_with(b"\x7fELF") && symbols.len() > program.len() * 2);
    assert!(std::fs::metadata(package.join("code.zip")).unwrap().len() < program.len() as u64);
}

#[test]
#[ignore = "needs node, npm, zig and curl: .ci/run runs it with --ignored"]
fn http() {
    let served = Served::of("http");
    for url in [
        format!("http://127.0.0.1:{}", served.local.main_port()),
        format!("http://127.0.0.1:{}", served.port()),
        format!("http://{}.localhost:{}", served.name, served.local.main_port()),
    ] {
        assert_eq!(curl_status(&[&format!("{url}/hello/you")]), "Hello, you!\n|200");
    }
}

#[test]
#[ignore = "needs node, npm and zig: .ci/run runs it with --ignored"]
fn sse() {
    let reply = Served::of("sse").ask("GET", "/ticks?n=2&pause=1", "last-event-id: 0\r\n", "");
    assert_eq!((reply.status, reply.header("content-type")), (200, Some("text/event-stream")), "{reply:?}");
    assert_eq!(reply.text(), "data: tick 1\nid: 1\n\n");
}

#[test]
#[ignore = "needs node, npm and zig: .ci/run runs it with --ignored"]
fn websocket() {
    let served = Served::of("websocket");
    let mut ann = ws::Client::open(served.port(), "/chat?name=ann");
    ann.text("tea?");
    ann.assert_text("ann: tea?");
    ann.close(1000);
}

#[test]
#[ignore = "needs node, npm, zig and curl: .ci/run runs it with --ignored"]
fn grpc() {
    let served = Served::of("grpc");
    let address = served.local.wait_for(kind("grpc_ready"))["address"].as_str().unwrap().to_owned();
    // A message with the name "tea".
    let question = served.local.folder.file("question");
    std::fs::write(&question, b"\0\0\0\0\x05\x0a\x03tea").unwrap();
    let body = format!("@{}", question.display());
    let headers = ["-H", "content-type: application/grpc", "-H", "te: trailers", "--output", "-"];
    let url = format!("http://{address}/greeter.Greeter/SayHello");
    let answer =
        curl_status(&[&["--http2-prior-knowledge", "--data-binary", &body, &url], &headers[..]].concat());
    assert!(answer.contains("Hello, tea!") && answer.ends_with("|200"), "{answer:?}");
}

#[test]
#[ignore = "needs node, npm and zig: .ci/run runs it with --ignored"]
fn event() {
    let served = Served::of("event");
    let arguments = ["send", "oss", &served.name, "--set", "events.oss.object.key=in/tea.png"];
    assert_eq!(served.command(&arguments).trim_end(), "in/tea.png");
    served.local.wait_for(kind("stdout").saying("objects that end with .png matter"));
}

#[test]
#[ignore = "needs node, npm and zig: .ci/run runs it with --ignored"]
fn asynchronous() {
    let served = Served::of("async");
    let headers =
        "content-type: application/json\r\nx-fc-invocation-type: Async\r\nx-fc-async-task-id: r1\r\n";
    assert_eq!(served.ask("POST", "/report", headers, r#"{"id": "a", "pages": 2}"#).status, 202);
    let task = until("the task has ended", || {
        let task: Value =
            serde_json::from_str(&served.command(&["tasks", "get", &served.name, "r1", "--json"])).unwrap();
        Some(task).filter(|task| task["status"] == "Succeeded")
    });
    let made: Value = serde_json::from_str(task["returnPayload"].as_str().unwrap()).unwrap();
    assert_eq!(made, json!({"id": "a", "pages": 2, "attempt": 1}));
}

#[test]
#[ignore = "needs node, npm and zig: .ci/run runs it with --ignored"]
fn axum() {
    let served = Served::of("axum");
    assert_eq!(served.ask("GET", "/sum?a=1&b=2", "", "").text(), "3");
    let reply = served.ask("POST", "/sum", "content-type: application/json\r\n", r#"{"a": 1, "b": 2}"#);
    assert_eq!((reply.status, reply.text().as_str()), (201, "[3]"));
}

#[test]
#[ignore = "needs node, npm and zig: .ci/run runs it with --ignored"]
fn mcp() {
    let served = Served::of("mcp");
    let post = |session: &str, message: &Value| {
        let headers = format!(
            "content-type: application/json\r\naccept: application/json, text/event-stream\r\n{session}"
        );
        let mut conn = Conn::open(served.port());
        conn.send(&request("POST", "/mcp", &headers, message.to_string().as_bytes()));
        conn.answer("POST")
    };
    let client = json!({"name": "test", "version": "1"});
    let about = json!({"protocolVersion": "2025-06-18", "capabilities": {}, "clientInfo": client});
    let begun = post("", &json!({"jsonrpc": "2.0", "id": 1, "method": "initialize", "params": about}));
    let session = format!("mcp-session-id: {}\r\n", begun.header("mcp-session-id").expect("a session"));
    let told = post(&session, &json!({"jsonrpc": "2.0", "method": "notifications/initialized"}));
    assert_eq!(told.status, 202);
    let call = json!({"name": "add", "arguments": {"a": 1, "b": 2}});
    let sum = post(&session, &json!({"jsonrpc": "2.0", "id": 2, "method": "tools/call", "params": call}));
    assert!(sum.text().contains(r#""text":"3""#), "{}", sum.text());
}

/// The image is built and pushed by the deployment tool's hook: a script stands for docker. `dev` runs the program itself.
#[test]
#[ignore = "needs node and npm: .ci/run runs it with --ignored"]
fn container() {
    let folder = new("container", &["--runtime", root().to_str().unwrap()]);
    let tools = Folder::new();
    let docker = tools.write("docker", "#!/bin/sh\necho \"$*\" >> \"$(dirname \"$0\")/asked\"\n");
    std::fs::set_permissions(docker, std::os::unix::fs::PermissionsExt::from_mode(0o755)).unwrap();
    let path = std::env::join_paths(
        [tools.path().to_owned()].into_iter().chain(std::env::split_paths(&search_path(&tools))),
    );
    let sent = Cli::new().deploy(folder.path(), |command| {
        command.env("PATH", path.unwrap());
    });
    let name = folder.path().file_name().unwrap().to_str().unwrap().to_owned();
    let image = format!("registry.cn-hangzhou.aliyuncs.com/my-namespace/{name}:0.1.0");
    assert_eq!(
        (&sent["runtime"], &sent["customContainerConfig"]["image"], &sent["customContainerConfig"]["port"]),
        (&json!("custom-container"), &json!(image), &json!(9000)),
        "{sent}"
    );
    let clone = root().display();
    let build = format!("build --build-context fc-runtime={clone} --tag {image} .");
    assert_eq!(tools.text("asked"), format!("{build}\npush {image}\n"));

    // As the tests of the other templates, so that what they have built is there.
    let target = "x86_64-unknown-linux-gnu";
    let program = root().join("target/templates").join(target).join("release/app");
    let run = format!("cargo build --release --target {target} && install -D {} code/app", program.display());
    let mut shell = Command::new("sh");
    builds_quickly(shell.args(["-c", &run]).current_dir(folder.path()));
    succeed(&mut shell);
    let local = Local::spawn(folder, &["--no-build"]);
    let reply = exchange(local.function_port(&name), &request("GET", "/hello/you", "", b""));
    assert_eq!((reply.status, reply.text().as_str()), (200, "Hello, you!\n"));
}
