//! A server process: started on a free port, its lines collected, ended with its test.

use std::ffi::OsString;
use std::net::TcpStream;
use std::ops::{Deref, DerefMut};
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};

use serde_json::Value;
use testkit::program::Ended;
use testkit::{Answer, Ask, Program, h1, until};

use super::build;

const PORT: &str = "FC_CUSTOM_LISTEN_PORT";

/// How to start a server.
#[derive(Debug, Clone)]
pub struct Launch(testkit::Launch);

/// A running server.
#[derive(Debug)]
pub struct Server {
    program: Program,
    pub port: u16,
}

impl Launch {
    /// The contract example.
    pub fn contract() -> Self {
        Self::program(build::example("contract"))
    }

    pub fn hello() -> Self {
        Self::program(build::example("hello"))
    }

    /// One of the apps of `apps`, for settings that no example has: this test binary, started anew.
    pub fn app(name: &'static str) -> Self {
        let own = std::env::current_exe().expect("a test has a path");
        let launch = testkit::Launch::new(own).without_lines(is_of_harness).var("IT_APP", name);
        Self(launch.args(["apps::serve", "--exact", "--ignored", "--nocapture", "-q"]))
    }

    pub fn program(path: PathBuf) -> Self {
        Self(testkit::Launch::new(path))
    }

    /// Starts it by another program, such as `taskset -c 0`.
    pub fn by(self, wrapper: &[&str]) -> Self {
        Self(self.0.by(wrapper))
    }

    pub fn var(self, name: &str, value: &str) -> Self {
        self.var_os(name, value.into())
    }

    /// A variable whose value need not be text.
    pub fn var_os(self, name: &str, value: OsString) -> Self {
        Self(self.0.var(name, value))
    }

    /// Its stdout is a pipe that nobody reads.
    pub fn unread(self) -> Self {
        Self(self.0.unread())
    }

    /// Its stdout is a pipe whose reader is gone.
    pub fn closed(self) -> Self {
        Self(self.0.closed())
    }

    /// Its stdout is a file.
    pub fn into_file(self, path: &Path) -> Self {
        Self(self.0.into_file(path))
    }

    /// Its stdout is a socket, to which each write is a datagram.
    pub fn into_datagrams(self, socket: UnixDatagram) -> Self {
        Self(self.0.into_datagrams(socket))
    }

    /// Starts it and waits until the port is open.
    #[track_caller]
    pub fn start(&self) -> Server {
        let (program, port) = self.0.start_on_port(PORT);
        Server { program, port }
    }

    /// Starts it, expecting that it ends by itself.
    #[track_caller]
    pub fn run(&self) -> Ended {
        self.0.run()
    }
}

impl Deref for Server {
    type Target = Program;

    fn deref(&self) -> &Program {
        &self.program
    }
}

impl DerefMut for Server {
    fn deref_mut(&mut self) -> &mut Program {
        &mut self.program
    }
}

/// Clients that speak bytes are opened at a port.
impl From<&Server> for u16 {
    fn from(server: &Server) -> u16 {
        server.port
    }
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
        self.out().all()
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
