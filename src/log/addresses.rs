//! The backtrace of a program without symbols: the addresses in its file, which `fc-local symbolize` turns into functions and lines.

use std::backtrace::Backtrace;
use std::fmt::Write as _;
use std::fs::File;
use std::io::Read;

/// How much of the program is read for its build id, in bytes. Linkers put the notes at the begin.
const HEAD_MAX: u64 = 64 * 1024;

/// What the system adds to the name of a file that is gone.
const DELETED: &str = " (deleted)";

/// The backtrace with its frames without symbols as `NAME+0xADDRESS`, behind the program's build id. `None` where the program
/// has symbols.
#[cold]
pub(crate) fn of(trace: &Backtrace) -> Option<String> {
    let maps = std::fs::read_to_string("/proc/self/maps").ok()?;
    let program = std::fs::read_link("/proc/self/exe").ok()?;
    let program = without_mark(program.file_name()?.to_str()?);
    let frames = named(&format!("{trace:#}"), &maps, program)?;
    let id = head().as_deref().and_then(build_id);
    let id = id.map(|id| format!("\n  (build id {id}; fc-local symbolize names the frames)"));
    Some(id.unwrap_or_default() + &frames)
}

/// Replaces addresses. `None` if no address is in the program.
fn named(trace: &str, maps: &str, program: &str) -> Option<String> {
    let (mut out, mut is_stripped) = (String::new(), false);
    for line in trace.lines() {
        // Writing into a string cannot fail.
        _ = match frame(line) {
            None => write!(out, "\n{line}"),
            Some((number, address, "<unknown>")) => match place(maps, address) {
                Some((name, offset)) => {
                    is_stripped |= name == program;
                    write!(out, "\n{number}: {name}+{offset:#x}")
                }
                None => write!(out, "\n{number}: {address:#x}"),
            },
            // The long form has an address before each symbol.
            Some((number, _, symbol)) => write!(out, "\n{number}: {symbol}"),
        };
    }
    is_stripped.then_some(out)
}

/// The number, the address and the symbol in a line such as `   3:     0x55d0c4a3b2c1 - <unknown>`.
fn frame(line: &str) -> Option<(&str, u64, &str)> {
    let (number, rest) = line.split_once(':')?;
    let (address, symbol) = rest.trim_start().strip_prefix("0x")?.split_once('-')?;
    Some((number, u64::from_str_radix(address.trim_end(), 16).ok()?, symbol.trim_start()))
}

/// The file that an address is in, and the address less that of the file's begin.
fn place(maps: &str, address: u64) -> Option<(&str, u64)> {
    // A file's lines stand together.
    let (mut file, mut base) = ("", 0);
    for line in maps.lines() {
        let (range, rest) = line.split_once(' ')?;
        let (begin, end) = range.split_once('-')?;
        let (begin, end) = (u64::from_str_radix(begin, 16).ok()?, u64::from_str_radix(end, 16).ok()?);
        let path = rest.find('/').map_or("", |at| &rest[at..]);
        if path != file {
            (file, base) = (path, begin);
        }
        if (begin..end).contains(&address) {
            let name = &path[path.rfind('/')? + 1..];
            return Some((without_mark(name), address - base));
        }
    }
    None
}

fn head() -> Option<Vec<u8>> {
    let mut head = Vec::new();
    File::open("/proc/self/exe").ok()?.take(HEAD_MAX).read_to_end(&mut head).ok()?;
    Some(head)
}

/// The name of a file, whether or not the file is still there.
fn without_mark(name: &str) -> &str {
    name.strip_suffix(DELETED).unwrap_or(name)
}

/// The build id in the notes of an ELF file of 64 bits, as this machine orders bytes.
fn build_id(head: &[u8]) -> Option<String> {
    const NOTES: u32 = 4;
    let short = |at| Some(u16::from_ne_bytes(array(head, at)?));
    let word = |at| Some(u32::from_ne_bytes(array(head, at)?));
    let long = |at| usize::try_from(u64::from_ne_bytes(array(head, at)?)).ok();
    let (table, size, count) = (long(0x20)?, usize::from(short(0x36)?), usize::from(short(0x38)?));
    for index in 0..count {
        let segment = table.checked_add(index * size)?;
        if word(segment)? != NOTES {
            continue;
        }
        let begin = long(segment.checked_add(8)?)?;
        let notes = head.get(begin..begin.checked_add(long(segment.checked_add(32)?)?)?)?;
        if let Some(id) = gnu_id(notes) {
            return Some(id);
        }
    }
    None
}

