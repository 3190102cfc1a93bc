//! `fc-local invoke`.

use std::io::{self, IsTerminal, Write};
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use clap::Args;
use http::{Method, StatusCode};

use super::client::{Running, RunningArguments};
use super::door::{self, Shown};
use super::print::{self, Hidden, Out, Printer, Style};
use super::version::finish;
use super::{Colour, check_name, settings, tasks};
use crate::auth::encode;
use crate::event::neutral;
use crate::manifest::{read_bounded, take_bounded};
use crate::model::LATEST;
use crate::wire::limits::BODY_MAX;
use crate::{Built, Log, Manifest, Platform, Problem};

#[derive(Debug, Default, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(super) struct InvokeArguments {
    /// The function's name
    pub(super) function: String,
    /// The event
    #[arg(short, long, conflicts_with = "event_file")]
    pub(super) event: Option<String>,
    /// A file that holds the event; `-` is the standard input
    #[arg(short = 'f', long, value_name = "FILE")]
    pub(super) event_file: Option<PathBuf>,
    /// The version or alias to call [default: LATEST]
    #[arg(short, long)]
    pub(super) qualifier: Option<String>,
    /// Show the call's log on the standard error
    #[arg(long)]
    pub(super) log: bool,
    /// Let a running `dev` or `serve` carry the call out later
    #[arg(long = "async", conflicts_with = "log")]
    pub(super) later: bool,
    /// The id of the task that the call becomes [default: made by fc-local]
    #[arg(long, value_name = "ID", requires = "later")]
    pub(super) task_id: Option<String>,
    /// How many seconds later, 1 to 3600
    #[arg(long, value_name = "SECONDS", requires = "later", value_parser = clap::value_parser!(u32).range(1..=3600))]
    pub(super) delay: Option<u32>,
    /// Print the ids of the call as JSON
    #[arg(long, requires = "later")]
    pub(super) json: bool,
    #[command(flatten)]
    pub(super) running: RunningArguments,
    /// Do not run the manifest's build steps
    #[arg(long)]
    pub(super) no_build: bool,
}

/// Calls the function where the manifest's `dev` has it, else by starting it for this call.
pub(super) async fn run(manifest: &Manifest, arguments: InvokeArguments) -> ExitCode {
    match event(&arguments) {
        Ok(event) => run_with(manifest, &arguments, event, Shown::AsItIs).await,
        Err(error) => finish(Err(error)),
    }
}

/// Calls the function of the server that the arguments name. There is no need of a manifest.
pub(super) async fn run_at(template: &Path, arguments: InvokeArguments) -> ExitCode {
    match event(&arguments) {
        Ok(event) => run_at_with(template, &arguments, event, Shown::AsItIs).await,
        Err(error) => finish(Err(error)),
    }
}

/// As [`run`] with an event, whatever the arguments say of one.
pub(super) async fn run_with(
    manifest: &Manifest,
    arguments: &InvokeArguments,
    event: Bytes,
    shown: Shown,
) -> ExitCode {
    code(try_run(manifest, arguments, event, shown).await)
}

/// As [`run_at`] with an event, whatever the arguments say of one.
pub(super) async fn run_at_with(
    template: &Path,
    arguments: &InvokeArguments,
    event: Bytes,
    shown: Shown,
) -> ExitCode {
    code(try_run_at(template, arguments, event, shown).await)
}

fn code(outcome: io::Result<bool>) -> ExitCode {
    match outcome {
        Ok(true) => ExitCode::SUCCESS,
        Ok(false) => ExitCode::FAILURE,
        Err(error) => finish(Err(error)),
    }
}

/// Whether the function succeeded.
async fn try_run(
    manifest: &Manifest,
    arguments: &InvokeArguments,
    event: Bytes,
    shown: Shown,
) -> io::Result<bool> {
    check_name(manifest, &arguments.function)?;
    let running = Running::find(manifest);
    if arguments.later {
        return tasks::submit(&running?, arguments, event).await.map(|()| true);
    }
    if let Ok(running) = running
        && let Ok(outcome) = call_running(&running, arguments, &event).await?
    {
        return outcome.show(shown);
    }
    start_and_call(manifest, arguments, event, shown).await
}

/// Whether the function succeeded.
async fn try_run_at(
    template: &Path,
    arguments: &InvokeArguments,
    event: Bytes,
    shown: Shown,
) -> io::Result<bool> {
    let running = arguments.running.find(template).await?;
    if arguments.later {
        return tasks::submit(&running, arguments, event).await.map(|()| true);
    }
    match call_running(&running, arguments, &event).await? {
        Ok(outcome) => outcome.show(shown),
        Err(Absent::NotConnected(error)) => Err(running.unreachable(&error)),
        Err(Absent::NoFunction) => Err(io::Error::other(format!(
            "the fc-local at {} has no function `{}`; without --port, `invoke` finds the `dev` of the manifest, or starts the function for the call",
            running.address(),
            arguments.function
        ))),
    }
}

