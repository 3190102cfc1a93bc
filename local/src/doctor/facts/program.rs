//! The program that the platform starts: what its file says.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use crate::package::{Elf, Version};

/// A larger program is not read, in bytes: the platform takes none of that size.
const SIZE_MAX: u64 = 512 * 1024 * 1024;

/// The program of a function.
#[derive(Debug, Clone)]
pub(crate) struct Program {
    pub(crate) file: PathBuf,
    /// Its path below the code folder, if it is in it.
    pub(crate) below: Option<String>,
    pub(crate) is_executable: bool,
    pub(crate) kind: ProgramKind,
}

/// What a program is.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum ProgramKind {
    Missing,
    /// A `#!` line, with its interpreter.
    Script {
        interpreter: String,
        has_carriage_return: bool,
    },
    /// Neither a script nor a program.
    Unknown,
    Elf {
        is_x86_64: bool,
        /// The newest version of glibc that it needs.
        glibc: Option<Version>,
        libraries: Vec<String>,
    },
}

impl Program {
    /// Reads the head of a file, and what it needs.
    pub(super) fn of(file: &Path, below: Option<&str>) -> Self {
        let metadata = fs::metadata(file).ok().filter(fs::Metadata::is_file);
        Program {
            file: file.to_owned(),
            below: below.map(str::to_owned),
            is_executable: metadata.as_ref().is_some_and(|found| found.permissions().mode() & 0o111 != 0),
            kind: match metadata {
                None => ProgramKind::Missing,
                Some(found) if found.len() > SIZE_MAX => ProgramKind::Unknown,
                Some(_) => read(file).map_or(ProgramKind::Missing, |bytes| kind(&bytes)),
            },
        }
    }
}

pub(super) fn read(file: &Path) -> std::io::Result<Vec<u8>> {
    let mut bytes = Vec::new();
    File::open(file)?.take(SIZE_MAX).read_to_end(&mut bytes)?;
    Ok(bytes)
}

fn kind(bytes: &[u8]) -> ProgramKind {
    if let Some(line) = bytes.strip_prefix(b"#!") {
        let line = line.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let text = String::from_utf8_lossy(&line[..line.len().min(512)]);
        let interpreter = text.split_whitespace().next().unwrap_or_default().to_owned();
        return ProgramKind::Script { interpreter, has_carriage_return: line.ends_with(b"\r") };
    }
    if !bytes.starts_with(b"\x7fELF") {
        return ProgramKind::Unknown;
    }
    // One of 32 bits is for another machine; what cannot be read is left to the platform.
    let elf = Elf::read(bytes).unwrap_or_default();
    ProgramKind::Elf { is_x86_64: elf.is_x86_64, glibc: elf.glibc(), libraries: elf.libraries }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The test itself is a program of this machine, which links the C library.
    #[test]
    fn a_program_tells_what_it_needs() {
        let own = std::env::current_exe().unwrap();
        let program = Program::of(&own, None);
        assert!(program.is_executable);
        let ProgramKind::Elf { is_x86_64, glibc, libraries } = program.kind else { panic!("{program:?}") };
        assert_eq!(is_x86_64, cfg!(target_arch = "x86_64"));
        assert!(glibc > Some(Version(2, 2)), "{glibc:?}");
        assert!(libraries.iter().any(|name| name == "libc.so.6"), "{libraries:?}");
    }

    #[test]
    fn what_is_no_program_is_told_apart() {
        let script = |interpreter: &str, has_carriage_return| ProgramKind::Script {
            interpreter: interpreter.to_owned(),
            has_carriage_return,
        };
        for (bytes, expected) in [
            (&b"#!/bin/sh\necho"[..], script("/bin/sh", false)),
            (b"#! /usr/bin/env node\r\n", script("/usr/bin/env", true)),
            (b"echo x", ProgramKind::Unknown),
            (b"", ProgramKind::Unknown),
            (
                b"\x7fELF, but cut off",
                ProgramKind::Elf { is_x86_64: false, glibc: None, libraries: Vec::new() },
            ),
        ] {
            assert_eq!(kind(bytes), expected);
        }
        assert_eq!(Program::of(Path::new("/there/is/none"), None).kind, ProgramKind::Missing);
    }
}