fn array<const N: usize>(bytes: &[u8], at: usize) -> Option<[u8; N]> {
    bytes.get(at..)?.first_chunk().copied()
}

/// The note of the kind 3 that GNU's tools write.
fn gnu_id(mut notes: &[u8]) -> Option<String> {
    const BUILD_ID: u32 = 3;
    loop {
        let word = |at| Some(u32::from_ne_bytes(array(notes, at)?));
        let aligned = |bytes: u32| usize::try_from(bytes).ok()?.checked_next_multiple_of(4);
        let (name, content) = (aligned(word(0)?)?, word(4)?);
        let begin = name.checked_add(12)?;
        let end = begin.checked_add(usize::try_from(content).ok()?)?;
        if word(8)? == BUILD_ID && notes.get(12..16) == Some(b"GNU\0") {
            let mut id = String::new();
            for byte in notes.get(begin..end)? {
                _ = write!(id, "{byte:02x}");
            }
            return Some(id);
        }
        notes = notes.get(begin.checked_add(aligned(content)?)?..)?;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn frames_are_recognized() {
        for symbol in ["<unknown>", "shop::main", "<shop::Cart as core::ops::Drop>::drop"] {
            let line = format!("   3:     0x55d0c4a3b2c1 - {symbol}");
            assert_eq!(frame(&line), Some(("   3", 0x55d0_c4a3_b2c1, symbol)));
        }
        for line in ["             at src/main.rs:1:1", "", "x: y - <unknown>", "   3: 0x - <unknown>"] {
            assert_eq!(frame(line), None, "{line}");
        }
    }

    #[test]
    fn an_address_is_counted_from_the_begin_of_its_file() {
        let maps = "55d0c4a00000-55d0c4a18000 r--p 00000000 fe:01 7 /code/bootstrap\n\
                    55d0c4a18000-55d0c4a60000 r-xp 00017000 fe:01 7 /code/bootstrap\n\
                    7f0000000000-7f0000001000 r-xp 00000000 00:00 0 \n\
                    7f1000000000-7f1000026000 r--p 00000000 fe:01 9 /lib/x86_64-linux-gnu/libc.so.6 (deleted)\n";
        assert_eq!(place(maps, 0x55d0_c4a1_8a2f), Some(("bootstrap", 0x18a2f)));
        assert_eq!(place(maps, 0x7f10_0000_0010), Some(("libc.so.6", 0x10)));
        for address in [0, 0x7f00_0000_0010, 0x55d0_c4a6_0000] {
            assert_eq!(place(maps, address), None);
        }
    }

    #[test]
    fn only_a_program_without_symbols_has_addresses() {
        let maps =
            "1000-2000 r--p 00000000 fe:01 7 /code/app\n8000-9000 r-xp 00000000 fe:01 9 /lib/libc.so.6\n";
        let trace = "   0:             0x1010 - <unknown>\n   1:             0x8010 - <unknown>\n   2: 0x8020 - start\n                at ./a.c:1\n   3: 0x7 - <unknown>\n";
        let expected =
            "\n   0: app+0x10\n   1: libc.so.6+0x10\n   2: start\n                at ./a.c:1\n   3: 0x7";
        assert_eq!(named(trace, maps, "app").as_deref(), Some(expected));
        assert_eq!(named(trace, maps, "other"), None);
        assert_eq!(named("", maps, "app"), None);
    }

    #[test]
    fn the_build_id_of_broken_files_is_none() {
        let own = head().expect("this program can be read");
        let id = build_id(&own);
        assert!(id.is_none_or(|id| id.len() >= 16));
        for bytes in [&b""[..], b"\x7fELF", &own[..0x40], &[0xff; 0x80]] {
            assert_eq!(build_id(bytes), None);
        }
        let note =
            [&4u32.to_ne_bytes()[..], &2u32.to_ne_bytes(), &3u32.to_ne_bytes(), b"GNU\0", &[0xab, 0x0c]]
                .concat();
        assert_eq!(gnu_id(&note).as_deref(), Some("ab0c"));
        let other =
            [&4u32.to_ne_bytes()[..], &4u32.to_ne_bytes(), &1u32.to_ne_bytes(), b"GNU\0", &[0; 4]].concat();
        assert_eq!(gnu_id(&[&other[..], &note].concat()).as_deref(), Some("ab0c"));
        assert_eq!(gnu_id(&note[..17]), None);
    }
}
