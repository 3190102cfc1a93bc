//! The program that the platform starts: what its file says.

use std::fs::{self, File};
use std::io::Read;
use std::os::unix::fs::PermissionsExt;
use std::path::{Path, PathBuf};

use object::Endianness;
use object::elf::{self, DT_NEEDED, EM_AARCH64, EM_X86_64};
use object::read::elf::FileHeader;

/// A larger program is not read, in bytes: the platform takes none of that size.
const SIZE_MAX: u64 = 512 * 1024 * 1024;

/// A version of the C library, such as 2.31.
pub(crate) type Glibc = (u32, u32);

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
        machine: Machine,
        /// The newest version of the C library that it needs, with the symbol's library.
        glibc: Option<Glibc>,
        libraries: Vec<String>,
    },
}

/// The processor that a program is for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Machine {
    X86_64,
    Aarch64,
    Other,
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
    let other = ProgramKind::Elf { machine: Machine::Other, glibc: None, libraries: Vec::new() };
    let Ok(header) = elf::FileHeader64::<Endianness>::parse(bytes) else { return other };
    read_elf(header, bytes).unwrap_or(other)
}

fn read_elf(header: &elf::FileHeader64<Endianness>, data: &[u8]) -> object::read::Result<ProgramKind> {
    let endian = header.endian()?;
    let machine = match header.e_machine(endian) {
        EM_X86_64 => Machine::X86_64,
        EM_AARCH64 => Machine::Aarch64,
        _ => Machine::Other,
    };
    let sections = header.sections(endian, data)?;
    let mut glibc = None;
    if let Some((mut needs, link)) = sections.gnu_verneed(endian, data)? {
        let strings = sections.strings(endian, data, link)?;
        while let Some((_, mut versions)) = needs.next()? {
            while let Some(version) = versions.next()? {
                glibc = glibc.max(parse_glibc(version.name(endian, strings)?));
            }
        }
    }
    let mut libraries = Vec::new();
    let dynamic = sections.dynamic_table(endian, data)?;
    for entry in dynamic.iter().filter(|entry| entry.tag == DT_NEEDED) {
        libraries.push(String::from_utf8_lossy(dynamic.string(entry)?).into_owned());
    }
    Ok(ProgramKind::Elf { machine, glibc, libraries })
}

/// `GLIBC_2.31`
fn parse_glibc(name: &[u8]) -> Option<Glibc> {
    let text = std::str::from_utf8(name).ok()?.strip_prefix("GLIBC_")?;
    let mut numbers = text.split('.').map(str::parse::<u32>);
    Some((numbers.next()?.ok()?, numbers.next()?.ok()?))
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
        let ProgramKind::Elf { machine, glibc, libraries } = program.kind else { panic!("{program:?}") };
        let expected = if cfg!(target_arch = "aarch64") { Machine::Aarch64 } else { Machine::X86_64 };
        assert_eq!(machine, expected);
        assert!(glibc > Some((2, 2)), "{glibc:?}");
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
                ProgramKind::Elf { machine: Machine::Other, glibc: None, libraries: Vec::new() },
            ),
        ] {
            assert_eq!(kind(bytes), expected);
        }
        assert_eq!(Program::of(Path::new("/there/is/none"), None).kind, ProgramKind::Missing);
    }

    #[test]
    fn versions_are_compared_as_numbers() {
        assert_eq!(parse_glibc(b"GLIBC_2.2.5"), Some((2, 2)));
        assert!(parse_glibc(b"GLIBC_2.9") < parse_glibc(b"GLIBC_2.31"));
        assert_eq!(parse_glibc(b"GLIBC_PRIVATE"), None);
        assert_eq!(parse_glibc(b"GCC_3.0"), None);
    }
}
