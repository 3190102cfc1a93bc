//! Runs a program of the developer, with fc-local's own output.

use std::ffi::OsString;
use std::io::{self, Write};
use std::process::{Command, Stdio};

/// The exit code of a program that a signal ended.
const KILLED: u8 = 128;

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
