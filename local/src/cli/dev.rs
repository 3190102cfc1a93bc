//! `fc-local dev`.

use std::io;
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use tokio::signal::unix::{Signal, SignalKind, signal};

use super::print::{self, Hidden, Out, Printer, Style};
use super::{DevArguments, authority_folder, check_name, grpc_port, refuse_without_code, settings};
use crate::doctor::{self, Errand, Found, examine};
use crate::event::Source;
use crate::front::Finding;
use crate::process::ignores_hangup;
use crate::{Built, Kind, Log, Manifest, Platform, Settings};

/// The exit code after a second Ctrl-C: 128 + SIGINT, as of a program without a handler.
pub(super) const INTERRUPTED: u8 = 130;

pub(super) async fn run(manifest: Manifest, arguments: DevArguments) -> ExitCode {
    let (log, events) = Log::new();
    let style = Style::new(arguments.json, arguments.color, Out::Stdout);
    let hidden = Hidden { functions: arguments.quiet.clone(), ..Hidden::default() };
    let printer = Printer::start(events, Out::Stdout, style, hidden);
    // The future is large: on the heap no caller has to hold it.
    let ended = Box::pin(try_run(manifest, &arguments, log.clone())).await;
    printer.finish(&log).await;
    ended.unwrap_or_else(|error| {
        print::complain_not_started(&error.to_string(), arguments.json);
        ExitCode::FAILURE
    })
}

async fn try_run(manifest: Manifest, arguments: &DevArguments, log: Log) -> io::Result<ExitCode> {
    let mut stop = StopSignal::new()?;
    for name in &arguments.quiet {
        check_name(&manifest, name)?;
    }
    refuse_without_code(&manifest, !arguments.no_build)?;
    for note in manifest.notes() {
        let (file, note) = (manifest.file().to_owned(), note.remark());
        log.emit(&Source::default(), Kind::ManifestNote { file, note });
    }
    let errors = doctor::count_errors(manifest.file(), manifest.environment());
    if errors > 0 {
        log.emit(&Source::default(), Kind::DoctorFindings(errors));
    }
    let drain = Duration::from_secs(arguments.drain);
    let certificates = arguments.certificates.clone().or_else(authority_folder);
    if certificates.is_none() {
        let error = "HOME names no folder for the certificates; --certificates names one".to_owned();
        log.emit(&Source::default(), Kind::TlsUnavailable { error });
    }
    let data = arguments.data.clone().unwrap_or_else(|| manifest.folder().join(".fc-local"));
    let settings = Settings {
        listen: arguments.listen,
        grpc_port: grpc_port(arguments.grpc_port, arguments.port),
        certificates,
        drain,
        chaos: arguments.chaos,
        edition: arguments.edition.map(Into::into),
        require_signature: arguments.require_signature,
        data: (!arguments.ephemeral).then_some(data),
        timers: true,
        record: arguments.record.recorder(),
        ..settings(arguments.port, !arguments.no_build)
    };
    let platform = Platform::open(&manifest, settings, log).await?;
    let (file, environment) = (manifest.file().to_owned(), manifest.environment().map(str::to_owned));
    platform.set_doctor(Box::new(move || Box::pin(findings(file.clone(), environment.clone()))));
    if let Err(error) = platform.announce(&manifest) {
        print::complain(&format!(
            "`fc-local invoke` finds this only with --port {}: {error}",
            platform.main_address().port()
        ));
    }
    tokio::select! {
        () = stop.wait() => {}
        () = serve(&platform, manifest, arguments) => {}
    }
    let is_drained = platform.stop_unless(drain, stop.wait_again()).await;
    Ok(if is_drained { ExitCode::SUCCESS } else { ExitCode::from(INTERRUPTED) })
}

/// What doctor finds in the project, for the console. Nothing is started for it.
async fn findings(file: PathBuf, environment: Option<String>) -> Result<Vec<Finding>, String> {
    let errand = Errand { file, environment, ..Errand::default() };
    let examination = examine(&errand).await?;
    let shown = |found: &Found| {
        let place = &found.finding.place;
        Finding {
            level: found.rule.level.name(),
            rule: found.rule.id,
            place: format!("{}:{}", place.file.display(), place.line),
            text: found.finding.text.clone(),
            fix: found.finding.fix.clone(),
        }
    };
    Ok(examination.open().map(shown).collect())
}

async fn serve(platform: &Platform, manifest: Manifest, arguments: &DevArguments) {
    let mut built = Built::default();
    for name in manifest.names() {
        if platform.deploy(&manifest, name, &mut built).await && !arguments.cold {
            platform.warm(name);
        }
    }
    if !arguments.no_watch
        && let Err(error) = platform.follow(manifest).await
    {
        print::complain(&format!("changes are not noticed: {error}"));
    }
    std::future::pending::<()>().await;
}

/// Ctrl-C, SIGTERM, or the end of the terminal.
pub(super) struct StopSignal {
    interrupt: Signal,
    terminate: Signal,
    /// `None` if the caller of this program ignores the end of the terminal, as `nohup` does.
    hangup: Option<Signal>,
}

impl StopSignal {
    pub(super) fn new() -> io::Result<Self> {
        Ok(StopSignal {
            interrupt: signal(SignalKind::interrupt())?,
            terminate: signal(SignalKind::terminate())?,
            hangup: if ignores_hangup() { None } else { Some(signal(SignalKind::hangup())?) },
        })
    }

    pub(super) async fn wait(&mut self) {
        let StopSignal { interrupt, terminate, hangup } = self;
        tokio::select! {
            _ = interrupt.recv() => {}
            _ = terminate.recv() => {}
            () = hung_up(hangup) => {}
        }
    }

    /// Waits for Ctrl-C or SIGTERM. The end of a terminal may be told twice: by the kernel, and by the shell.
    pub(super) async fn wait_again(&mut self) {
        tokio::select! {
            _ = self.interrupt.recv() => {}
            _ = self.terminate.recv() => {}
        }
    }
}

async fn hung_up(hangup: &mut Option<Signal>) {
    match hangup {
        Some(hangup) => drop(hangup.recv().await),
        None => std::future::pending().await,
    }
}
