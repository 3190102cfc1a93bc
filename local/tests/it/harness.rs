//! Starts the real program on a manifest of a test, and talks to it over sockets.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::{Ipv4Addr, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Condvar, Mutex};
use std::time::{Duration, Instant};

use serde_json::Value;

/// How long something that must happen may take. Nothing is asserted about how fast it is.
pub(crate) const PATIENCE: Duration = Duration::from_secs(30);

/// The program: the one of this build, unless `FC_LOCAL_PROGRAM` names another one, such as a release build.
pub(crate) fn program() -> String {
    let Some(named) = std::env::var_os("FC_LOCAL_PROGRAM") else {
        return env!("CARGO_BIN_EXE_fc-local").to_owned();
    };
    // It is named from the repository's root, and some tests start it in a folder of theirs.
    let named = Path::new(env!("CARGO_MANIFEST_DIR")).join("..").join(named);
    let path = std::fs::canonicalize(&named)
        .unwrap_or_else(|error| panic!("FC_LOCAL_PROGRAM: {}: {error}", named.display()));
    path.to_str().unwrap().to_owned()
}

/// The function of the tests.
pub(crate) const SCRIPTED: &str = env!("CARGO_BIN_EXE_fc-local-scripted");

/// A folder that is removed in the end.
#[derive(Debug)]
pub(crate) struct Folder(PathBuf);

impl Folder {
    pub(crate) fn new() -> Self {
        static COUNT: AtomicUsize = AtomicUsize::new(0);
        let number = COUNT.fetch_add(1, Ordering::Relaxed);
        let path = std::env::temp_dir().join(format!("fclt-{}-{number}", std::process::id()));
        std::fs::create_dir_all(&path).unwrap();
        Folder(path)
    }

    pub(crate) fn path(&self) -> &Path {
        &self.0
    }

    pub(crate) fn write(&self, name: &str, text: &str) -> PathBuf {
        let path = self.0.join(name);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(&path, text).unwrap();
        path
    }

    /// Puts the scripted function into `code/bootstrap`.
    pub(crate) fn scripted(&self) {
        std::fs::create_dir_all(self.0.join("code")).unwrap();
        std::os::unix::fs::symlink(SCRIPTED, self.0.join("code/bootstrap")).unwrap();
    }
}

impl Drop for Folder {
    fn drop(&mut self) {
        drop(std::fs::remove_dir_all(&self.0));
    }
}

const SPACES: &str = "          ";

/// A manifest with one scripted function `f`; `props` are further lines of its `props`, `extra` further
/// lines of its resource, both indented by nothing.
pub(crate) fn manifest(props: &str, extra: &str) -> String {
    let indent =
        |text: &str, by: usize| text.lines().flat_map(|line| [&SPACES[..by], line, "\n"]).collect::<String>();
    let trigger = if props.contains("triggers:") {
        String::new()
    } else {
        let line = "triggers: [{triggerName: http, triggerType: http, triggerConfig: {authType: anonymous, \
                    methods: [GET, POST, PUT, DELETE, HEAD, PATCH]}}]";
        indent(line, 6)
    };
    let base = "edition: 3.0.0\nname: test\nresources:\n  f:\n    component: fc3\n";
    let fixed = "    props:\n      functionName: f\n      region: cn-hangzhou\n      runtime: custom.debian12\n      code: ./code\n";
    format!("{base}{}{fixed}{}{trigger}", indent(extra, 4), indent(props, 6))
}

#[derive(Debug, Default)]
struct Seen {
    events: Vec<Value>,
    is_over: bool,
}

/// A running `fc-local dev`.
#[derive(Debug)]
pub(crate) struct Local {
    pub(crate) folder: Folder,
    pub(crate) child: Child,
    seen: Arc<(Mutex<Seen>, Condvar)>,
}

impl Local {
    /// Starts a manifest with the scripted function and waits until it is ready.
    pub(crate) fn scripted(props: &str, extra: &str) -> Self {
        let folder = Folder::new();
        folder.scripted();
        folder.write("s.yaml", &manifest(props, extra));
        Local::start(folder, &[])
    }

