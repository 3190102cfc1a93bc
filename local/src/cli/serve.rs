//! `fc-local serve`.

use std::fs::DirBuilder;
use std::io;
use std::net::{IpAddr, Ipv4Addr};
use std::os::unix::fs::DirBuilderExt;
use std::path::{Path, PathBuf};
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::dev::{INTERRUPTED, StopSignal};
use super::print::{self, Hidden, Out, Printer, Style};
use super::record::RecordArguments;
use super::{Colour, authority_folder, grpc_port, settings};
use crate::auth::load_keys;
use crate::deploy::FOLDER;
use crate::event::Source;
use crate::{AccountNews, Kind, Log, Manifest, Platform, Settings};

#[derive(Debug, Args)]
pub(super) struct ServeArguments {
    /// The port for all functions and the API. 0 takes a free one
    #[arg(long, default_value_t = 8080)]
    port: u16,
    /// The port for gRPC calls [default: 8089 or, where that is taken or with --port 0, a free one]
    #[arg(long, value_name = "PORT")]
    grpc_port: Option<u16>,
    /// The address to listen on, one of this machine alone
    #[arg(long, default_value_t = IpAddr::V4(Ipv4Addr::LOCALHOST), value_name = "ADDRESS")]
    listen: IpAddr,
    /// The folder of the account: its functions, keys and asynchronous calls [default: `.fc-local` in the current folder]
    #[arg(long, value_name = "FOLDER")]
    data: Option<PathBuf>,
    /// The region of the account
    #[arg(long, default_value = "cn-hangzhou")]
    region: String,
    /// The number of the account
    #[arg(long, value_name = "ID")]
    account: Option<String>,
    /// The folder of the local certificate authority for TLS [default: ~/.fc-local/ca]
    #[arg(long, value_name = "FOLDER")]
    certificates: Option<PathBuf>,
    #[command(flatten)]
    record: RecordArguments,
    /// Print JSON lines
    #[arg(long)]
    pub(super) json: bool,
    /// Colour the output
    #[arg(long, value_enum, default_value_t = Colour::Auto)]
    color: Colour,
    /// How long calls under way may go on after Ctrl-C, in seconds
    #[arg(long, default_value_t = 30, value_name = "SECONDS")]
    drain: u64,
}

pub(super) async fn run(arguments: ServeArguments) -> ExitCode {
    let (log, events) = Log::new();
    let style = Style::new(arguments.json, arguments.color, Out::Stdout);
    let printer = Printer::start(events, Out::Stdout, style, Hidden::default());
    let ended = Box::pin(try_run(&arguments, log.clone())).await;
    printer.finish(&log).await;
    ended.unwrap_or_else(|error| {
        print::complain_not_started(&error.to_string(), arguments.json);
        ExitCode::FAILURE
    })
}

async fn try_run(arguments: &ServeArguments, log: Log) -> io::Result<ExitCode> {
    let mut stop = StopSignal::new()?;
    if !arguments.listen.is_loopback() {
        let text = format!(
            "--listen {}: the API of an account is served to this machine alone (127.0.0.1 or ::1)",
            arguments.listen
        );
        return Err(io::Error::other(text));
    }
    let data = std::path::absolute(arguments.data.clone().unwrap_or_else(|| PathBuf::from(FOLDER)))?;
    let drain = Duration::from_secs(arguments.drain);
    prepare(&data).map_err(|error| {
        let data = data.display();
        io::Error::other(format!(
            "the account cannot be kept in {data}: {error}; --data names another folder"
        ))
    })?;
    let settings = Settings {
        listen: arguments.listen,
        grpc_port: grpc_port(arguments.grpc_port, arguments.port),
        certificates: arguments.certificates.clone().or_else(authority_folder),
        drain,
        require_signature: true,
        data: Some(data.clone()),
        state: Some(data.clone()),
        region: Some(arguments.region.clone()),
        account: arguments.account.clone(),
        timers: true,
        record: arguments.record.recorder(),
        ..settings(arguments.port, false)
    };
    let manifest = Manifest::none(&data);
    let platform = Platform::open(&manifest, settings, log.clone()).await?;
    let url = format!("http://{}", platform.main_address());
    log.emit(&Source::default(), Kind::Account(AccountNews::Opened { url }));
    stop.wait().await;
    let is_drained = platform.stop_unless(drain, stop.wait_again()).await;
    Ok(if is_drained { ExitCode::SUCCESS } else { ExitCode::from(INTERRUPTED) })
}

/// Makes the folder of the account with its key, so that a folder which cannot be used is known before anything is served, and
/// `fc-local keys` shows the key from the start.
fn prepare(data: &Path) -> Result<(), String> {
    load_keys(data)?;
    // A key of the environment needs no folder; what else the account has does.
    DirBuilder::new().recursive(true).mode(0o700).create(data).map_err(|error| error.to_string())
}
