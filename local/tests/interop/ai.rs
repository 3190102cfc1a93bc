//! The example `ai` behind fc-local: the Model Context Protocol by its official clients, and completions by npm's `openai`.

use std::io::Write;
use std::process::{Child, Command, Stdio};

use serde_json::{Value, json};
use testkit::events::kind;
use testkit::lines::Lines;
use testkit::process::signal;
use testkit::redis::Redis;
use testkit::{Folder, until};

use super::examples_apart::{built, project};
use super::published::installed;
use super::{root, succeed};
use crate::harness::Local;

/// A program that answers each line of its input by one of its output.
struct Client {
    child: Child,
    lines: Lines,
    answers: usize,
}

impl Client {
    #[track_caller]
    fn start(command: &mut Command) -> Self {
        let child = command.stdin(Stdio::piped()).stdout(Stdio::piped()).spawn();
        let mut child = child.unwrap_or_else(|error| panic!("{command:?}: {error}"));
        let lines = Lines::collect(child.stdout.take().unwrap(), |_| false);
        let mut client = Self { child, lines, answers: 0 };
        assert_eq!(client.answer(), "tools: add count instance note notes");
        client
    }

    /// The official client in Rust.
    fn rmcp(url: &str) -> Self {
        Self::start(Command::new(built("examples/mcp_client")).arg(url))
    }

    /// The official client of npm.
    fn npm(url: &str) -> Self {
        Self::start(node("mcp.js").arg(url))
    }

    fn tell(&self, line: &str) {
        writeln!(self.child.stdin.as_ref().unwrap(), "{line}").unwrap();
    }

    #[track_caller]
    fn ask(&mut self, line: &str) -> String {
        self.tell(line);
        self.answer()
    }

    #[track_caller]
    fn answer(&mut self) -> String {
        self.answers += 1;
        until("the client answers", || self.lines.all().get(self.answers - 1).cloned())
    }

