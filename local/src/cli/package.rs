//! `fc-local package`.

use std::path::PathBuf;
use std::process::ExitCode;
use std::time::Duration;

use clap::Args;

use super::{check_name, print, settings};
use crate::event::neutral;
use crate::model::Function;
use crate::package::{Packed, Wish, pack};
use crate::shell::shown;
use crate::{Log, Manifest, Platform};

#[derive(Debug, Args)]
pub(super) struct PackageArguments {
    /// The function's name [default: all functions]
    function: Option<String>,
    /// The folder for the zip and the symbols, below the function's name [default: `fc-package` in cargo's target folder]
    #[arg(short, long, value_name = "DIR")]
    output: Option<PathBuf>,
    /// Link the program statically with musl, whatever `x-local.package.target` says
    #[arg(long)]
    musl: bool,
    /// Build nothing: check and pack what the code folder has
    #[arg(long)]
    no_build: bool,
    /// Do not start the function to see whether it answers
    #[arg(long)]
    no_start: bool,
}

pub(super) async fn run(manifest: &Manifest, arguments: PackageArguments) -> ExitCode {
    print::notes(manifest);
    if let Some(name) = &arguments.function
        && let Err(error) = check_name(manifest, name)
    {
        print::complain(&error.to_string());
        return ExitCode::FAILURE;
    }
    let wish =
        Wish { output: arguments.output.clone(), is_static: arguments.musl, takes_built: arguments.no_build };
    let is_wanted =
        |function: &&Function| arguments.function.as_ref().is_none_or(|name| *name == function.name);
    for function in manifest.functions().iter().filter(is_wanted) {
        if let Err(error) = package(manifest, function, &wish, !arguments.no_start).await {
            print::complain(&format!("{}: {error}", function.name));
            return ExitCode::FAILURE;
        }
    }
    ExitCode::SUCCESS
}

async fn package(manifest: &Manifest, function: &Function, wish: &Wish, starts: bool) -> Result<(), String> {
    let packed = pack(function, manifest.folder(), wish)?;
    show(function, &packed);
    let fatal = packed.findings.iter().filter(|finding| finding.is_fatal).count();
    if fatal > 0 {
        return Err("the package would not run on the platform: the reasons stand above".to_owned());
    }
    if !starts {
        return Ok(());
    }
    if packed.needs.is_some() && !cfg!(target_arch = "x86_64") {
        print::say("  not started: this machine has another processor than the platform");
        return Ok(());
    }
    let took = start(manifest, function).await?;
    let probe = match &function.health {
        Some(check) => format!("and answers its health check {}", check.path),
        None => "no health check is declared".to_owned(),
    };
    let hook = if function.initializer.is_some() { ", its initializer included" } else { "" };
    print::say(&format!("  started  in {} ms{hook}; {probe}", took.as_millis()));
    Ok(())
}

fn show(function: &Function, packed: &Packed) {
    let built = packed.built.as_deref().unwrap_or("as it was built");
    print::say(&format!("{}  {}, {built}", function.name, function.runtime));
    let program = format!("{}, {}", shown(&packed.program), size(packed.program_bytes));
    print::say(&format!("  program  {program}"));
    if let Some(needs) = &packed.needs {
        print::say(&format!("           {needs}"));
    }
    if let Some(symbols) = &packed.symbols {
        print::say(&format!("  symbols  {}: fc-local symbolize reads panics with them", shown(symbols)));
    }
    print::say(&format!(
        "  zip      {}, {}, sha256 {}",
        shown(&packed.zip),
        size(packed.zip_bytes),
        packed.digest
    ));
    for finding in &packed.findings {
        let level = if finding.is_fatal { "error" } else { "warning" };
        print::complain(&format!("  {level}: {}", finding.text));
    }
}

fn size(bytes: u64) -> String {
    const KIB: u64 = 1024;
    if bytes < 10 * KIB * KIB {
        return format!("{} KiB", bytes.div_ceil(KIB));
    }
    format!("{} MiB", bytes.div_ceil(KIB * KIB))
}

/// Starts the function as `dev` does, on free ports, and gives how long it took.
async fn start(manifest: &Manifest, function: &Function) -> Result<Duration, String> {
    let (log, mut events) = Log::new();
    let platform =
        Platform::open(manifest, settings(0, false), log).await.map_err(|error| error.to_string())?;
    let outcome = platform.start_alone(manifest, &function.name, &mut events).await;
    platform.stop(Duration::from_secs(1)).await;
    outcome.map(|started| started.took).map_err(|failed| {
        for line in &failed.lines {
            print::complain(&format!("  | {}", neutral(line)));
        }
        format!(
            "it does not start: {}. This machine may lack what it needs; --no-start packs it all the same",
            failed.why
        )
    })
}
