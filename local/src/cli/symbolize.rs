//! `fc-local symbolize`.

use std::io::{self, BufRead};
use std::path::PathBuf;
use std::process::ExitCode;

use clap::Args;

use super::print;
use crate::package::Symbols;

/// The longest line that is read, in bytes. The platform's log cuts lines before.
const LINE_MAX: u64 = 1024 * 1024;

#[derive(Debug, Args)]
pub(super) struct SymbolizeArguments {
    /// The symbols: `bootstrap.debug`, which `fc-local package` wrote beside the zip that was deployed
    symbols: PathBuf,
}

pub(super) fn run(arguments: &SymbolizeArguments) -> ExitCode {
    match translate(arguments) {
        Ok(()) => ExitCode::SUCCESS,
        Err(error) => {
            print::complain(&error);
            ExitCode::FAILURE
        }
    }
}

fn translate(arguments: &SymbolizeArguments) -> Result<(), String> {
    let mut symbols = Symbols::open(&arguments.symbols)?;
    let mut input = io::stdin().lock();
    let mut line = Vec::new();
    loop {
        line.clear();
        let read = io::Read::take(&mut input, LINE_MAX).read_until(b'\n', &mut line);
        if read.map_err(|error| format!("cannot read the standard input: {error}"))? == 0 {
            return Ok(());
        }
        let text = String::from_utf8_lossy(&line);
        let (text, complaint) = symbols.line(text.trim_end_matches(['\n', '\r']));
        if let Some(complaint) = complaint {
            print::complain(&complaint);
        }
        print::say(&text);
    }
}
