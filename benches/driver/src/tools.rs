//! The programs that count for us.

use std::process::{Command, Stdio};

use crate::Outcome;

/// Name, argument that makes it say its version, and what it is for.
const TOOLS: [(&str, &str, &str); 6] = [
    ("valgrind", "--version", "counts instructions and allocations"),
    ("strace", "--version", "counts system calls"),
    ("taskset", "--version", "gives every server one processor"),
    ("strip", "--version", "gives binaries the size they are deployed with"),
    ("sh", "-c:", "puts servers into control groups"),
    ("cargo", "--version", "lists the crates of a tree"),
];

/// All of them, or one message that names those which are absent.
pub(crate) fn check() -> Outcome<()> {
    let absent: Vec<String> = TOOLS
        .iter()
        .filter(|(name, argument, _)| {
            let found = Command::new(name).arg(argument).stdout(Stdio::null()).stderr(Stdio::null()).status();
            found.is_err()
        })
        .map(|(name, _, purpose)| format!("{name} ({purpose})"))
        .collect();
    if absent.is_empty() {
        return Ok(());
    }
    Err(format!("not installed: {}", absent.join(", ")).into())
}
