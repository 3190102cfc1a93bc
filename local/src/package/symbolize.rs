//! Turns the addresses in a log into functions and lines.
//!
//! A stripped program writes a frame of a backtrace as `NAME+0xADDRESS`, the address being that in its file. Its build id,
//! which the log has beside the frames, tells whether the symbols are of the same build.

use std::fmt::Write as _;
use std::path::Path;

use addr2line::Loader;
use regex::{Captures, Regex};

use super::elf::Elf;

/// The symbols of one program.
pub(crate) struct Symbols {
    loader: Loader,
    build_id: Option<String>,
    /// The address at which the file begins.
    base: u64,
    frame: Regex,
    build: Regex,
    /// The build id that the log named last.
    named: Option<String>,
}

impl std::fmt::Debug for Symbols {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_struct("Symbols").field("build_id", &self.build_id).finish_non_exhaustive()
    }
}

impl Symbols {
    /// Reads the symbols from a file that `fc-local package` wrote, or from any program that is not stripped.
    ///
    /// # Errors
    ///
    /// The file cannot be read, or is no program.
    pub(crate) fn open(file: &Path) -> Result<Self, String> {
        let failed = |error: String| format!("{}: {error}", file.display());
        let bytes = std::fs::read(file).map_err(|error| failed(error.to_string()))?;
        let elf = Elf::read(&bytes).map_err(failed)?;
        Ok(Symbols {
            loader: Loader::new(file).map_err(|error| failed(error.to_string()))?,
            build_id: elf.build_id,
            base: elf.base,
            frame: Regex::new(r"([\w.-]+)\+0x([0-9a-f]{1,16})\b").map_err(|error| error.to_string())?,
            build: Regex::new(r"build id ([0-9a-f]{8,64})").map_err(|error| error.to_string())?,
            named: None,
        })
    }

    /// A line of a log with functions and lines in place of addresses. JSON stays JSON.
    ///
    /// # Errors
    ///
    /// The line names another build. It is told once for each build, and the frames of that build stay as they are.
    pub(crate) fn line(&mut self, line: &str) -> (String, Option<String>) {
        let mut complaint = None;
        if let Some(named) = self.build.captures(line).map(|found| found[1].to_owned())
            && self.named.as_ref() != Some(&named)
        {
            if self.is_other(&named) {
                let own = self.build_id.as_deref().unwrap_or("none");
                complaint = Some(format!(
                    "the log is of the build {named}, the symbols are of the build {own}: its frames stay as they are"
                ));
            }
            self.named = Some(named);
        }
        if self.named.as_ref().is_some_and(|named| self.is_other(named)) {
            return (line.to_owned(), complaint);
        }
        let replaced = self.frame.replace_all(line, |found: &Captures<'_>| {
            let address = u64::from_str_radix(&found[2], 16).ok().filter(|_| !is_library(&found[1]));
            address.and_then(|address| self.name(address)).unwrap_or_else(|| found[0].to_owned())
        });
        (replaced.into_owned(), complaint)
    }

    fn is_other(&self, named: &str) -> bool {
        self.build_id.as_deref().is_some_and(|own| own != named)
    }

    /// The function and the line of a return address, with the functions that it was inlined into.
    fn name(&self, address: u64) -> Option<String> {
        // The call stands before the address to which it returns.
        let probe = self.base.checked_add(address)?.checked_sub(1)?;
        let whole = self.loader.find_symbol(probe).map(demangled);
        let mut frames = self.loader.find_frames(probe).ok()?;
        let mut found: Vec<(Option<String>, String)> = Vec::new();
        while let Ok(Some(frame)) = frames.next() {
            let name = frame.function.as_ref().and_then(|name| Some(demangled(&name.raw_name().ok()?)));
            let place = frame.location.and_then(|at| Some((at.file?.to_owned(), at.line, at.column)));
            let place = place.map(|(file, line, column)| {
                let mut place = format!(" at {file}");
                for number in [line, column].into_iter().flatten() {
                    // Writing into a string cannot fail.
                    _ = write!(place, ":{number}");
                }
                place
            });
            found.push((name, place.unwrap_or_default()));
        }
        if found.is_empty() {
            return whole;
        }
        let last = found.len() - 1;
        let mut text = String::new();
        for (index, (name, place)) in found.into_iter().enumerate() {
            // Only the function itself has a symbol, and its name there is the whole one.
            let name = if index == last { whole.clone().or(name) } else { name };
            let between = if index == 0 { "" } else { ", inlined into " };
            _ = write!(text, "{between}{}{place}", name.as_deref().unwrap_or("unknown"));
        }
        Some(text.replace(['"', '\\'], "'"))
    }
}

/// Whether a file is a shared library, such as `libc.so.6`: its addresses are not the program's.
fn is_library(name: &str) -> bool {
    name.split('.').skip(1).any(|part| part == "so")
}

fn demangled(name: &str) -> String {
    let name = addr2line::demangle_auto(name.into(), None).into_owned();
    // Without the hash of the old mangling.
    match name.rsplit_once("::h") {
        Some((begin, hash)) if hash.len() == 16 && hash.bytes().all(|b| b.is_ascii_hexdigit()) => {
            begin.to_owned()
        }
        _ => name,
    }
}

#[cfg(test)]
mod tests {
    use object::{Object as _, ObjectSymbol as _};

    use super::*;

    /// An address in a function of this very test, as a stripped program would write it.
    fn own_address() -> (String, u64) {
        let bytes = std::fs::read("/proc/self/exe").unwrap();
        let Elf { build_id, base, .. } = Elf::read(&bytes).unwrap();
        let file = object::read::elf::ElfFile64::<object::Endianness>::parse(&*bytes).unwrap();
        let is_own = |symbol: &object::read::elf::ElfSymbol64<'_, '_>| {
            symbol.name().is_ok_and(|name| name.contains("an_own_function_of_this_test"))
        };
        let symbol = file.symbols().find(is_own).expect("it is there");
        (build_id.unwrap_or_default(), symbol.address() - base + 1)
    }

    #[inline(never)]
    fn an_own_function_of_this_test(count: usize) -> usize {
        std::hint::black_box(count) + 1
    }

    #[test]
    fn addresses_become_functions_and_lines() {
        assert_eq!(an_own_function_of_this_test(1), 2);
        let (id, address) = own_address();
        let mut symbols = Symbols::open(Path::new("/proc/self/exe")).unwrap();
        let (text, complaint) = symbols.line(&format!(
            r#"{{"message":"panicked\n   0: app+0x{address:x}\n   1: app+0xffffffffffffffff"}}"#
        ));
        assert_eq!(complaint, None);
        assert!(
            text.contains("an_own_function_of_this_test at ") && text.contains("symbolize.rs:"),
            "{text}"
        );
        assert!(text.contains("app+0xffffffffffffffff"), "{text}");
        serde_json::from_str::<serde_json::Value>(&text).unwrap();
        assert_eq!(symbols.line("1+1 is 2; a+b").0, "1+1 is 2; a+b");
        for library in ["libc.so.6", "libfoo-2.so"] {
            let line = format!("   2: {library}+0x{address:x}");
            assert_eq!(symbols.line(&line).0, line);
        }
        if id.is_empty() {
            return;
        }
        let (_, complaint) = symbols.line("build id 0123456789abcdef");
        assert!(complaint.unwrap().contains("the log is of the build 0123456789abcdef"));
        let line = format!("   0: app+0x{address:x}");
        assert_eq!(symbols.line(&line), (line.clone(), None));
        symbols.line(&format!("build id {id}"));
        assert!(symbols.line(&line).0.contains("an_own_function_of_this_test"));
    }
}
