//! Runs the build steps that the manifest declares.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::time::Duration;

use tokio::time::Instant;
use tokio_util::task::TaskTracker;

use crate::event::{BuildFailure, BuildFault, Kind, Log, Source};
use crate::manifest::{Manifest, Variables};
use crate::model::Action;
use crate::process::{CommandLine, Exit, Output, Runner};
use crate::shell;

/// Variables that `cargo run` sets for the program it runs; a build inside must not take them for its own.
pub(crate) const NOT_PASSED_ON: [&str; 5] =
    ["CARGO_PKG_", "CARGO_MANIFEST_", "CARGO_BIN_", "CARGO_CRATE_", "CARGO_PRIMARY_"];

/// The variables that move cargo's target folder. A build step that copies its program from `target/` would find no
/// program there.
const TARGET_FOLDER: [&str; 2] = ["CARGO_TARGET_DIR", "CARGO_BUILD_TARGET_DIR"];

/// Whether the build steps find cargo's products although the shell moves the target folder. True if a step reads the
/// variable, or if no step names `target/`.
pub(crate) fn follows_target_folder(actions: &[Action]) -> bool {
    let is_said = |text: &str| actions.iter().any(|action| action.run.contains(text));
    TARGET_FOLDER.into_iter().any(is_said) || !is_said("target/")
}

/// Runs one step by the shell and waits for its end.
///
/// # Cancel safety
///
/// Dropping the future ends the step and everything it started.
pub(crate) async fn run(
    action: &Action,
    source: &Source,
    log: &Log,
    (manifest, follows_target_folder): (&Manifest, bool),
    runner: &dyn Runner,
    tasks: &TaskTracker,
) -> Result<(), BuildFailure> {
    let redactor = manifest.redactor();
    let shown = redactor.redact(action.run.clone());
    log.emit(source, Kind::BuildStarted { command: shown.clone() });
    let failed = |fault| BuildFailure { line: action.line, command: shown.clone(), fault };
    let ended = |outcome: Result<Duration, BuildFault>| match outcome.map_err(failed) {
        Ok(duration) => {
            log.emit(source, Kind::BuildFinished { duration });
            Ok(())
        }
        Err(failure) if action.may_fail => {
            log.emit(source, Kind::BuildFailureAllowed(failure));
            Ok(())
        }
        Err(failure) => Err(failure),
    };
    if !action.folder.is_dir() {
        return ended(Err(BuildFault::NoFolder(action.folder.clone())));
    }
    let begin = Instant::now();
    let command = ["/bin/sh".to_owned(), "-c".to_owned(), action.run.clone()];
    let environment = environment(manifest.variables(), follows_target_folder);
    let step = CommandLine {
        command: &command,
        folder: &action.folder,
        environment: &environment,
        group: None,
        network: None,
        mounts: None,
        container: None,
    };
    let output = Output::new(source.clone(), log.clone(), redactor.clone(), [Kind::Build, Kind::Build]);
    ended(match step.run(runner, output, tasks).await {
        Ok(Exit::Code(0)) => Ok(begin.elapsed()),
        Ok(exit) => Err(BuildFault::ExitCode(exit.code())),
        Err(error) => Err(BuildFault::NotStarted(error.to_string())),
    })
}

/// The variables of a build step: those of `.env` files over the developer's own. `.env` files already hold the
/// developer's value of the same name.
fn environment(variables: &Variables, follows_target_folder: bool) -> BTreeMap<String, OsString> {
    let files = variables.iter().map(|(name, value)| (name.clone(), OsString::from(value)));
    let all =
        shell::variables().filter(|(name, _)| !NOT_PASSED_ON.iter().any(|start| name.starts_with(start)));
    let is_wanted = |name: &str| follows_target_folder || !TARGET_FOLDER.contains(&name);
    all.chain(files).filter(|(name, _)| is_wanted(name)).collect()
}
