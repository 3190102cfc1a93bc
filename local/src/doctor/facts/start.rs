//! Starts a function as `fc-local dev` does, so that its server can be asked.

use std::path::Path;
use std::sync::{Arc, Mutex, PoisonError};
use std::time::Duration;

use fc_runtime::platform::names::env::LISTEN_PORT;
use tokio_util::task::TaskTracker;

use crate::event::Log;
use crate::manifest::Manifest;
use crate::platform::{GrpcPort, Platform, Settings};
use crate::process::{CommandLine, Pipe, Process, Processes, Runner};

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
    // No timers: who asks for a look at the server asks for no work.
    let settings =
        Settings { port: 0, grpc_port: GrpcPort::Closed, build: false, timers: false, ..Settings::default() };
    let opened = Platform::open_with(&manifest, settings, log, Arc::clone(&runner) as Arc<dyn Runner>).await;
    let platform = opened.map_err(|error| error.to_string())?;
    match platform.start_alone(&manifest, name, &mut events).await {
        Ok(started) => {
            let given = *runner.port.lock().unwrap_or_else(PoisonError::into_inner);
            let address = format!("http://127.0.0.1:{}", started.other_port.or(given).unwrap_or_default());
            Ok(Started { platform, address })
        }
        Err(failed) => {
            platform.stop(STOP_MAX).await;
            let told = failed.lines.iter().skip(failed.lines.len().saturating_sub(TOLD_MAX));
            let told: Vec<&str> = told.map(String::as_str).collect();
            Err(if told.is_empty() { failed.why } else { told.join("; ") })
        }
    }
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
