//! A cold start: spawn, TCP check, initializer, first health check.

use std::os::unix::fs::PermissionsExt;
use std::path::Path;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::Duration;

use tokio::net::TcpStream;
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::connection::{ADDRESS, Connections};
use super::environment::with_code_folder;
use super::generation::Generation;
use super::health;
use super::hooks::initialize;
use super::instance::Instance;
use super::multiplexed::Multiplexed;
use crate::event::{Kind, Source};
use crate::failure::Failure;
use crate::process::{CommandLine, Exit, Listening, Order, Output, OwnGroup, Port, Process};
use crate::wire::ids;

/// After this time without an open port, the program's sockets are inspected.
const LOOK_AT_SOCKETS: Duration = Duration::from_millis(400);

/// After this time a slow start is explained, long before the platform gives up.
const SLOW: Duration = Duration::from_secs(3);

/// The most ports that are named.
const PORTS_MAX: usize = 16;

/// How long the last output of an ended instance may still take to arrive.
const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// A started instance, and whether it listens on the declared port instead of the given port.
pub(crate) struct Started {
    pub(crate) instance: Arc<Instance>,
    pub(crate) ignores_port: bool,
}

/// Starts one instance and waits until it can take requests.
pub(crate) async fn start(generation: &Arc<Generation>) -> Result<Started, Failure> {
    let command = command(generation)?;
    let id = ids::instance();
    let source = generation.source().with_instance(&id);
    let given = Port::take().map_err(|error| Failure::unavailable(format!("no free port: {error}")))?;
    let port = given.number();
    let variables = generation.surroundings.variables(&id, port);
    let group = group(generation, &id, &source);
    let line = CommandLine {
        command: &command.real,
        folder: &generation.code,
        environment: &variables,
        group: group.as_deref(),
    };
    let started = generation.runner.start(&line, &generation.tasks);
    let (process, stdout, stderr) = started
        .map_err(|error| Failure::unavailable(format!("cannot start a process for the instance: {error}")))?;
    let redactor = generation.surroundings.redactor.clone();
    let output =
        Arc::new(Output::new(source.clone(), generation.log.clone(), redactor, [Kind::Stdout, Kind::Stderr]));
    generation.tasks.spawn(Arc::clone(&output).read(stdout, false));
    generation.tasks.spawn(Arc::clone(&output).read(stderr, true));

    // Dropping the future, or any failure below, ends the process: the guard sees its socket close.
    let mut opening = Opening {
        generation,
        process: &process,
        output: &output,
        command: &command.shown,
        noted: false,
        advised: false,
    };
    let found = opening.wait_for_port(port).await?;
    if found != port {
        generation.log.emit(&source, Kind::PortIgnored { given_port: port, port: found });
    }
    let instance = Arc::new(Instance {
        id,
        source,
        generation: Arc::clone(generation),
        process,
        _port: given,
        output,
        connections: Arc::new(Connections::new(found, generation.tasks.clone())),
        multiplexed: Multiplexed::new(found, generation.function.concurrency, generation.tasks.clone()),
        streams: AtomicUsize::new(0),
        memory_max: AtomicU64::new(0),
        is_oom: AtomicBool::new(false),
        group,
        retired: CancellationToken::new(),
    });
    instance.sample_memory();
    let ready = async {
        initialize(&instance).await?;
        health::first_check(&instance).await?;
        // The report of the process number may come later than the open port.
        instance.process.known().await;
        Ok(())
    };
    tokio::select! {
        ready = ready => if let Err(failure) = ready {
            instance.process.order(Order::Kill);
            return Err(failure);
        },
        exit = instance.process.exited() => {
            instance.output.complete(LAST_OUTPUT).await;
            return Err(Failure::exited_at_start(exit.code(), &command.shown, &instance.output.recent()));
        }
    }
    Ok(Started { instance, ignores_port: found != port })
}

/// A group whose limit is the function's memory. Without one the memory is sampled.
fn group(generation: &Generation, id: &str, source: &Source) -> Option<OwnGroup> {
    match generation.cgroups.as_ref()?.group(id, generation.memory_limit()) {
        Ok(group) => Some(group),
        Err(error) => {
            generation.log.emit(source, Kind::InstanceMemorySampled { error: error.to_string() });
            None
        }
    }
}

struct Command {
    real: Vec<String>,
    /// As the platform would show it, with `/code`.
    shown: String,
}

fn command(generation: &Generation) -> Result<Command, Failure> {
    let declared = generation.function.command_line();
    let shown = declared.join(" ");
    let real: Vec<String> = declared.iter().map(|part| with_code_folder(part, &generation.code)).collect();
    let program = real.first().map(String::as_str).unwrap_or_default();
    // A bare name is looked up on the search path by the system.
    if program.contains('/') {
        let file = generation.code.join(program);
        match std::fs::metadata(&file) {
            Ok(metadata) if metadata.is_file() && is_executable(&file) => {}
            Ok(_) => return Err(Failure::file_permission(&shown)),
            Err(_) => return Err(Failure::file_not_found(&declared[0])),
        }
    }
    Ok(Command { real, shown })
}

