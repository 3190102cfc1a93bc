//! A program as a process: started, signalled, killed, started again; ended with its test.

use std::ffi::OsString;
use std::fs::File;
use std::io::Write;
use std::net::TcpStream;
use std::os::fd::OwnedFd;
use std::os::unix::net::UnixDatagram;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, ExitStatus, Stdio};
use std::sync::Arc;

use crate::lines::Lines;
use crate::process::{free_port, signal};
use crate::until;

/// Variables with these beginnings do not reach a program from the machine that runs the tests.
const FOREIGN: [&str; 5] = ["FC_", "ALIBABA_", "RUST_", "CONTRACT_", "IT_"];

/// How to start a program.
#[derive(Debug, Clone)]
pub struct Launch {
    words: Vec<OsString>,
    vars: Vec<(String, OsString)>,
    folder: Option<PathBuf>,
    input: Vec<u8>,
    stdout: Stdout,
    skipped: fn(&str) -> bool,
}

/// Where its lines go.
#[derive(Debug, Clone)]
enum Stdout {
    Collected,
    Unread,
    Closed,
    File(PathBuf),
    Datagrams(Arc<UnixDatagram>),
}

/// A program that runs. It is killed when this value is dropped, and shows its output where the test failed.
#[derive(Debug)]
pub struct Program {
    launch: Launch,
    child: Child,
    out: Lines,
    err: Lines,
}

/// How a program ended that was not meant to go on.
#[derive(Debug)]
pub struct Ended {
    /// Its exit code; `None` where a signal ended it.
    pub code: Option<i32>,
    /// All of its standard output.
    pub out: String,
    /// All of its standard error.
    pub err: String,
}

impl Launch {
    /// Starts `program`, without arguments.
    pub fn new(program: impl Into<OsString>) -> Self {
        let (words, vars) = (vec![program.into()], Vec::new());
        Self { words, vars, folder: None, input: Vec::new(), stdout: Stdout::Collected, skipped: |_| false }
    }

    /// Adds arguments.
    #[must_use]
    pub fn args<A: Into<OsString>>(mut self, arguments: impl IntoIterator<Item = A>) -> Self {
        self.words.extend(arguments.into_iter().map(Into::into));
        self
    }

    /// Starts it by another program, such as `taskset -c 0`.
    #[must_use]
    pub fn by(mut self, wrapper: &[&str]) -> Self {
        self.words.splice(0..0, wrapper.iter().map(OsString::from));
        self
    }

    /// Sets a variable of its environment.
    #[must_use]
    pub fn var(mut self, name: &str, value: impl Into<OsString>) -> Self {
        self.vars.push((name.to_owned(), value.into()));
        self
    }

    /// Starts it in a folder.
    #[must_use]
    pub fn folder(mut self, folder: impl Into<PathBuf>) -> Self {
        self.folder = Some(folder.into());
        self
    }

    /// The program's standard input: less than a pipe holds, 64 KiB.
    #[must_use]
    pub fn input(mut self, bytes: impl Into<Vec<u8>>) -> Self {
        self.input = bytes.into();
        self
    }

    /// Does not keep lines of its standard output that `skipped` takes.
    #[must_use]
    pub fn without_lines(self, skipped: fn(&str) -> bool) -> Self {
        Self { skipped, ..self }
    }

    /// Its stdout is a pipe that nobody reads.
    #[must_use]
    pub fn unread(self) -> Self {
        Self { stdout: Stdout::Unread, ..self }
    }

    /// Its stdout is a pipe whose reader is gone.
    #[must_use]
    pub fn closed(self) -> Self {
        Self { stdout: Stdout::Closed, ..self }
    }

    /// Its stdout is a file.
    #[must_use]
    pub fn into_file(self, path: &Path) -> Self {
        Self { stdout: Stdout::File(path.to_owned()), ..self }
    }

    /// Its stdout is a socket, to which each write is a datagram.
    #[must_use]
    pub fn into_datagrams(self, socket: UnixDatagram) -> Self {
        Self { stdout: Stdout::Datagrams(Arc::new(socket)), ..self }
    }