    /// Remembers a note, and tells the instance that has the session.
    #[track_caller]
    fn begin(&mut self) -> String {
        assert_eq!(self.ask(r#"add {"a": 1, "b": 2}"#), "3");
        assert_eq!(self.ask(r#"note {"text": "buy tea"}"#), "1");
        assert_eq!(self.ask("notes"), "buy tea");
        self.ask("instance")
    }
}

impl Drop for Client {
    fn drop(&mut self) {
        _ = self.child.kill();
        _ = self.child.wait();
    }
}

fn node(script: &str) -> Command {
    let mut node = Command::new("node");
    node.env("NODE_PATH", installed("ai/node_modules"))
        .arg(root().join("local/tests/interop/ai").join(script));
    node
}

/// The project, whose instances have one session of the protocol each.
fn started(sessions: &str) -> Local {
    let folder: Folder = project("ai", &[("mcp", "dist/mcp"), ("completions", "dist/completions")]);
    let manifest = folder
        .text("s.yaml")
        .replace("\"sessionConcurrencyPerInstance\": 20", "\"sessionConcurrencyPerInstance\": 1");
    let manifest =
        manifest.replace("${env('SESSIONS', '')}", sessions).replace("${env('API_KEYS', '')}", "sk-one");
    folder.write("s.yaml", &manifest);
    let local = Local::start(folder, &["--no-build"]);
    local.wait_for(kind("ready").function("completions"));
    local
}

fn mcp(local: &Local) -> String {
    format!("http://127.0.0.1:{}/mcp", local.function_port("mcp"))
}

fn kill(local: &Local, instance: &str) {
    let started = local.wait_for(kind("instance_started").instance(instance));
    signal(u32::try_from(started["processId"].as_u64().unwrap()).unwrap(), "KILL");
    // A call that breaks off may tell of the end before the process does.
    let is_over = kind("instance_ended").instance(instance).or(kind("instance_stopped").instance(instance));
    local.wait_for(is_over);
}

#[test]
#[ignore = "needs node, npm and the built example: .ci/run runs it with --ignored"]
fn a_session_stays_at_its_instance_and_ends_with_it() {
    let local = started("");
    let url = mcp(&local);
    let (mut rust, mut npm) = (Client::rmcp(&url), Client::npm(&url));
    let (of_rust, of_npm) = (rust.begin(), npm.begin());
    assert_ne!(of_rust, of_npm);
    // The answer is a stream of events: each step comes as it is made.
    assert_eq!(npm.ask(r#"count {"to": 3}"#), "counted to 3 in 3 steps");

    // The crate's client begins a new session by itself, without the notes.
    kill(&local, &of_rust);
    assert_ne!(rust.ask("instance"), of_rust);
    assert_eq!(rust.ask("notes"), "");
    // That of npm says so, and its caller begins anew.
    kill(&local, &of_npm);
    let error = npm.ask("notes");
    assert!(error.starts_with("error: ") && error.to_lowercase().contains("session not found"), "{error}");
    assert_eq!(npm.ask("again"), "tools: add count instance note notes");
    assert_ne!(npm.begin(), of_npm);
}

#[test]
#[ignore = "needs node, npm, redis-server and the built example: .ci/run runs it with --ignored"]
fn a_session_that_is_kept_elsewhere_outlives_its_instance() {
    let redis = Redis::start();
    let local = started(&redis.address());
    let url = mcp(&local);
    for mut client in [Client::rmcp(&url), Client::npm(&url)] {
        let instance = client.begin();
        kill(&local, &instance);
        assert_ne!(client.ask("instance"), instance);
        assert_eq!(client.ask("notes"), "", "what the tools kept in memory is gone");
        assert_eq!(client.ask(r#"add {"a": 2, "b": 2}"#), "4");
    }
    assert_eq!(local.count(kind("request").status(404)), 0);
}

#[test]
#[ignore = "needs node, npm and the built example: .ci/run runs it with --ignored"]
fn a_call_that_runs_when_its_instance_ends_is_over_when_its_caller_says_so() {
    let local = started("");
    let url = mcp(&local);
    let mut clients = [Client::rmcp(&url), Client::npm(&url)];
    let instances = clients.each_mut().map(Client::begin);
    for client in &clients {
        client.tell(r#"count {"to": 600}"#);
    }
    local.wait_for_nth(2, kind("stdout").saying("counting"));
    for instance in &instances {
        kill(&local, instance);
    }
    // Both ask for the rest of the answer, in vain, until the time-out that their callers have set.
    let [rust, npm] = clients.each_mut().map(Client::answer);
    assert_eq!(rust, "error: no answer in time");
    assert!(npm.starts_with("error: ") && npm.contains("timed out"), "{npm}");
}

#[test]
#[ignore = "needs node, npm and the built example: .ci/run runs it with --ignored"]
fn completions_are_read_by_the_client_of_openai() {
    let local = started("");
    let url = format!("http://127.0.0.1:{}/v1", local.function_port("completions"));
    let seen: Value = serde_json::from_str(&succeed(node("completions.js").args([&url, "sk-one"]))).unwrap();
    assert_eq!((&seen["models"], &seen["about"]), (&json!(["readme-chain"]), &json!("model")));
    let whole = seen["whole"].as_str().unwrap();
    assert!(whole.split(' ').count() > 3, "{seen}");
    assert_eq!((&seen["text"], &seen["assembled"]), (&seen["whole"], &seen["whole"]));
    assert_eq!((&seen["usage"], &seen["finish"]), (&seen["wholeUsage"], &json!("stop")));
    assert_eq!(seen["usage"]["completion_tokens"], whole.split(' ').count());
    let error = |name: &str, status: u16, kind: &str, code: Value, param: Value| json!({"name": name, "status": status, "type": kind, "code": code, "param": param});
    let (invalid, none) = ("invalid_request_error", Value::Null);
    assert_eq!(
        seen["errors"]["model"],
        error("NotFoundError", 404, invalid, json!("model_not_found"), json!("model"))
    );
    assert_eq!(
        seen["errors"]["empty"],
        error("BadRequestError", 400, invalid, json!("invalid_value"), json!("messages"))
    );
    assert_eq!(
        seen["errors"]["key"],
        error("AuthenticationError", 401, "authentication_error", none.clone(), none.clone())
    );
    assert_eq!(seen["errors"]["json"], error("UnprocessableEntityError", 422, invalid, none.clone(), none));
    // The client that has left is noticed, and the generation stops.
    assert_eq!(seen["pieces"], 5);
    local.wait_for(kind("request").status(499).field("path", "/v1/chat/completions"));
    local.wait_for(kind("stdout").saying("the client has left: the generation is stopped"));
}