fn is_executable(file: &Path) -> bool {
    std::fs::metadata(file).is_ok_and(|metadata| metadata.permissions().mode() & 0o111 != 0)
}

struct Opening<'a> {
    generation: &'a Generation,
    process: &'a Process,
    output: &'a Output,
    command: &'a str,
    /// Whether something was said of the wait.
    noted: bool,
    /// Whether the right address was said.
    advised: bool,
}

impl Opening<'_> {
    /// Waits until the given port, or else the declared one, is open.
    async fn wait_for_port(&mut self, given: u16) -> Result<u16, Failure> {
        let declared = self.generation.function.port;
        let limit = self.generation.function.local.start_timeout;
        let begin = Instant::now();
        let mut pause = Duration::from_millis(2);
        let mut look = LOOK_AT_SOCKETS;
        loop {
            if let Some(exit) = self.process.exit() {
                return Err(self.exited(exit).await);
            }
            if is_open(given).await {
                if self.process.may_listen_on(given) {
                    return Ok(given);
                }
                // Without this check, calls would go to another program.
                let text = format!("another program has taken port {given}, which the instance was given");
                return Err(Failure::unavailable(text));
            }
            if begin.elapsed() >= look {
                look = begin.elapsed() + LOOK_AT_SOCKETS;
                if let Some(port) = self.look_at_sockets(given, declared).await {
                    return Ok(port);
                }
            }
            if begin.elapsed() >= SLOW && !self.noted {
                self.noted = true;
                let last_line = self.output.last_line();
                let kind =
                    Kind::InstanceNotListening { given_port: given, waited: begin.elapsed(), last_line };
                self.generation.log.emit(&self.generation.source(), kind);
            }
            if begin.elapsed() >= limit {
                self.process.order(Order::Kill);
                return Err(Failure::not_started(declared, limit, &self.output.recent()));
            }
            if let Some(exit) = self.process.exited_within(pause).await {
                return Err(self.exited(exit).await);
            }
            pause = (pause * 2).min(Duration::from_millis(50));
        }
    }

    async fn exited(&self, exit: Exit) -> Failure {
        self.output.complete(LAST_OUTPUT).await;
        let logs = self.output.recent();
        match exit {
            Exit::Code(13) if logs.is_empty() => Failure::file_permission(self.command),
            exit => Failure::exited_at_start(exit.code(), self.command, &logs),
        }
    }

    /// The declared port, if the program opened it. Logs once why a program is unreachable.
    async fn look_at_sockets(&mut self, given: u16, declared: u16) -> Option<u16> {
        let listening = self.process.listening();
        let is_public = |port| listening.iter().any(|open| open.port == port && !open.is_loopback);
        if !is_public(given) && is_public(declared) && is_open(declared).await {
            return Some(declared);
        }
        // The program may have opened the port since the last attempt.
        if is_open(given).await {
            return None;
        }
        if let Some(kind) = why_unreachable(&listening, given, declared) {
            let is_advice = matches!(kind, Kind::PortUnreachable { .. });
            if !self.noted || is_advice && !self.advised {
                self.generation.log.emit(&self.generation.source(), kind);
            }
            self.noted = true;
            self.advised |= is_advice;
        }
        None
    }
}

/// What to say of a program that can be reached at neither port. Other ports may be a debugger's or a metric's, which
/// nobody should be advised to open to the network.
fn why_unreachable(listening: &[Listening], given: u16, declared: u16) -> Option<Kind> {
    let mut ports: Vec<u16> = listening.iter().map(|open| open.port).collect();
    if let Some(port) = [given, declared].into_iter().find(|port| ports.contains(port)) {
        return Some(Kind::PortUnreachable { port });
    }
    ports.sort_unstable();
    ports.dedup();
    ports.truncate(PORTS_MAX);
    (!ports.is_empty()).then_some(Kind::PortUnexpected { given_port: given, ports })
}

async fn is_open(port: u16) -> bool {
    TcpStream::connect((ADDRESS, port)).await.is_ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn only_the_given_or_the_declared_port_is_advised() {
        let why = |ports: &[u16]| {
            let open = ports.iter().map(|port| Listening { port: *port, is_loopback: true });
            why_unreachable(&open.collect::<Vec<_>>(), 20_000, 9_000)
        };
        assert!(why(&[]).is_none());
        for (ports, port) in [
            (&[1, 20_000][..], 20_000),
            (&[9_000], 9_000),
            (&[9_000, 20_000], 20_000),
            (&[9_229, 9_000], 9_000),
        ] {
            assert!(
                matches!(why(ports), Some(Kind::PortUnreachable { port: seen }) if seen == port),
                "{ports:?}"
            );
        }
        let others = why(&[9_229, 80, 9_229]);
        assert!(
            matches!(&others, Some(Kind::PortUnexpected { given_port: 20_000, ports }) if *ports == [80, 9_229]),
            "{others:?}"
        );
    }
}
