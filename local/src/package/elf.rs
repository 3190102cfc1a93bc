//! A Linux program: what it needs of the image, and the same program without its symbols.

use object::build::elf::Builder;
use object::elf::{DT_NEEDED, EM_X86_64, ET_DYN, ET_EXEC, PT_LOAD, SHF_ALLOC};
use object::read::elf::{ElfFile64, FileHeader as _, ProgramHeader as _};
use object::{Endianness, Object as _, ObjectSymbol as _};

use super::image::Version;
use crate::auth::hex;

/// What a program says of itself.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) struct Elf {
    pub(crate) is_x86_64: bool,
    /// Whether it can be started: neither an object file nor a core dump.
    pub(crate) is_program: bool,
    /// The loader. A program that is linked statically has none.
    pub(crate) loader: Option<String>,
    /// The shared libraries that it needs.
    pub(crate) libraries: Vec<String>,
    /// The symbol versions that it needs, such as `GLIBC_2.17`, each once.
    pub(crate) versions: Vec<String>,
    pub(crate) build_id: Option<String>,
    /// The address at which its file begins: 0 if the system chooses where it is loaded.
    pub(crate) base: u64,
    pub(crate) resolver: Resolver,
}

/// Who resolves host names for a program.
#[derive(Debug, Default, PartialEq, Eq)]
pub(crate) enum Resolver {
    /// The program asks for no name.
    #[default]
    None,
    /// The image's glibc.
    Image,
    /// The C library inside the program (musl), by `/etc/resolv.conf`.
    Own,
    /// A glibc inside the program, which loads modules of the very same version: they are not in the image.
    StaticGlibc,
}

impl Elf {
    /// # Errors
    ///
    /// The bytes are no ELF file of 64 bits, or a broken one.
    pub(crate) fn read(bytes: &[u8]) -> Result<Self, String> {
        let file = ElfFile64::<Endianness>::parse(bytes).map_err(|error| error.to_string())?;
        let (endian, header) = (file.endian(), file.elf_header());
        let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
        let mut elf = Elf {
            is_x86_64: header.e_machine(endian) == EM_X86_64,
            is_program: [ET_EXEC, ET_DYN].contains(&header.e_type(endian)),
            build_id: file.build_id().ok().flatten().map(hex),
            ..Elf::default()
        };
        let loaded = file.elf_program_headers().iter().filter(|segment| segment.p_type(endian) == PT_LOAD);
        elf.base = loaded.map(|segment| segment.p_vaddr(endian)).min().unwrap_or(0);
        for segment in file.elf_program_headers() {
            if let Some(loader) = segment.interpreter(endian, bytes).map_err(|error| error.to_string())? {
                elf.loader = Some(text(loader));
            }
        }
        let dynamic = file.elf_dynamic_table().map_err(|error| error.to_string())?;
        for entry in &dynamic {
            if entry.tag == DT_NEEDED {
                elf.libraries.push(text(dynamic.string(entry).map_err(|error| error.to_string())?));
            }
        }
        elf.versions = versions(&file, bytes).map_err(|error| error.to_string())?;
        let asks = || {
            file.dynamic_symbols().any(|symbol| symbol.is_undefined() && symbol.name() == Ok("getaddrinfo"))
        };
        let has = |part: &[u8]| memchr::memmem::find(bytes, part).is_some();
        elf.resolver = if elf.loader.is_some() {
            if asks() { Resolver::Image } else { Resolver::None }
        } else if has(b"/etc/nsswitch.conf\0") {
            Resolver::StaticGlibc
        } else if has(b"/etc/resolv.conf\0") {
            Resolver::Own
        } else {
            Resolver::None
        };
        Ok(elf)
    }

    /// The newest version of glibc that it needs.
    pub(crate) fn glibc(&self) -> Option<Version> {
        let own = self.versions.iter().filter_map(|name| name.strip_prefix("GLIBC_"));
        own.filter_map(Version::in_text).max()
    }
}

fn versions(file: &ElfFile64<'_, Endianness>, bytes: &[u8]) -> object::read::Result<Vec<String>> {
    let (endian, sections) = (file.endian(), file.elf_section_table());
    let mut found = Vec::new();
    let Some((needs, link)) = sections.gnu_verneed(endian, bytes)? else { return Ok(found) };
    let strings = sections.strings(endian, bytes, link)?;
    for need in needs {
        for version in need?.1 {
            found.push(String::from_utf8_lossy(version?.name(endian, strings)?).into_owned());
        }
    }
    found.sort();
    found.dedup();
    Ok(found)
}

/// The program without symbols and debug information. What is loaded into memory stays where it is, byte for byte.
///
/// # Errors
///
/// The bytes are no ELF file, or a broken one.
pub(crate) fn strip(bytes: &[u8]) -> Result<Vec<u8>, String> {
    let mut builder = Builder::read(bytes).map_err(|error| error.to_string())?;
    for symbol in &mut builder.symbols {
        symbol.delete = true;
    }
    for section in &mut builder.sections {
        let is_loaded = section.sh_flags.contains(SHF_ALLOC);
        section.delete |= !is_loaded && &*section.name != b".shstrtab".as_slice();
    }
    let mut out = Vec::new();
    builder.write(&mut out).map_err(|error| error.to_string())?;
    Ok(out)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn this_very_program_is_read_and_stripped() {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let elf = Elf::read(&bytes).unwrap();
        assert!(elf.is_program && elf.is_x86_64 == cfg!(target_arch = "x86_64"));
        let stripped = strip(&bytes).unwrap();
        assert!(stripped.len() < bytes.len());
        assert_eq!(Elf::read(&stripped).unwrap(), elf);
        // A second time there is nothing left to remove.
        assert_eq!(strip(&stripped).unwrap().len(), stripped.len());
    }

    #[test]
    fn what_is_no_program_is_refused() {
        for bytes in [
            &b""[..],
            b"#!/bin/sh\n",
            b"\x7fELF",
            &[0x7f, b'E', b'L', b'F', 2, 1, 1, 0, 0, 0, 0, 0, 0, 0, 0, 0, 9],
        ] {
            assert!(Elf::read(bytes).is_err() && strip(bytes).is_err());
        }
    }
}
