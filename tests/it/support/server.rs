//! A server process: started on a free port, its lines collected, ended with its test.

use std::ffi::OsString;
use std::fs::File;
use std::io::{BufRead, BufReader, Read};
use std::net::{TcpListener, TcpStream};
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::Value;

use super::wait::until;
use super::{Answer, Ask, build, h1};

/// How to start an example.
#[derive(Debug)]
pub struct Launch {
    example: &'static str,
    /// A program that is no example instead.
    program: Option<PathBuf>,
    /// An app of this binary's own instead: see `apps`.
    app: Option<&'static str>,
    /// What the program is started by.
    wrapper: Vec<String>,
    vars: Vec<(String, String)>,
    stdout: Stdout,
}

/// Where its lines go.
#[derive(Debug, Clone)]
enum Stdout {
    Collected,
    /// A pipe that nobody reads.
    Unread,
    /// A pipe whose reader is gone.
    Closed,
    File(PathBuf),
    Datagrams(Arc<UnixDatagram>),
}

/// A running example.
#[derive(Debug)]
pub struct Server {
    child: Child,
    pub port: u16,
    out: Lines,
    err: Lines,
}

/// How a process ended that was not meant to serve.
#[derive(Debug)]
pub struct Ended {
    pub code: Option<i32>,
    pub out: String,
    pub err: String,
}

#[derive(Debug, Clone, Default)]
struct Lines(Arc<Mutex<Vec<String>>>);

/// A port that was free a moment ago.
pub fn free_port() -> u16 {
    let listener = TcpListener::bind(("127.0.0.1", 0)).expect("a port is free");
    listener.local_addr().expect("it has an address").port()
}

impl Launch {
    pub fn contract() -> Self {
        let (program, app, wrapper) = (None, None, Vec::new());
        Self { example: "contract", program, app, wrapper, vars: Vec::new(), stdout: Stdout::Collected }
    }

    /// One of the apps of `apps`, for settings that no example has: this test binary, started anew.
    pub fn app(name: &'static str) -> Self {
        Self { app: Some(name), ..Self::contract() }
    }

    #[allow(dead_code, reason = "for the tests with real tools, which share this module")]
    pub fn program(path: PathBuf) -> Self {
        Self { program: Some(path), ..Self::contract() }
    }

    /// Starts it by another program, such as `taskset -c 0`.
    pub fn by(mut self, wrapper: &[&str]) -> Self {
        self.wrapper = wrapper.iter().map(|&word| word.to_owned()).collect();
        self
    }

    pub fn hello() -> Self {
        Self { example: "hello", ..Self::contract() }
    }

    pub fn var(mut self, name: &str, value: &str) -> Self {
        self.vars.push((name.to_owned(), value.to_owned()));
        self
    }

    /// Its stdout is a pipe that nobody reads.
    pub fn unread(self) -> Self {
        Self { stdout: Stdout::Unread, ..self }
    }

    /// Its stdout is a pipe whose reader is gone.
    pub fn closed(self) -> Self {
        Self { stdout: Stdout::Closed, ..self }
    }

    /// Its stdout is a file.
    pub fn into_file(self, path: &Path) -> Self {
        Self { stdout: Stdout::File(path.to_owned()), ..self }
    }

    /// Its stdout is a socket, to which each write is a datagram.
    pub fn into_datagrams(self, socket: UnixDatagram) -> Self {
        Self { stdout: Stdout::Datagrams(Arc::new(socket)), ..self }
    }