    /// Starts the manifest in `folder` and waits until the first function is ready.
    pub(crate) fn start(folder: Folder, arguments: &[&str]) -> Self {
        let local = Local::spawn(folder, arguments);
        local.wait_for("the function is ready", |event| event["kind"] == "ready");
        local
    }

    /// Starts the manifest in `folder` with its output in the file `out` beside it.
    pub(crate) fn spawn_into_file(folder: Folder, arguments: &[&str]) -> Self {
        let out = std::fs::File::create(folder.path().join("out")).unwrap();
        let mut child = Command::new(program());
        child.arg("--template").arg(folder.path().join("s.yaml")).args(["dev", "--port", "0"]);
        let child = child.args(arguments).stdin(Stdio::null()).stdout(out).spawn().unwrap();
        Local { folder, child, seen: Arc::default() }
    }

    /// Starts the manifest in `folder`.
    pub(crate) fn spawn(folder: Folder, arguments: &[&str]) -> Self {
        let mut child = Command::new(program())
            .args(["--template", folder.path().join("s.yaml").to_str().unwrap(), "dev", "--json"])
            .args(if arguments.contains(&"--port") { &[][..] } else { &["--port", "0"] })
            .args(arguments)
            .env("FC_LOCAL_TEST_SECRET", "test-secret-value")
            .stdin(Stdio::null())
            .stdout(Stdio::piped())
            .stderr(Stdio::inherit())
            .spawn()
            .unwrap();
        let seen = Arc::new((Mutex::new(Seen::default()), Condvar::new()));
        let (stdout, writer) = (child.stdout.take().unwrap(), Arc::clone(&seen));
        std::thread::spawn(move || {
            for line in BufReader::new(stdout).lines().map_while(Result::ok) {
                let event = serde_json::from_str(&line).unwrap_or_else(|_| panic!("no JSON: {line}"));
                writer.0.lock().unwrap().events.push(event);
                writer.1.notify_all();
            }
            writer.0.lock().unwrap().is_over = true;
            writer.1.notify_all();
        });
        Local { folder, child, seen }
    }

    /// Waits for an event, among those that have come and those that will.
    #[track_caller]
    pub(crate) fn wait_for(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_for_nth(what, 1, wanted)
    }

    /// Waits for the nth event of its kind.
    #[track_caller]
    pub(crate) fn wait_for_nth(&self, what: &str, nth: usize, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_within(what, nth, PATIENCE, wanted)
    }

    #[track_caller]
    fn wait_within(&self, what: &str, nth: usize, limit: Duration, wanted: impl Fn(&Value) -> bool) -> Value {
        let end = Instant::now() + limit;
        let mut seen = self.seen.0.lock().unwrap();
        loop {
            if let Some(found) = seen.events.iter().filter(|event| wanted(event)).nth(nth - 1) {
                return found.clone();
            }
            let left = end.saturating_duration_since(Instant::now());
            assert!(!left.is_zero() && !seen.is_over, "never seen: {what}; seen: {:#?}", seen.events);
            seen = self.seen.1.wait_timeout(seen, left).unwrap().0;
        }
    }

    /// Waits for a line in which `text` occurs.
    #[track_caller]
    pub(crate) fn wait_for_text(&self, text: &str) -> Value {
        self.wait_for(text, |event| event["text"].as_str().is_some_and(|line| line.contains(text)))
    }

    /// As [`wait_for`](Self::wait_for), for what includes a build.
    #[track_caller]
    pub(crate) fn wait_for_long(&self, what: &str, wanted: impl Fn(&Value) -> bool) -> Value {
        self.wait_within(what, 1, PATIENCE * 10, wanted)
    }

    pub(crate) fn events(&self) -> Vec<Value> {
        self.seen.0.lock().unwrap().events.clone()
    }