    fn command(&self) -> Command {
        let mut command = Command::new(&self.words[0]);
        command.args(&self.words[1..]);
        for (name, _) in std::env::vars_os() {
            let text = name.to_string_lossy();
            if FOREIGN.iter().any(|prefix| text.starts_with(prefix)) {
                command.env_remove(name);
            }
        }
        command.envs(self.vars.iter().map(|(name, value)| (name, value)));
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let stdin = if self.input.is_empty() { Stdio::null() } else { Stdio::piped() };
        command.stdin(stdin).stdout(Stdio::piped()).stderr(Stdio::piped());
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

    #[track_caller]
    fn spawn(&self) -> Child {
        self.command().spawn().unwrap_or_else(|error| panic!("{}: {error}", self.words[0].display()))
    }

    /// Starts it.
    #[track_caller]
    pub fn start(&self) -> Program {
        let mut child = self.spawn();
        if let Some(mut stdin) = child.stdin.take() {
            // A program that does not read its input has ended, which the test notices.
            _ = stdin.write_all(&self.input);
        }
        let out = match (&self.stdout, child.stdout.take()) {
            (Stdout::Collected, Some(pipe)) => Lines::collect(pipe, self.skipped),
            (Stdout::Unread, pipe) => {
                child.stdout = pipe;
                Lines::none()
            }
            // A pipe is dropped here, and its reader is gone.
            (_, _pipe) => Lines::none(),
        };
        let err = Lines::collect(child.stderr.take().expect("stderr is a pipe"), |_| false);
        Program { launch: self.clone(), child, out, err }
    }

    /// Starts it with a free port in the variable `name`, and waits until the port is open. A program that finds its
    /// port taken has to end with `cannot listen` on its standard error.
    #[track_caller]
    pub fn start_on_port(&self, name: &str) -> (Program, u16) {
        // Between the look for a free port and the start another process may take it.
        for _ in 0..5 {
            let port = free_port();
            let mut program = self.clone().var(name, port.to_string()).start();
            if program.until_open(port) {
                return (program, port);
            }
            program.err.until_over();
            let error = program.stderr();
            assert!(error.contains("cannot listen"), "it ended at once: {error}");
        }
        panic!("no port stayed free");
    }

    /// Starts it, expecting that it ends by itself.
    #[track_caller]
    pub fn run(&self) -> Ended {
        let mut program = self.start();
        let status = program.wait();
        program.out.until_over();
        program.err.until_over();
        Ended { code: status.code(), out: program.out.text(), err: program.err.text() }
    }
}

impl Program {
    /// Its process.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// Its standard output.
    pub fn out(&self) -> &Lines {
        &self.out
    }

    /// Begins to read standard output, which was [unread](Launch::unread) until now.
    #[track_caller]
    pub fn read_on(&mut self) {
        let pipe = self.child.stdout.take().expect("nobody reads its standard output yet");
        self.out = Lines::collect(pipe, self.launch.skipped);
    }

    /// All of its standard error so far.
    pub fn stderr(&self) -> String {
        self.err.text()
    }

    /// Waits until a port is open; `false` where the program ends before.
    #[track_caller]
    pub fn until_open(&mut self, port: u16) -> bool {
        until("the port to open", || {
            if self.child.try_wait().expect("a child").is_some() {
                return Some(false);
            }
            TcpStream::connect(("127.0.0.1", port)).is_ok().then_some(true)
        })
    }

    /// Sends a signal, by its name without `SIG`.
    #[track_caller]
    pub fn signal(&self, name: &str) {
        signal(self.pid(), name);
    }

    /// Waits until it has ended.
    #[track_caller]
    pub fn wait(&mut self) -> ExitStatus {
        until("the process to end", || self.child.try_wait().expect("a child"))
    }

    /// `SIGKILL`, and waits for its end. Nothing of the program's own can act on that.
    pub fn kill(&mut self) {
        drop(self.child.kill());
        drop(self.child.wait());
    }

    /// Kills it if it runs, and starts it again: the same program, in the same folder, with the same environment.
    #[track_caller]
    pub fn restart(&mut self) {
        self.kill();
        let launch = self.launch.clone();
        *self = launch.start();
    }

    /// Waits until it has ended: the exit status, and all lines of its standard output.
    #[track_caller]
    pub fn ended(&mut self) -> (ExitStatus, Vec<String>) {
        let status = self.wait();
        self.out.until_over();
        (status, self.out.all())
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

    /// How many descriptors it holds.
    pub fn descriptors(&self) -> usize {
        std::fs::read_dir(format!("/proc/{}/fd", self.pid())).expect("a process").count()
    }
}

impl Drop for Program {
    #[expect(clippy::print_stderr, reason = "what a failed test has to show")]
    fn drop(&mut self) {
        self.kill();
        if std::thread::panicking() {
            eprintln!("stdout:\n{}\nstderr:\n{}", self.out.text(), self.err.text());
        }
    }
}