    fn command(&self) -> Command {
        let mut words: Vec<OsString> = self.wrapper.iter().map(OsString::from).collect();
        if self.app.is_some() {
            words.push(std::env::current_exe().expect("a test has a path").into());
            words.extend(["apps::serve", "--exact", "--ignored", "--nocapture", "-q"].map(OsString::from));
        } else {
            let example = || build::example(self.example);
            words.push(self.program.clone().unwrap_or_else(example).into());
        }
        let mut command = Command::new(&words[0]);
        command.args(&words[1..]);
        // Nothing of the machine's own settings reaches the process.
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if ["FC_", "ALIBABA_", "RUST_", "CONTRACT_", "IT_"].iter().any(|prefix| text.starts_with(prefix))
            {
                command.env_remove(name);
            }
        }
        if let Some(app) = self.app {
            command.env("IT_APP", app);
        }
        command.envs(self.vars.iter().map(|(name, value)| (name, value)));
        command.stdin(Stdio::null()).stdout(Stdio::piped()).stderr(Stdio::piped());
        match &self.stdout {
            Stdout::File(path) => {
                command.stdout(File::create(path).expect("a file can be made"));
            }
            Stdout::Datagrams(socket) => {
                command.stdout(OwnedFd::from(socket.try_clone().expect("a socket")));
            }
            Stdout::Collected | Stdout::Unread | Stdout::Closed => {}
        }
        command
    }

    /// Starts it and waits until the port is open.
    #[track_caller]
    pub fn start(&self) -> Server {
        // Between the look for a free port and the start another process may take it.
        for _ in 0..5 {
            let port = free_port();
            let mut command = self.command();
            command.env("FC_CUSTOM_LISTEN_PORT", port.to_string());
            let mut child = command.spawn().expect("the example starts");
            let out = Lines::default();
            match (&self.stdout, child.stdout.take()) {
                (Stdout::Collected, Some(pipe)) => out.collect(pipe),
                (Stdout::Unread, pipe) => child.stdout = pipe,
                (Stdout::Closed | Stdout::File(_) | Stdout::Datagrams(_), pipe) => drop(pipe),
                (Stdout::Collected, None) => panic!("stdout is a pipe"),
            }
            let err = Lines::default();
            err.collect(child.stderr.take().expect("stderr is a pipe"));
            let mut server = Server { child, port, out, err };
            let open = until("the port to open", || {
                if server.child.try_wait().expect("a child").is_some() {
                    return Some(false);
                }
                TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true)
            });
            if open {
                return server;
            }
            let error = server.err.text();
            assert!(error.contains("cannot listen"), "it ended at once: {error}");
        }
        panic!("no port stayed free");
    }

    /// Starts it, expecting that it ends by itself.
    #[track_caller]
    pub fn run(&self) -> Ended {
        let mut child = self.command().spawn().expect("the example starts");
        let status = ended(&mut child);
        let (mut out, mut err) = (String::new(), String::new());
        child.stdout.take().expect("a pipe").read_to_string(&mut out).expect("text");
        child.stderr.take().expect("a pipe").read_to_string(&mut err).expect("text");
        Ended { code: status.code(), out, err }
    }
}

#[track_caller]
fn ended(child: &mut Child) -> ExitStatus {
    until("the process to end", || child.try_wait().expect("a child"))
}

impl Server {
    pub fn contract() -> Self {
        Launch::contract().start()
    }

    #[track_caller]
    pub fn app(name: &'static str) -> Self {
        Launch::app(name).start()
    }

    /// One request on a connection of its own.
    #[track_caller]
    pub fn ask(&self, ask: &Ask) -> Answer {
        self.connect().ask(ask)
    }

    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The processor time it has used, in hundredths of a second.
    #[track_caller]
    pub fn cpu_ticks(&self) -> u64 {
        let stat = std::fs::read_to_string(format!("/proc/{}/stat", self.pid())).expect("a process");
        let (_, after_name) = stat.rsplit_once(')').expect("a name in brackets");
        let fields: Vec<&str> = after_name.split_whitespace().collect();
        let ticks = |at: usize| fields[at].parse::<u64>().expect("a number");
        ticks(11) + ticks(12)
    }

    #[track_caller]
    pub fn connect(&self) -> h1::Conn {
        h1::Conn::open(self.port)
    }

    /// The contract example's counters. The one that asks is in flight too.
    #[track_caller]
    pub fn counter(&self, name: &str) -> u64 {
        let counters = self.ask(&Ask::get("/counters")).json();
        counters[name].as_u64().unwrap_or_else(|| panic!("no counter {name} in {counters}"))
    }

    #[track_caller]
    pub fn until_counter(&self, name: &str, least: u64) {
        until(&format!("{name} to reach {least}"), || (self.counter(name) >= least).then_some(()));
    }

    /// Waits until only the one that asks is in flight.
    #[track_caller]
    pub fn until_idle(&self) {
        until("all to be over", || (self.counter("in_flight") == 1).then_some(()));
    }

    /// Waits until nobody can connect.
    #[track_caller]
    pub fn until_closed(&self) {
        until("the port to close", || TcpStream::connect(("127.0.0.1", self.port)).is_err().then_some(()));
    }

    /// The words that an app of `apps` has kept, in their order.
    #[track_caller]
    pub fn seen(&self) -> Vec<String> {
        serde_json::from_value(self.ask(&Ask::get("/seen")).json()).expect("words")
    }

