//! The program under test as a process: started with the platform's environment, found at its port, ended.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use fc_runtime::platform::names::env;
use tokio::net::TcpStream;
use tokio::time::{Instant, sleep, timeout};
use tokio_util::task::TaskTracker;

use super::ask;
use super::bench::Settings;
use super::h1::Conn;
use crate::event::{Kind, Log, Redactor, Source};
use crate::model::Edition;
use crate::process::{
    CommandLine, Exit, Listening, Order, Output, Port, Process, Processes, Runner, find_program,
};
use crate::shell;
use crate::wire::ids;

use super::case::Outcome;

/// The pause between two looks at the port.
const PAUSE: Duration = Duration::from_millis(5);

/// After this time without the given port, another one that the program has opened is taken.
const OTHER_PORT: Duration = Duration::from_millis(400);

/// How long the last output of an ended program may still take to arrive.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// The most of the output that is told, in lines.
const OUTPUT_LINES: usize = 12;

/// A running program.
#[derive(Debug)]
pub(super) struct Program {
    process: Process,
    output: Arc<Output>,
    /// Keeps the port from others.
    _given: Option<Port>,
    pub(super) given_port: u16,
    /// Where the program listens.
    pub(super) port: u16,
    pub(super) edition: Edition,
    /// From the start to the open port.
    pub(super) opened_after: Duration,
    patience: Duration,
}

impl Program {
    /// Starts the program and waits for its port. The error says why there is none.
    pub(super) async fn start(settings: &Settings, log: &Log, tasks: &TaskTracker) -> Result<Self, String> {
        let given = match settings.port {
            Some(_) => None,
            None => Some(Port::take().map_err(|error| format!("there is no free port: {error}"))?),
        };
        let given_port = settings.port.or(given.as_ref().map(Port::number)).unwrap_or_default();
        if let Some(port) = settings.port
            && TcpStream::connect(("127.0.0.1", port)).await.is_ok()
        {
            return Err(format!("another program listens on port {port} already"));
        }
        check(settings)?;
        let environment = environment(&settings.folder, given_port);
        let line = CommandLine {
            command: &settings.command,
            folder: &settings.folder,
            environment: &environment,
            group: None,
            network: None,
            mounts: None,
            container: None,
        };
        let started = Processes.start(&line, tasks);
        let (process, stdout, stderr) =
            started.map_err(|error| format!("no process can be started: {error}"))?;
        let kinds: [fn(String) -> Kind; 2] = [Kind::Stdout, Kind::Stderr];
        let output = Arc::new(Output::new(Source::default(), log.clone(), Redactor::new([]), kinds));
        tasks.spawn(Arc::clone(&output).read(stdout, false));
        tasks.spawn(Arc::clone(&output).read(stderr, true));
        let mut program = Program {
            process,
            output,
            _given: given,
            given_port,
            port: given_port,
            edition: settings.edition,
            opened_after: Duration::ZERO,
            patience: settings.timeout,
        };
        program.wait_for_port(settings).await?;
        Ok(program)
    }

    async fn wait_for_port(&mut self, settings: &Settings) -> Result<(), String> {
        let begin = Instant::now();
        let mut other = None;
        loop {
            if let Some(exit) = self.process.exit() {
                self.output.complete(LAST_OUTPUT).await;
                return Err(format!("the program has ended with code {}{}", exit.code(), self.told()));
            }
            if self.is_open(self.given_port).await {
                self.opened_after = begin.elapsed();
                self.process.known().await;
                return Ok(());
            }
            let ports = self.listening();
            match (other, ports.first()) {
                (None, Some(_)) => other = Some(Instant::now()),
                (Some(since), Some(first)) if since.elapsed() > OTHER_PORT && settings.port.is_none() => {
                    self.port = first.port;
                    self.opened_after = begin.elapsed();
                    return Ok(());
                }
                _ => {}
            }
            if begin.elapsed() > settings.timeout {
                self.process.order(Order::Kill);
                return Err(format!(
                    "the program has not opened port {} within {} s{}{}",
                    self.given_port,
                    settings.timeout.as_secs(),
                    opened(&ports),
                    self.told(),
                ));
            }
            sleep(PAUSE).await;
        }
    }