    /// How many events match.
    pub(crate) fn count(&self, wanted: impl Fn(&Value) -> bool) -> usize {
        self.events().iter().filter(|event| wanted(event)).count()
    }

    /// The port that a URL of the first `ready` event names.
    fn port(&self, url: &str, function: &str) -> u16 {
        let ready = self.wait_for("ready", |event| event["kind"] == "ready" && event["function"] == function);
        ready[url].as_str().unwrap().trim_end_matches('/').rsplit_once(':').unwrap().1.parse().unwrap()
    }

    /// The main port.
    pub(crate) fn main_port(&self) -> u16 {
        let ready = self.wait_for("ready", |event| event["kind"] == "ready");
        let function = ready["function"].as_str().unwrap().to_owned();
        self.port("url", &function)
    }

    /// The port of a function.
    pub(crate) fn function_port(&self, function: &str) -> u16 {
        self.port("portUrl", function)
    }

    /// Sends a request without a body to function `f`.
    pub(crate) fn get(&self, target: &str) -> Reply {
        self.call("GET", target, "", b"")
    }

    /// Sends a request to function `f`.
    pub(crate) fn call(&self, method: &str, target: &str, headers: &str, body: &[u8]) -> Reply {
        exchange(self.function_port("f"), &request(method, target, headers, body))
    }

    /// Calls the function as the API's callers do.
    pub(crate) fn invoke(&self, headers: &str, event: &[u8]) -> Reply {
        let target = "/2023-03-30/functions/f/invocations";
        exchange(self.main_port(), &request("POST", target, headers, event))
    }

    /// Ends fc-local as Ctrl-C does, and gives its exit code.
    pub(crate) fn interrupt(&mut self) -> Option<i32> {
        signal(self.child.id(), "INT");
        self.child.wait().unwrap().code()
    }
}

impl Drop for Local {
    fn drop(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }
}

/// Sends a signal by the system's own tool.
pub(crate) fn signal(pid: u32, name: &str) {
    let status = Command::new("sh").args(["-c", &format!("kill -{name} {pid}")]).status().unwrap();
    assert!(status.success(), "kill -{name} {pid}");
}

/// Whether a process runs; one that is dead but not reaped does not.
pub(crate) fn is_running(pid: u32) -> bool {
    std::fs::read_to_string(format!("/proc/{pid}/stat"))
        .is_ok_and(|stat| !stat.rsplit_once(')').is_some_and(|(_, rest)| rest.trim_start().starts_with('Z')))
}

/// Waits until `condition` holds.
#[track_caller]
pub(crate) fn eventually(what: &str, mut condition: impl FnMut() -> bool) {
    let end = Instant::now() + PATIENCE;
    while !condition() {
        assert!(Instant::now() < end, "never: {what}");
        #[expect(clippy::disallowed_methods, reason = "a thread of a test waits, not an executor")]
        std::thread::sleep(Duration::from_millis(10));
    }
}

/// The bytes of a request.
pub(crate) fn request(method: &str, target: &str, headers: &str, body: &[u8]) -> Vec<u8> {
    let length = if body.is_empty() && method == "GET" {
        String::new()
    } else {
        format!("content-length: {}\r\n", body.len())
    };
    let head = format!("{method} {target} HTTP/1.1\r\nhost: 127.0.0.1\r\n{length}{headers}\r\n");
    [head.as_bytes(), body].concat()
}

/// A reply, as it came.
#[derive(Debug, Clone)]
pub(crate) struct Reply {
    pub(crate) status: u16,
    pub(crate) head: String,
    pub(crate) body: Vec<u8>,
    /// Whether the body came to its proper end.
    pub(crate) is_complete: bool,
}

impl Reply {
    /// All values of a header, joined by `, `; `None` if it is not there.
    pub(crate) fn header(&self, name: &str) -> Option<String> {
        let lines = self.head.lines().filter_map(|line| line.split_once(": "));
        let values: Vec<&str> =
            lines.filter(|(key, _)| key.eq_ignore_ascii_case(name)).map(|(_, value)| value).collect();
        (!values.is_empty()).then(|| values.join(", "))
    }