    #[track_caller]
    pub fn until_seen(&self, word: &str) {
        until(word, || self.seen().iter().any(|seen| seen == word).then_some(()));
    }

    /// What it has written to stdout so far.
    pub fn lines(&self) -> Vec<String> {
        self.out.0.lock().expect("no reader panics").clone()
    }

    pub fn stderr(&self) -> String {
        self.err.text()
    }

    /// Lines of stdout about this request, as JSON, once there are so many.
    #[track_caller]
    pub fn records(&self, id: &str, least: usize) -> Vec<Value> {
        until(&format!("{least} lines about {id}"), || {
            let found = json_about(&self.lines(), id);
            (found.len() >= least).then_some(found)
        })
    }

    /// The one record of a request, once it is there.
    #[track_caller]
    pub fn record(&self, id: &str) -> Value {
        until(&format!("the record of {id}"), || {
            let lines = json_about(&self.lines(), id);
            lines.iter().any(|line| line["status"].is_u64()).then(|| record(&lines, id).clone())
        })
    }

    /// How many descriptors it holds.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("a process").count()
    }

    /// Sends a signal, by its name without `SIG`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        let pid = self.child.id().to_string();
        let sent = Command::new("sh").args(["-c", "kill -s \"$0\" \"$1\"", name, &pid]).status();
        assert!(sent.expect("there is a shell").success());
    }

    /// Waits until it has ended: the exit status and all its lines.
    #[track_caller]
    pub fn ended(&mut self) -> (ExitStatus, Vec<String>) {
        let status = ended(&mut self.child);
        self.out.until_closed();
        (status, self.lines())
    }

    /// `SIGTERM`, and the lines of its whole life.
    #[track_caller]
    pub fn stop(&mut self) -> Vec<Value> {
        self.signal("TERM");
        self.stopped()
    }

    /// Waits until it has ended well: the lines of its whole life, each of which has to be a JSON object.
    #[track_caller]
    pub fn stopped(&mut self) -> Vec<Value> {
        let (status, lines) = self.ended();
        assert_eq!(status.code(), Some(0), "{}", self.stderr());
        lines.iter().map(|line| object(line)).collect()
    }
}

fn is_of_harness(line: &str) -> bool {
    let words = ["running 1 test", "test result: ", "test apps::serve", "."];
    line.is_empty() || words.iter().any(|word| line.starts_with(word))
}

/// A line as a JSON object.
#[track_caller]
pub fn object(line: &str) -> Value {
    let value: Value = serde_json::from_str(line).unwrap_or_else(|error| panic!("{error}: {line:?}"));
    assert!(value.is_object(), "{line:?}");
    value
}

/// The one record of a request among the lines about it and others.
#[track_caller]
pub fn record<'l>(lines: &'l [Value], id: &str) -> &'l Value {
    let of_it = |line: &&Value| line["request_id"] == id && line["status"].is_u64();
    let records: Vec<&Value> = lines.iter().filter(of_it).collect();
    assert_eq!(records.len(), 1, "{lines:?}");
    records[0]
}

/// The last line says how many were cut.
#[track_caller]
pub fn check_stopped(lines: &[Value], cut: u64) {
    let last = lines.last().expect("a last line");
    assert_eq!((&last["message"], &last["cut"]), (&"stopped".into(), &cut.into()), "{lines:?}");
}

pub fn json_about(lines: &[String], id: &str) -> Vec<Value> {
    let values = lines.iter().filter_map(|line| serde_json::from_str::<Value>(line).ok());
    values.filter(|value| value["request_id"] == id).collect()
}

impl Lines {
    fn collect(&self, from: impl Read + Send + 'static) {
        let into = self.clone();
        std::thread::spawn(move || {
            for line in BufReader::new(from).lines().map_while(Result::ok) {
                // The test harness around an app of this binary has its say too.
                if !is_of_harness(&line) {
                    into.0.lock().expect("no reader panics").push(line);
                }
            }
        });
    }

    /// The reading thread holds the second handle until the pipe is closed.
    fn until_closed(&self) {
        until("the output to end", || (Arc::strong_count(&self.0) == 1).then_some(()));
    }

    fn text(&self) -> String {
        self.0.lock().expect("no reader panics").join("\n")
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ = self.child.kill();
        let _ = self.child.wait();
        if std::thread::panicking() {
            eprintln!("stdout:\n{}\nstderr:\n{}", self.out.text(), self.err.text());
        }
    }
}
