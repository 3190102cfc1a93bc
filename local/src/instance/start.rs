//! A cold start: spawn, TCP check, initializer, first health check.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use tokio_util::sync::CancellationToken;

use super::connection::Connections;
use super::contained::Contained;
use super::diagnosis;
use super::generation::Generation;
use super::health;
use super::hooks::initialize;
use super::instance::Instance;
use super::multiplexed::Multiplexed;
use super::network::Reach;
use super::opening::Opening;
use crate::event::{Kind, Source};
use crate::failure::Failure;
use crate::process::{CommandLine, Network, Order, Output, OwnGroup, Port, is_program};
use crate::wire::ids;

/// How long the last output of an ended instance may still take to arrive.
pub(super) const LAST_OUTPUT: Duration = Duration::from_millis(500);

/// A started instance, and whether it is the only one, since it listens on the declared port instead of the given port.
pub(crate) struct Started {
    pub(crate) instance: Arc<Instance>,
    pub(crate) ignores_port: bool,
}

/// Starts one instance and waits until it can take requests. What a failure may come from is in the log.
pub(crate) async fn start(generation: &Arc<Generation>) -> Result<Started, Failure> {
    let mut id = ids::instance();
    let network = generation.network().await?;
    let is_alone = network.is_none();
    let mut started = try_start(generation, Arc::clone(&id), network).await;
    if let Err(failure) = &started
        && is_alone
        && diagnosis::wants_taken_port(generation.function.port, failure)
        && generation.notes_kept_port().await
    {
        id = ids::instance();
        started = try_start(generation, Arc::clone(&id), generation.network().await?).await;
    }
    if let Err(failure) = &started {
        diagnosis::explain(generation, &id, failure).await;
    }
    started
}

async fn try_start(
    generation: &Arc<Generation>,
    id: Arc<str>,
    network: Option<Arc<Network>>,
) -> Result<Started, Failure> {
    let mut command = command(generation)?;
    let source = generation.source().with_instance(&id);
    // In a network of its own an instance has the declared port, as on the platform.
    let given = if network.is_none() { Some(take_port()?) } else { None };
    let port = given.as_ref().map_or(generation.function.port, Port::number);
    let reach = Reach { port, network };
    let (layout, is) = (&generation.layout, (true, reach.network.is_some()));
    let contained = Contained::of(generation, &id, port)?;
    let mut variables = generation.surroundings.variables(&id, port);
    if let Some(contained) = &contained {
        (command.real, variables) = (contained.command.clone(), contained.environment.clone());
    }
    let group = group(generation, &id, &source);
    let scratch = generation.layout.scratch(&id);
    let mounts = layout.mounts(scratch.as_deref(), generation.disk(), is).filter(|_| contained.is_none());
    let line = CommandLine {
        command: &command.real,
        folder: &generation.layout.code,
        environment: &variables,
        group: group.as_deref(),
        network: reach.network.as_deref(),
        mounts: mounts.as_ref(),
        container: contained.as_ref().map(|contained| &contained.container),
    };
    let started = generation.runner.start(&line, &generation.tasks);
    let (process, stdout, stderr) = started
        .map_err(|error| Failure::unavailable(format!("cannot start a process for the instance: {error}")))?;
    let redactor = generation.surroundings.redactor.clone();
    let output = Output::new(source.clone(), generation.log.clone(), redactor, [Kind::Stdout, Kind::Stderr]);
    let output = Arc::new(output.showing(generation.function.local.log));
    generation.tasks.spawn(Arc::clone(&output).read(stdout, false));
    generation.tasks.spawn(Arc::clone(&output).read(stderr, true));

    let shown = Arc::clone(&output);
    let outcome = async move {
        // Dropping the future, or any failure below, ends the process: the guard sees its socket close.
        let mut opening = Opening::new(generation, &process, reach.clone(), &output, &command.shown);
        let found = opening.wait_for_port().await?;
        let ignores_port = found != port && !generation.notes_kept_port().await;
        if ignores_port {
            generation.log.emit(&source, Kind::PortIgnored { given_port: port, port: found });
        }
        let source_of_connections = source.clone();
        let reach = Reach { port: found, ..reach };
        let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
        let instance = Arc::new(Instance {
            id,
            since: u64::try_from(since.as_millis()).unwrap_or(u64::MAX),
            source,
            generation: Arc::clone(generation),
            process,
            _port: given,
            output,
            connections: Arc::new(Connections::new(
                reach.clone(),
                Arc::clone(generation),
                source_of_connections,
            )),
            multiplexed: Multiplexed::new(reach, generation.function.concurrency, generation.tasks.clone()),
            presence: generation.fleet.join(),
            streams: AtomicUsize::new(0),
            memory_max: AtomicU64::new(0),
            is_oom: AtomicBool::new(false),
            is_killed: AtomicBool::new(false),
            group,
            scratch,
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
        Ok::<_, Failure>(Started { instance, ignores_port })
    }
    .await;
    drop(contained);
    if outcome.is_err() {
        shown.reveal();
    }
    outcome
}

fn take_port() -> Result<Port, Failure> {
    Port::take().map_err(|error| Failure::unavailable(format!("no free port: {error}")))
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
    if let Some(container) = &generation.function.container {
        let shown = [std::slice::from_ref(&container.image), &declared].concat().join(" ");
        return Ok(Command { real: Vec::new(), shown });
    }
    let shown = declared.join(" ");
    let real: Vec<String> = declared.iter().map(|part| generation.layout.translate(part)).collect();
    let program = declared.first().map(String::as_str).unwrap_or_default();
    // A bare name is looked up on the search path by the system.
    if program.contains('/') {
        let file = generation.layout.here(program);
        if !file.exists() {
            return Err(Failure::file_not_found(program));
        }
        if !is_program(&file) {
            return Err(Failure::file_permission(&shown));
        }
    }
    Ok(Command { real, shown })
}