/// The event, no larger than the body that a call may have.
fn event(arguments: &InvokeArguments) -> io::Result<Bytes> {
    let Some(file) = &arguments.event_file else {
        return Ok(Bytes::from(arguments.event.clone().unwrap_or_default()));
    };
    let failed = |what: &str, error: io::Error| io::Error::other(format!("cannot read {what}: {error}"));
    let bytes = if file.as_os_str() == "-" {
        take_bounded(io::stdin().lock(), BODY_MAX as u64).map_err(|error| failed("the standard input", error))
    } else {
        read_bounded(file, BODY_MAX as u64).map_err(|error| {
            let hint = if error.kind() == io::ErrorKind::InvalidInput { "; `-f -` reads a pipe" } else { "" };
            failed(&file.display().to_string(), io::Error::other(format!("{error}{hint}")))
        })
    };
    bytes.map(Bytes::from)
}

struct Outcome {
    body: Bytes,
    log: Option<String>,
    is_error: bool,
}

impl Outcome {
    fn show(self, shown: Shown) -> io::Result<bool> {
        if let Some(log) = &self.log {
            print::complain(&neutral(log));
        }
        if let Shown::Decoded { door, include } = shown
            && !self.is_error
        {
            return door::show(door, include, &self.body);
        }
        let mut out = io::stdout().lock();
        if out.is_terminal() {
            out.write_all(neutral(&String::from_utf8_lossy(&self.body)).as_bytes())?;
            if !self.body.ends_with(b"\n") {
                out.write_all(b"\n")?;
            }
        } else {
            // A file or a pipe gets the bytes as they are.
            out.write_all(&self.body)?;
        }
        // An error at the end of the process would be lost.
        out.flush()?;
        Ok(!self.is_error)
    }
}

/// Why no running fc-local took the call.
enum Absent {
    NotConnected(io::Error),
    NoFunction,
}

/// Calls the function by the API of a server.
async fn call_running(
    running: &Running,
    arguments: &InvokeArguments,
    event: &Bytes,
) -> io::Result<Result<Outcome, Absent>> {
    let [function, qualifier] = [&*arguments.function, arguments.qualifier.as_deref().unwrap_or(LATEST)]
        .map(|text| encode(text.as_bytes()));
    let path = format!("/2023-03-30/functions/{function}/invocations?qualifier={qualifier}");
    let mut request = running.request(Method::POST, &path);
    if arguments.log {
        request = request.header("x-fc-log-type", "Tail");
    }
    let request = request.body(event.clone()).map_err(io::Error::other)?;
    let response = match running.exchange(request).await? {
        Ok(response) => response,
        Err(error) => return Ok(Err(Absent::NotConnected(error))),
    };
    let head = response.headers();
    let has_qualifier = arguments.qualifier.is_some();
    if response.status() == StatusCode::NOT_FOUND && !has_qualifier {
        return Ok(Err(Absent::NoFunction));
    }
    let is_error = !response.status().is_success() || head.contains_key("x-fc-error-type");
    let log = head.get("x-fc-log-result").and_then(|log| STANDARD.decode(log).ok());
    let log = log.map(|log| String::from_utf8_lossy(&log).into_owned());
    Ok(Ok(Outcome { body: response.into_body(), log, is_error }))
}

async fn start_and_call(
    manifest: &Manifest,
    arguments: &InvokeArguments,
    event: Bytes,
    shown: Shown,
) -> io::Result<bool> {
    const DRAIN: Duration = Duration::from_secs(10);
    let function = |problem: &Problem| problem.text.contains(&format!("`{}`", arguments.function));
    if let Some(problem) = manifest.without_code(!arguments.no_build).find(function) {
        let text = problem.placed(manifest.file());
        return Err(io::Error::other(text));
    }
    let (log, events) = Log::new();
    let style = Style::new(false, Colour::Auto, Out::Stderr);
    let hidden = Hidden { has_calls: arguments.log, has_addresses: true, ..Hidden::default() };
    let printer = Printer::start(events, Out::Stderr, style, hidden);
    let platform = Platform::open(manifest, settings(0, !arguments.no_build), log.clone()).await?;
    let name = &arguments.function;
    let outcome = if platform.deploy(manifest, name, &mut Built::default()).await {
        let invocation =
            platform.invoke_qualified(name, arguments.qualifier.as_deref(), event, arguments.log).await;
        Some(Outcome { body: invocation.body, log: invocation.log, is_error: invocation.is_error })
    } else {
        None
    };
    platform.stop(DRAIN).await;
    printer.finish(&log).await;
    match outcome {
        Some(outcome) => outcome.show(shown),
        None => Err(io::Error::other(format!("`{name}` cannot be started; see above"))),
    }
}
