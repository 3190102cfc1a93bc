//! Why the system did not start a program: the platform's error number says little.

use std::io::Read;
use std::path::{Path, PathBuf};

use super::generation::Generation;
use crate::event::Unfit;

/// How much of a program is looked at: more than the kernel reads of a `#!` line.
const HEAD_MAX: u64 = 512;

/// "No such file or directory", of the program or of what it needs.
const NO_FILE: i32 = 2;

/// "Exec format error".
const NO_FORMAT: i32 = 8;

/// What shells and `env` end with if there is no such command.
const NO_COMMAND: i32 = 127;

/// What is wrong with the function's program, if it ended with `code` before it ran.
pub(super) fn find(generation: &Generation, code: i32) -> Option<(String, Unfit)> {
    let declared = generation.function.command_line();
    let program = declared.first()?;
    if !program.contains('/') {
        let is_missing = code == NO_FILE;
        return is_missing.then(|| (program.clone(), Unfit::NotFound { searched: searched(generation) }));
    }
    let head = head(&generation.layout.here(program))?;
    Some((program.clone(), look(&head, code, |interpreter| generation.layout.here(interpreter).exists())?))
}

/// The folders in which a bare name is looked for.
fn searched(generation: &Generation) -> Vec<PathBuf> {
    let path = generation.function.environment.get("PATH").cloned().unwrap_or_default();
    path.split(':').filter(|folder| !folder.is_empty()).map(PathBuf::from).collect()
}

fn head(file: &Path) -> Option<Vec<u8>> {
    let mut head = Vec::new();
    std::fs::File::open(file).ok()?.take(HEAD_MAX).read_to_end(&mut head).ok()?;
    Some(head)
}

fn look(head: &[u8], code: i32, exists: impl Fn(&str) -> bool) -> Option<Unfit> {
    let is_elf = head.starts_with(b"\x7fELF");
    let Some(line) = head.strip_prefix(b"#!") else {
        return match (code, is_elf) {
            (NO_FILE, true) => Some(Unfit::NoLoader),
            (NO_FORMAT, true) => Some(Unfit::OtherMachine),
            (NO_FORMAT, false) => Some(Unfit::NoProgram),
            _ => None,
        };
    };
    let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
    if line.ends_with(b"\r") && matches!(code, NO_FILE | NO_COMMAND) {
        return Some(Unfit::CarriageReturn);
    }
    let line = String::from_utf8_lossy(line);
    let interpreter = line.split_whitespace().next().unwrap_or_default();
    let is_missing = code == NO_FILE && !exists(interpreter);
    is_missing.then(|| Unfit::NoInterpreter { interpreter: interpreter.to_owned() })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_wrong_is_seen_in_the_head_of_a_program() {
        let no_python = || Some(Unfit::NoInterpreter { interpreter: "/usr/bin/python99".to_owned() });
        for (head, code, expected) in [
            ("#!/usr/bin/python99 -u\nx", 2, no_python()),
            ("#! /usr/bin/python99", 2, no_python()),
            ("#!/bin/sh\r\nx", 2, Some(Unfit::CarriageReturn)),
            ("#!/usr/bin/env python3\r\nx", 127, Some(Unfit::CarriageReturn)),
            ("#!/bin/sh\r\nx", 1, None),
            ("#!/bin/sh\nx", 2, None),
            ("\x7fELF", 2, Some(Unfit::NoLoader)),
            ("\x7fELF", 8, Some(Unfit::OtherMachine)),
            ("\x7fELF", 1, None),
            ("echo x", 8, Some(Unfit::NoProgram)),
            ("", 8, Some(Unfit::NoProgram)),
            ("", 2, None),
        ] {
            assert_eq!(look(head.as_bytes(), code, |name| name == "/bin/sh"), expected, "{head:?} {code}");
        }
    }
}