    async fn is_open(&self, port: u16) -> bool {
        let connect = TcpStream::connect(("127.0.0.1", port));
        matches!(timeout(self.patience, connect).await, Ok(Ok(_))) && self.process.may_listen_on(port)
    }

    /// The ports on which the program listens.
    pub(super) fn listening(&self) -> Vec<Listening> {
        self.process.listening()
    }

    /// Whether the program has ended.
    pub(super) fn has_ended(&self) -> bool {
        self.process.exit().is_some()
    }

    pub(super) fn order(&self, order: Order) {
        self.process.order(order);
    }

    pub(super) async fn exited(&self) -> Option<Exit> {
        self.process.exited_within(self.patience).await
    }

    /// How many ended processes below the program nobody has waited for.
    pub(super) fn zombies(&self) -> usize {
        self.process.zombies()
    }

    /// A new connection.
    pub(super) async fn connect(&self) -> Outcome<Conn> {
        Conn::open(self.port, self.patience).await
    }

    /// Whether the output has `text` in a line, now or within `limit`.
    pub(super) async fn has_printed(&self, text: &str, limit: Duration) -> bool {
        let begin = Instant::now();
        while !self.output.recent().contains(text) {
            if begin.elapsed() > limit {
                return false;
            }
            sleep(PAUSE).await;
        }
        true
    }

    /// How much the program has printed of late, as a mark for [`has_printed_since`](Self::has_printed_since).
    pub(super) fn recent(&self) -> String {
        self.output.recent()
    }

    /// Whether there is output behind what was there.
    pub(super) async fn has_printed_since(&self, before: &str, limit: Duration) -> bool {
        let begin = Instant::now();
        while self.output.recent() == before {
            if begin.elapsed() > limit {
                return false;
            }
            sleep(PAUSE).await;
        }
        true
    }

    /// The last lines of the output, as the end of a sentence.
    fn told(&self) -> String {
        let recent = self.output.recent();
        let mut lines: Vec<&str> = recent.lines().rev().take(OUTPUT_LINES).collect();
        lines.reverse();
        if lines.is_empty() { String::new() } else { format!("; its output: {}", lines.join("\n")) }
    }
}

fn opened(ports: &[Listening]) -> String {
    let ports: Vec<String> = ports.iter().map(|open| open.port.to_string()).collect();
    if ports.is_empty() { String::new() } else { format!("; it listens on {}", ports.join(", ")) }
}

/// Tells a program that is not there from one that ends.
fn check(settings: &Settings) -> Result<(), String> {
    let Some(name) = settings.command.first() else { return Ok(()) };
    let files: Vec<PathBuf> = if name.contains('/') {
        vec![settings.folder.join(name)]
    } else {
        shell::search_path().into_iter().map(|folder| folder.join(name)).collect()
    };
    match find_program(&files) {
        Some(_) => Ok(()),
        None if name.contains('/') => {
            Err(format!("{} is no program that can be started", files[0].display()))
        }
        None => Err(format!("there is no program `{name}` in the folders of PATH")),
    }
}

/// The whole environment of the program, as the platform sets it.
fn environment(folder: &Path, port: u16) -> BTreeMap<String, OsString> {
    let port = port.to_string();
    let instance = ids::instance();
    let texts = [
        ("TZ", "UTC"),
        ("HOME", "/tmp"),
        (env::LISTEN_PORT, &port),
        (env::SERVER_PORT, &port),
        (env::FUNCTION_NAME, ask::FUNCTION),
        (env::FUNCTION_HANDLER, "index.handler"),
        (env::FUNCTION_MEMORY, "512"),
        (env::FUNCTION_VERSION, "LATEST"),
        (env::VERSION_ID, "LATEST"),
        (env::INSTANCE_ID, &instance),
        (env::REGION, ask::REGION),
        (env::ACCOUNT_ID, ask::ACCOUNT),
    ];
    let mut variables: BTreeMap<String, OsString> =
        texts.into_iter().map(|(name, value)| (name.to_owned(), value.into())).collect();
    variables.insert(env::CODE_PATH.to_owned(), folder.as_os_str().to_owned());
    // A program needs its search path. The variables of the developer's shell do not reach the platform either.
    if let Some(path) = shell::variable("PATH") {
        variables.insert("PATH".to_owned(), path);
    }
    variables
}
