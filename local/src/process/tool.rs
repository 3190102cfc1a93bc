//! Runs a program of the developer, with fc-local's own output.

use std::ffi::OsString;
use std::fs::File;
use std::io::{self, Write};
use std::os::fd::AsRawFd;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::time::Duration;

use rustix::fs::{MemfdFlags, memfd_create};
use tokio::io::AsyncReadExt;

/// The exit code of a program that a signal ended.
const KILLED: u8 = 128;

/// A text for a program that other users must not see. Arguments are seen by everybody; this file is in memory, and only
/// programs that this process starts inherit it.
#[derive(Debug)]
pub(crate) struct HiddenFile(File);

impl HiddenFile {
    /// # Errors
    ///
    /// The system has no memory or no file descriptor for it.
    pub(crate) fn with(text: &[u8]) -> io::Result<Self> {
        // Not closed at the start of a program: the program opens it by its number.
        let mut file = File::from(memfd_create("fc-local", MemfdFlags::empty())?);
        file.write_all(text)?;
        Ok(HiddenFile(file))
    }

    /// The path by which a started program opens it.
    pub(crate) fn path(&self) -> String {
        format!("/proc/self/fd/{}", self.0.as_raw_fd())
    }
}

/// Runs a program to its end, with `input` as its standard input, and gives its exit code.
pub(crate) fn run_tool(name: &str, arguments: &[OsString], input: Option<&[u8]>) -> io::Result<u8> {
    let stdin = if input.is_some() { Stdio::piped() } else { Stdio::inherit() };
    let mut child = Command::new(name).args(arguments).stdin(stdin).spawn()?;
    if let (Some(mut pipe), Some(input)) = (child.stdin.take(), input) {
        // A program that reads no further says itself why.
        _ = pipe.write_all(input);
    }
    let code = child.wait()?.code().and_then(|code| u8::try_from(code).ok());
    Ok(code.unwrap_or(KILLED))
}

/// What a program prints to its standard output until it ends, `most` bytes at most. It has these variables alone, and is
/// killed after `limit`.
///
/// # Errors
///
/// The program does not start, or does not end in time.
///
/// # Cancel safety
///
/// Dropping the future kills the program.
pub(crate) async fn output_of(
    program: &Path,
    variables: &[(&str, &str)],
    limit: Duration,
    most: u64,
) -> io::Result<Vec<u8>> {
    let mut command = tokio::process::Command::new(program);
    command.env_clear().envs(variables.iter().copied()).kill_on_drop(true);
    let mut child = command.stdin(Stdio::null()).stderr(Stdio::null()).stdout(Stdio::piped()).spawn()?;
    let mut printed = Vec::new();
    let run = async {
        if let Some(out) = child.stdout.take() {
            out.take(most).read_to_end(&mut printed).await?;
        }
        child.wait().await.map(drop)
    };
    tokio::time::timeout(limit, run).await.map_err(io::Error::from)??;
    Ok(printed)
}

/// A program of the developer that is run to its end, in a folder and with an environment of its own.
#[derive(Debug, Default)]
pub(crate) struct Tool {
    pub(crate) program: PathBuf,
    pub(crate) arguments: Vec<OsString>,
    /// `None` is the current folder.
    pub(crate) folder: Option<PathBuf>,
    /// Variables beside those of this process.
    pub(crate) set: Vec<(&'static str, OsString)>,
    /// Begins of the names of variables that the program does not get.
    pub(crate) not_passed_on: &'static [&'static str],
    /// Whether errors are shown as they come. Otherwise they are dropped.
    pub(crate) shows_errors: bool,
}

impl Tool {
    /// Runs the program to its end. Gives whether it succeeded, and its standard output.
    ///
    /// # Errors
    ///
    /// The program cannot be started.
    pub(crate) fn output(&self) -> io::Result<(bool, Vec<u8>)> {
        let mut command = Command::new(&self.program);
        command.args(&self.arguments).stdin(Stdio::null());
        command.stderr(if self.shows_errors { Stdio::inherit() } else { Stdio::null() });
        for (name, _) in crate::shell::variables() {
            if self.not_passed_on.iter().any(|begin| name.starts_with(begin)) {
                command.env_remove(name);
            }
        }
        for (name, value) in &self.set {
            command.env(name, value);
        }
        if let Some(folder) = &self.folder {
            command.current_dir(folder);
        }
        let output = command.output()?;
        Ok((output.status.success(), output.stdout))
    }
}
