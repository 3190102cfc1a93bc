//! `fc-local doctor`.

use std::path::{Path, PathBuf};
use std::process::ExitCode;

use clap::{Args, ValueEnum};

use super::print;
use crate::doctor::{self, Errand, Examination};
use crate::shell;

#[derive(Debug, Args)]
#[expect(clippy::struct_excessive_bools, reason = "each is a switch of its own on the command line")]
pub(super) struct DoctorArguments {
    /// The manifest [default: that of --template]
    #[arg(value_name = "S_YAML")]
    manifest: Option<PathBuf>,
    /// Look at this function alone
    #[arg(long, value_name = "NAME")]
    function: Option<String>,
    /// The program that is deployed, in place of the one in the `code` folder; it is started and asked too
    #[arg(long, value_name = "PATH", conflicts_with = "server")]
    binary: Option<PathBuf>,
    /// Start the functions, and ask their servers
    #[arg(long, conflicts_with = "server")]
    start: bool,
    /// Start nothing, also with --binary
    #[arg(long, conflicts_with = "start")]
    no_start: bool,
    /// Ask a server that runs, such as `http://127.0.0.1:9000`
    #[arg(long, value_name = "URL")]
    server: Option<String>,
    /// How the findings are printed
    #[arg(long, value_enum, default_value_t = Format::Text)]
    format: Format,
    /// Print JSON: the same as --format json
    #[arg(long, conflicts_with = "format")]
    json: bool,
    /// Let this rule find what it wants; may be given several times
    #[arg(long, value_name = "ID")]
    allow: Vec<String>,
    /// Fail on warnings too
    #[arg(long)]
    strict: bool,
    /// Say all about a rule
    #[arg(long, value_name = "ID")]
    explain: Option<String>,
    /// List the rules
    #[arg(long)]
    list: bool,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq, ValueEnum)]
enum Format {
    /// For people
    Text,
    /// All findings as one JSON value
    Json,
    /// SARIF 2.1.0, as code hosts take it
    Sarif,
}

/// What is wrong with the call itself.
const USAGE: u8 = 2;

impl DoctorArguments {
    /// Prints what needs no project. `None` if there is more to do.
    pub(super) fn run_print(&self) -> Option<ExitCode> {
        if self.list {
            print::say(&doctor::list());
            return Some(ExitCode::SUCCESS);
        }
        let unknown = self.explain.iter().chain(&self.allow).find(|id| doctor::explanation(id).is_none());
        if let Some(id) = unknown {
            print::complain(&format!("there is no rule `{id}`; `fc-local doctor --list` has all"));
            return Some(ExitCode::from(USAGE));
        }
        let explanation = doctor::explanation(self.explain.as_ref()?)?;
        print::say(&explanation);
        Some(ExitCode::SUCCESS)
    }
}

pub(super) async fn run(template: &Path, environment: Option<&str>, arguments: DoctorArguments) -> ExitCode {
    let (json, strict) = (arguments.json, arguments.strict);
    let format = if json { Format::Json } else { arguments.format };
    let binary = match arguments.binary.as_deref().map(std::path::absolute).transpose() {
        Ok(binary) => binary,
        Err(error) => {
            print::complain(&format!("cannot find the program: {error}"));
            return ExitCode::from(USAGE);
        }
    };
    let errand = Errand {
        file: arguments.manifest.unwrap_or_else(|| template.to_owned()),
        environment: environment.map(str::to_owned),
        function: arguments.function,
        starts: (arguments.start || binary.is_some()) && !arguments.no_start,
        binary,
        server: arguments.server,
        allow: arguments.allow,
    };
    match doctor::examine(&errand).await {
        Ok(examination) => {
            show(&examination, format);
            if examination.passes(strict) { ExitCode::SUCCESS } else { ExitCode::FAILURE }
        }
        Err(error) => {
            print::complain(&error);
            ExitCode::from(USAGE)
        }
    }
}

fn show(examination: &Examination, format: Format) {
    match format {
        Format::Json => print::say(&format!("{:#}", doctor::json(examination))),
        Format::Sarif => print::say(&format!("{:#}", doctor::sarif(examination))),
        Format::Text => {
            let is_coloured = print::is_terminal() && shell::variable("NO_COLOR").is_none();
            let text = doctor::text(examination, is_coloured);
            print::say(&format!("{text}{}", doctor::summary(examination)));
        }
    }
}