    pub(crate) fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    #[track_caller]
    pub(crate) fn json(&self) -> Value {
        serde_json::from_slice(&self.body).unwrap_or_else(|_| panic!("no JSON: {self:?}"))
    }

    pub(crate) fn id(&self) -> String {
        self.header("x-fc-request-id").expect("every reply has an id")
    }

    /// Checks an error of the platform in all its parts.
    #[track_caller]
    pub(crate) fn assert_platform_error(&self, status: u16, kind: &str, code: &str, part: &str) {
        let json = self.json();
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("x-fc-error-type").as_deref(), Some(kind), "{self:?}");
        assert_eq!(self.header("content-type").as_deref(), Some("application/json"));
        assert_eq!(json["Code"], code, "{json}");
        assert_eq!(json["RequestId"], self.id());
        assert!(json["Message"].as_str().unwrap().contains(part), "{json}");
    }

    /// Checks an error of the function in all its parts.
    #[track_caller]
    pub(crate) fn assert_function_error(&self, status: u16, part: &str) {
        let json = self.json();
        assert_eq!(self.status, status, "{self:?}");
        assert_eq!(self.header("x-fc-error-type").as_deref(), Some("UnhandledInvocationError"));
        assert_eq!(json.as_object().unwrap().len(), 1, "{json}");
        assert!(json["errorMessage"].as_str().unwrap().contains(part), "{json}");
        assert!(!self.id().is_empty());
    }
}

/// A connection to a port of fc-local.
pub(crate) fn connect(port: u16) -> TcpStream {
    let stream = TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    stream.set_read_timeout(Some(PATIENCE)).unwrap();
    stream.set_nodelay(true).unwrap();
    stream
}

/// Sends `bytes` on a connection of its own and reads one reply.
#[track_caller]
pub(crate) fn exchange(port: u16, bytes: &[u8]) -> Reply {
    let mut stream = connect(port);
    // A server that refuses early may close while we still write.
    drop(stream.write_all(bytes));
    let is_head = bytes.starts_with(b"HEAD ");
    read_reply(&mut BufReader::new(stream), is_head).expect("a reply")
}

/// Reads one reply; `None` if the connection closed before any.
pub(crate) fn read_reply(reader: &mut BufReader<TcpStream>, is_head: bool) -> Option<Reply> {
    let mut head = String::new();
    loop {
        let before = head.len();
        if reader.read_line(&mut head).ok()? == 0 {
            return None;
        }
        if head[before..].trim().is_empty() {
            break;
        }
    }
    let status = head.split_whitespace().nth(1)?.parse().ok()?;
    let mut reply = Reply { status, head, body: Vec::new(), is_complete: true };
    if is_head || status == 204 || status == 304 {
        return Some(reply);
    }
    if reply.header("transfer-encoding").is_some() {
        reply.is_complete = read_chunks(reader, &mut reply.body);
    } else {
        let length = reply.header("content-length").and_then(|length| length.parse().ok()).unwrap_or(0);
        reply.body = vec![0; length];
        reply.is_complete = reader.read_exact(&mut reply.body).is_ok();
    }
    Some(reply)
}

fn read_chunks(reader: &mut BufReader<TcpStream>, body: &mut Vec<u8>) -> bool {
    loop {
        let mut line = String::new();
        if reader.read_line(&mut line).unwrap_or(0) == 0 {
            return false;
        }
        let Ok(size) = usize::from_str_radix(line.trim(), 16) else { return false };
        let mut chunk = vec![0; size + 2];
        if reader.read_exact(&mut chunk).is_err() {
            return false;
        }
        if size == 0 {
            return true;
        }
        body.extend_from_slice(&chunk[..size]);
    }
}

impl Reply {
    #[track_caller]
    pub(crate) fn assert_ok(&self) {
        assert_eq!(self.status, 200, "{self:?}");
        assert_eq!(self.header("x-fc-error-type"), None, "{self:?}");
    }
}
