//! Starts a function as `fc-local dev` does, so that its server can be asked.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fc_runtime::platform::names::env::LISTEN_PORT;
use tokio::time::timeout;
use tokio_util::task::TaskTracker;

use crate::deploy::Built;
use crate::event::{Kind, Log};
use crate::manifest::Manifest;
use crate::platform::{Platform, Settings};
use crate::process::{CommandLine, Pipe, Process, Processes, Runner};
use crate::{Event, Events, Level};

/// How long a start may take: port, initializer and first health check have their own bounds, which are told.
const START_MAX: Duration = Duration::from_secs(480);

/// How long the end of the function is waited for.
const STOP_MAX: Duration = Duration::from_secs(10);

/// Lines of the log that are told of a start that failed.
const TOLD_MAX: usize = 6;

/// A function that was started.
pub(crate) struct Started {
    platform: Platform,
    /// Where its server listens.
    pub(crate) address: String,
}

impl Started {
    /// Ends the function.
    pub(crate) async fn stop(self) {
        self.platform.stop(STOP_MAX).await;
    }
}

/// Starts one function, `program` in place of its own if one is given.
///
/// # Errors
///
/// What the log tells of a start that failed.
pub(crate) async fn start(
    manifest: &Manifest,
    name: &str,
    program: Option<&Path>,
) -> Result<Started, String> {
    let manifest = manifest.in_the_open(program);
    let (log, mut events) = Log::new();
    let runner = Arc::new(Noting::default());
    let settings = Settings { port: 0, grpc_port: None, build: false, ..Settings::default() };
    let opened = Platform::open_with(&manifest, settings, log, Arc::clone(&runner) as Arc<dyn Runner>).await;
    let platform = opened.map_err(|error| error.to_string())?;
    let outcome = if platform.deploy(&manifest, name, &mut Built::default()).await {
        platform.warm(name);
        let waited = timeout(START_MAX, follow(&mut events)).await;
        waited.unwrap_or_else(|_| Err(format!("no start within {} s", START_MAX.as_secs())))
    } else {
        Err(told(&mut events))
    };
    match outcome {
        Ok(ignored) => {
            let port = ignored.or_else(|| *runner.port.lock().unwrap_or_else(PoisonError::into_inner));
            let address = format!("http://127.0.0.1:{}", port.unwrap_or_default());
            Ok(Started { platform, address })
        }
        Err(why) => {
            platform.stop(STOP_MAX).await;
            Err(why)
        }
    }
}

/// Waits for the start, and gives the port if it is another one than was given.
async fn follow(events: &mut Events) -> Result<Option<u16>, String> {
    let mut ignored = None;
    let mut lines = Vec::new();
    loop {
        let mut batch = Vec::new();
        events.take(&mut batch, usize::MAX);
        for event in batch {
            match &event.kind {
                Kind::PortIgnored { port, .. } => ignored = Some(*port),
                Kind::InstanceStarted { .. } => return Ok(ignored),
                Kind::InstanceStartFailed(_) => {
                    lines.push(event);
                    return Err(sentence(&lines));
                }
                _ => lines.push(event),
            }
        }
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
}

fn told(events: &mut Events) -> String {
    let mut batch = Vec::new();
    events.take(&mut batch, usize::MAX);
    sentence(&batch)
}

/// The last lines that say why: those of the function, and what is no news.
fn sentence(events: &[Arc<Event>]) -> String {
    let says_why = |event: &&Arc<Event>| {
        matches!(event.kind, Kind::Stdout(_) | Kind::Stderr(_)) || event.kind.level() != Level::Info
    };
    let lines = events.iter().filter(says_why);
    let lines: Vec<String> = lines.map(|event| event.text().trim().to_owned()).collect();
    lines[lines.len().saturating_sub(TOLD_MAX)..].join("; ")
}

/// Starts processes, and notes the port that the last one was given.
#[derive(Debug, Default)]
struct Noting {
    port: Mutex<Option<u16>>,
}

impl Runner for Noting {
    fn start(&self, line: &CommandLine<'_>, tasks: &TaskTracker) -> std::io::Result<(Process, Pipe, Pipe)> {
        let port = line.environment.get(LISTEN_PORT).and_then(|port| port.to_str()?.parse().ok());
        *self.port.lock().unwrap_or_else(PoisonError::into_inner) = port;
        Processes.start(line, tasks)
    }

    fn has_processes(&self) -> bool {
        Processes.has_processes()
    }
}
