//! `fc-local conform`: whether a program is a custom runtime.

use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::{Args, ValueEnum};
use globset::Glob;

use super::{EditionArgument, print};
use crate::conform::{self, Case, Choice, Settings, Verdict};
use crate::shell;

/// Which program, and which cases.
#[derive(Debug, Args)]
pub(super) struct ConformArguments {
    /// How verdicts are printed
    #[arg(long, value_enum, default_value_t = Format::Tap)]
    format: Format,
    /// Check these cases alone, such as `ws-*`. Can be repeated
    #[arg(long, value_name = "GLOB")]
    only: Vec<String>,
    /// Leave a case out. Can be repeated
    #[arg(long, value_name = "ID")]
    skip: Vec<String>,
    /// Print the cases, and check nothing
    #[arg(long)]
    list: bool,
    /// Let a case fail whose route the program does not have
    #[arg(long)]
    require: bool,
    /// The edition of the platform
    #[arg(long, value_enum, default_value_t = EditionArgument::Fc3)]
    edition: EditionArgument,
    /// The port that the program listens on, whatever its environment says [default: a free one, in its environment]
    #[arg(long, value_name = "PORT", value_parser = clap::value_parser!(u16).range(1..))]
    port: Option<u16>,
    /// How long a start, a reply or an end may take, in seconds
    // Some cases ask for replies that take two seconds.
    #[arg(long, default_value_t = 10, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(3..=3600))]
    timeout: u64,
    /// How long an unused connection is observed, in seconds; the platform keeps connections for 15 minutes
    #[arg(long, default_value_t = 7, value_name = "SECONDS", value_parser = clap::value_parser!(u64).range(1..=3600))]
    idle: u64,
    /// How many requests one connection carries
    #[arg(long, default_value_t = 1200, value_name = "NUMBER", value_parser = clap::value_parser!(u32).range(2..=1_000_000))]
    requests: u32,
    /// The path of the health check
    #[arg(long, default_value = "/conform/health", value_name = "PATH")]
    health: String,
    /// The program and its arguments
    #[arg(last = true, required_unless_present = "list")]
    command: Vec<String>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// TAP version 14, a line as soon as a case has ended
    Tap,
    /// The XML of `JUnit`
    Junit,
    /// One JSON document
    Json,
}

/// Prints the cases. Nothing is started.
pub(super) fn run_list(arguments: &ConformArguments) -> Option<ExitCode> {
    if !arguments.list {
        return None;
    }
    Some(match chosen(&arguments.only) {
        Ok(cases) if arguments.format == Format::Json => {
            written(&format!("{:#}\n", conform::list_json(&cases)))
        }
        Ok(cases) => written(&conform::list_text(&cases)),
        Err(error) => complained(&error),
    })
}

pub(super) async fn run(arguments: ConformArguments) -> ExitCode {
    let prepared = chosen(&arguments.only).and_then(|cases| Ok((cases, known(arguments.skip)?)));
    let (cases, skipped) = match prepared {
        Ok(prepared) => prepared,
        Err(error) => return complained(&error),
    };
    if !arguments.health.starts_with('/') {
        return complained(&format!("--health {}: a path begins with /", arguments.health));
    }
    let settings = Settings {
        command: arguments.command,
        folder: shell::current_folder().unwrap_or_else(|| PathBuf::from("/")),
        edition: arguments.edition.into(),
        port: arguments.port,
        timeout: Duration::from_secs(arguments.timeout),
        idle: Duration::from_secs(arguments.idle),
        requests: usize::try_from(arguments.requests).unwrap_or(usize::MAX),
        health: arguments.health,
    };
    let choice = Choice { skipped, requires_all: arguments.require };
    let is_tap = arguments.format == Format::Tap;
    let command = settings.command.clone();
    let mut verdicts: Vec<Verdict> = Vec::with_capacity(cases.len());
    let mut code = ExitCode::SUCCESS;
    let mut say = |text: &str| {
        if written(text) != ExitCode::SUCCESS {
            code = ExitCode::FAILURE;
        }
    };
    if is_tap {
        say(&conform::tap_begin(cases.len()));
    }
    conform::run(settings, &cases, &choice, &mut |verdict| {
        if is_tap {
            say(&conform::tap_line(verdicts.len() + 1, &verdict));
        }
        verdicts.push(verdict);
    })
    .await;
    match arguments.format {
        Format::Tap => say(&conform::tap_end(&verdicts)),
        Format::Junit => say(&conform::junit(&verdicts)),
        Format::Json => say(&format!("{:#}\n", conform::to_json(&command, &verdicts))),
    }
    if !is_tap {
        print::complain(conform::summary(&verdicts).trim_end());
    }
    if verdicts.iter().any(Verdict::is_fatal) { ExitCode::FAILURE } else { code }
}

/// The cases that one of the patterns takes; all of them without a pattern.
fn chosen(patterns: &[String]) -> Result<Vec<&'static Case>, String> {
    let mut matchers = Vec::new();
    for pattern in patterns {
        let glob = Glob::new(pattern).map_err(|error| format!("--only {pattern}: {error}"))?;
        matchers.push(glob.compile_matcher());
    }
    let is_chosen = |case: &&Case| matchers.is_empty() || matchers.iter().any(|glob| glob.is_match(case.id));
    let cases: Vec<_> = conform::cases().filter(is_chosen).collect();
    if cases.is_empty() {
        return Err(format!("no case is called {}: --list shows them", patterns.join(" or ")));
    }
    Ok(cases)
}

/// The ids, if there is a case of each.
fn known(ids: Vec<String>) -> Result<Vec<String>, String> {
    match ids.iter().find(|id| conform::cases().all(|case| case.id != **id)) {
        Some(id) => Err(format!("--skip {id}: there is no such case, --list shows them")),
        None => Ok(ids),
    }
}

fn complained(error: &str) -> ExitCode {
    print::complain(error);
    // As for arguments that cannot be read.
    ExitCode::from(2)
}

fn written(text: &str) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text.as_bytes()).and_then(|()| out.flush()) {
        Ok(()) => ExitCode::SUCCESS,
        Err(_) => ExitCode::FAILURE,
    }
}
