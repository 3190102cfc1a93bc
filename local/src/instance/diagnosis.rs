//! What a failed start may come from: a port that is taken, a program that is hidden, layers that are not here.

use std::path::PathBuf;
use std::sync::Arc;

use super::generation::Generation;
use super::unfit;
use crate::event::Kind;
use crate::failure::{Failure, FailureKind};
use crate::process::{Holder, holder};

/// Says what may be the reason of a failed start, as far as this machine shows it.
pub(super) async fn explain(generation: &Generation, instance: &str, failure: &Failure) {
    let function = &generation.function;
    let mut kinds = Vec::new();
    if let Some((program, found, searched)) = hidden(generation, failure.message()) {
        kinds.push(Kind::ProgramHidden { program, found, searched });
    }
    let code = failure.exit_code.filter(|_| failure.kind == FailureKind::ExitedAtStart);
    if kinds.is_empty()
        && let Some((program, fault)) = code.and_then(|code| unfit::find(generation, code))
    {
        kinds.push(Kind::ProgramUnfit { program, fault });
    }
    if let Some((port, holder)) = held(function.port, instance, failure).await {
        let Holder { process_id, program, function: holder, .. } = holder;
        kinds.push(Kind::PortHeld { port, process_id, program, holder });
    }
    if !function.layers.is_empty() && function.local.layers.is_empty() {
        kinds.push(Kind::LayersMissing { layers: function.layers.clone() });
    }
    for kind in kinds {
        generation.log.emit(&generation.source(), kind);
    }
}

/// The program that was not found, if this machine has it elsewhere: the function's own, or one that a line names.
fn hidden(generation: &Generation, message: &str) -> Option<(String, PathBuf, Vec<PathBuf>)> {
    let own = generation.function.command.first().cloned().into_iter();
    let names = message.lines().filter(|line| is_of_missing(line)).flat_map(words).map(str::to_owned);
    own.chain(names).find_map(|name| {
        let (found, searched) = generation.layout.hidden(&generation.function, &name)?;
        Some((name, found, searched))
    })
}

/// Whether the line is of a shell, or another program, that did not find a program.
fn is_of_missing(line: &str) -> bool {
    line.contains("not found") || line.contains("No such file")
}

/// The words that may be names of programs.
fn words(line: &str) -> impl Iterator<Item = &str> {
    let words = line.split(|c: char| c.is_whitespace() || "'\"`\u{2018}\u{2019}:".contains(c));
    words.filter(|word| !word.is_empty())
}

/// Whether the program ended because somebody else has the declared port, as far as its own words tell.
pub(super) fn wants_taken_port(declared: u16, failure: &Failure) -> bool {
    let named = taken(failure.message()).filter(|_| failure.kind == FailureKind::ExitedAtStart);
    named.is_some_and(|ports| ports.is_empty() || ports.contains(&declared))
}

/// The port that the program seems to want, and who has it.
async fn held(declared: u16, instance: &str, failure: &Failure) -> Option<(u16, Holder)> {
    if !matches!(failure.kind, FailureKind::ExitedAtStart | FailureKind::NotStarted) {
        return None;
    }
    let named = taken(failure.message());
    if failure.kind == FailureKind::ExitedAtStart && named.is_none() {
        return None;
    }
    let ports: Vec<u16> = [declared].into_iter().chain(named.unwrap_or_default()).collect();
    let instance: Arc<str> = Arc::from(instance);
    // All processes of the machine are looked at.
    let looking = tokio::task::spawn_blocking(move || {
        let holders = ports.into_iter().filter_map(|port| Some((port, holder(port)?)));
        holders.into_iter().find(|(_, holder)| holder.instance.as_deref() != Some(&*instance))
    });
    looking.await.ok().flatten()
}

/// The numbers that may be ports in lines that say that an address is in use. `None` without such a line.
fn taken(message: &str) -> Option<Vec<u16>> {
    /// Below are ports of the system, and many numbers that are none.
    const LEAST: u16 = 1024;
    /// For each one, all processes of the machine are looked at.
    const PORTS_MAX: usize = 16;
    let mut lines = message.lines().filter(|line| {
        let line = line.to_ascii_lowercase();
        line.contains("already in use") || line.contains("eaddrinuse") || line.contains("connection in use")
    });
    let first = lines.next()?;
    let numbers = |line: &str| -> Vec<u16> {
        let numbers = line.split(|c: char| !c.is_ascii_digit()).filter_map(|number| number.parse().ok());
        numbers.filter(|port| *port >= LEAST).collect()
    };
    Some([first].into_iter().chain(lines).flat_map(numbers).take(PORTS_MAX).collect())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_port_is_read_from_what_programs_say() {
        for (line, expected) in [
            ("Error: listen EADDRINUSE: address already in use :::9000", Some(vec![9000])),
            ("OSError: [Errno 98] Address already in use", Some(vec![])),
            ("listen tcp :8080: bind: address already in use", Some(vec![8080])),
            ("nginx: [emerg] bind() to 0.0.0.0:9000 failed (98: Address already in use)", Some(vec![9000])),
            ("Connection in use: ('0.0.0.0', 9000)", Some(vec![9000])),
            ("the port 9000 is fine", None),
        ] {
            assert_eq!(taken(line), expected, "{line}");
        }
        let many = "9000 is already in use\n".repeat(1000);
        assert_eq!(taken(&many).map(|ports| ports.len()), Some(16));
    }

    #[test]
    fn a_missing_program_is_found_in_what_shells_say() {
        for line in [
            "sh: 1: npm: not found",
            "env: \u{2018}npm\u{2019}: No such file or directory",
            "npm: command not found",
        ] {
            assert!(is_of_missing(line) && words(line).any(|word| word == "npm"), "{line}");
        }
        assert!(!is_of_missing("npm is here"));
    }
}
