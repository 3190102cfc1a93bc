//! Which files a build reads, where that is written down: cargo notes it beside each program that it builds.
//!
//! Elsewhere a build may read every file.

use std::cell::OnceCell;
use std::collections::HashSet;
use std::path::{Path, PathBuf};

use crate::manifest::Manifest;
use crate::model::{Action, Function};

/// How deep below a target folder programs are: in `target/<profile>`, in `target/<triple>/<profile>`, or in `examples` there.
const DEPTH: usize = 3;

/// The most notes that are read.
const NOTES_MAX: usize = 1024;

/// The files that the build of a function reads. Looked up when somebody asks.
pub(super) struct Reads<'a> {
    manifest: &'a Manifest,
    function: Option<&'a Function>,
    /// What cargo has noted. `None` without any note.
    noted: OnceCell<Option<HashSet<PathBuf>>>,
}

impl<'a> Reads<'a> {
    pub(super) fn of(manifest: &'a Manifest, name: &str) -> Self {
        let function = manifest.functions().iter().find(|function| function.name == name);
        Reads { manifest, function, noted: OnceCell::new() }
    }

    /// Whether the build may read the file. True in doubt: a missed edit is worse than a build too many.
    pub(super) fn may_read(&self, file: &Path) -> bool {
        let Some(function) = self.function.filter(|function| is_cargos(&function.actions)) else {
            return true;
        };
        if function.local.watch.iter().any(|watched| file.starts_with(watched))
            || file.starts_with(&function.code)
        {
            return true;
        }
        let name = file.file_name().and_then(|name| name.to_str()).unwrap_or_default();
        let is_source = file.extension().is_some_and(|extension| extension == "rs") && name != "build.rs";
        if !is_source
            && (is_setting(name) || self.is_near_build_script(file) || self.is_named(function, file))
        {
            return true;
        }
        match self.noted.get_or_init(|| noted(self.manifest.folder(), &function.actions)) {
            Some(noted) => noted.contains(&canonical(file)),
            None => true,
        }
    }

    /// Whether a build script may read the file: it stands in the same package.
    fn is_near_build_script(&self, file: &Path) -> bool {
        let above = file.ancestors().skip(1).take_while(|folder| folder.starts_with(self.manifest.folder()));
        above.into_iter().any(|folder| folder.join("build.rs").exists())
    }

    /// Whether a step names the file or a folder around it.
    fn is_named(&self, function: &Function, file: &Path) -> bool {
        let below = file.strip_prefix(self.manifest.folder()).unwrap_or(file);
        let mut parts = below.iter().filter_map(|part| part.to_str());
        parts.any(|part| has_word(&function.actions, part))
    }
}

/// Whether a step has the word, for example as a part of a path.
fn has_word(actions: &[Action], word: &str) -> bool {
    let is_end = |c: char| !(c.is_alphanumeric() || "._-".contains(c));
    actions.iter().any(|action| action.run.split(is_end).any(|own| own == word))
}

fn canonical(file: &Path) -> PathBuf {
    std::fs::canonicalize(file).unwrap_or_else(|_| file.to_owned())
}

/// Whether every step that is more than a copy is cargo's.
fn is_cargos(actions: &[Action]) -> bool {
    const COPIES: [&str; 7] = ["cargo", "cp", "install", "mkdir", "mv", "rm", "strip"];
    let commands = actions.iter().flat_map(|action| action.run.split(['\n', ';', '&', '|']));
    let mut programs = commands.filter_map(|command| command.split_whitespace().next()).peekable();
    let has_cargo = actions.iter().any(|action| action.run.contains("cargo "));
    has_cargo && programs.all(|program| COPIES.contains(&program))
}

/// Whether cargo reads a file of this name without a note.
fn is_setting(name: &str) -> bool {
    name == "build.rs"
        || name.starts_with("Cargo.")
        || name.starts_with("rust-toolchain")
        || Path::new(name).extension().is_some_and(|extension| extension == "toml")
}

/// The files of all notes for the programs that the steps name, or for all programs if the steps name none.
fn noted(folder: &Path, actions: &[Action]) -> Option<HashSet<PathBuf>> {
    let folders = actions.iter().map(|action| action.folder.as_path()).chain([folder]);
    let mut targets: Vec<PathBuf> = Vec::new();
    for target in folders.flat_map(Path::ancestors).map(|above| above.join("target")) {
        if !targets.contains(&target) && target.join("CACHEDIR.TAG").exists() {
            targets.push(target);
        }
    }
    let mut notes = Vec::new();
    for target in targets {
        find_notes(&target, DEPTH, &mut notes);
    }
    let is_named = |note: &&PathBuf| {
        note.file_stem().and_then(|stem| stem.to_str()).is_some_and(|stem| has_word(actions, stem))
    };
    let named: Vec<&PathBuf> = notes.iter().filter(is_named).collect();
    let chosen = if named.is_empty() { notes.iter().collect() } else { named };
    let mut found = HashSet::new();
    for note in chosen {
        let text = std::fs::read_to_string(note).ok()?;
        found.extend(files_of(&text));
    }
    (!found.is_empty()).then_some(found)
}

fn find_notes(folder: &Path, depth: usize, notes: &mut Vec<PathBuf>) {
    const LEFT_OUT: [&str; 5] = ["build", "deps", "incremental", "doc", ".fingerprint"];
    for entry in std::fs::read_dir(folder).into_iter().flatten().flatten() {
        let path = entry.path();
        let is_left_out = path.file_name().is_some_and(|name| LEFT_OUT.iter().any(|out| name == *out));
        if path.is_dir() {
            if depth > 1 && !is_left_out {
                find_notes(&path, depth - 1, notes);
            }
        } else if path.extension().is_some_and(|extension| extension == "d") && notes.len() < NOTES_MAX {
            notes.push(path);
        }
    }
}

/// The files behind the colon of each line. A blank within a name stands behind a backslash.
fn files_of(text: &str) -> Vec<PathBuf> {
    let lists = text.lines().filter_map(|line| line.split_once(": ")).map(|(_, list)| list);
    let mut files = Vec::new();
    for list in lists {
        let mut name = String::new();
        let mut characters = list.chars().peekable();
        while let Some(character) = characters.next() {
            match character {
                '\\' if characters.peek() == Some(&' ') => name.extend(characters.next()),
                ' ' => files.push(std::mem::take(&mut name)),
                other => name.push(other),
            }
        }
        files.push(name);
    }
    files.into_iter().filter(|name| !name.is_empty()).map(|name| canonical(Path::new(&name))).collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn action(run: &str, folder: &Path) -> Action {
        Action { run: run.to_owned(), folder: folder.to_owned(), line: 1, may_fail: false }
    }

    #[test]
    fn cargos_builds_are_known() {
        let is = |run: &str| is_cargos(&[action(run, Path::new("/"))]);
        assert!(is("cargo build --release && mkdir -p code && cp target/release/a code/bootstrap"));
        assert!(is("cargo zigbuild\ncp target/x/release/a code/"));
        assert!(!is("npm install"));
        assert!(!is("cargo build && ./pack.sh"));
        assert!(!is("cp a b"));
    }

    #[test]
    fn the_files_of_a_note_are_read() {
        let text = "/t/debug/a: /src/a.rs /src/with\\ blank.rs\n\n/src/a.rs:\n";
        assert_eq!(files_of(text), [Path::new("/src/a.rs"), Path::new("/src/with blank.rs")]);
    }

    #[test]
    fn the_notes_of_the_named_program_are_taken() {
        let folder = std::env::temp_dir().join(format!("fclt-reads-{}", std::process::id()));
        let release = folder.join("target/release");
        std::fs::create_dir_all(&release).unwrap();
        assert_eq!(noted(&folder, &[]), None);
        std::fs::write(folder.join("target/CACHEDIR.TAG"), "").unwrap();
        std::fs::write(release.join("one.d"), "/t/one: /none/one.rs\n").unwrap();
        std::fs::write(release.join("two.d"), "/t/two: /none/two.rs\n").unwrap();
        let of = |run: &str| {
            let mut files: Vec<PathBuf> =
                noted(&folder, &[action(run, &folder)]).unwrap().into_iter().collect();
            files.sort();
            files
        };
        let (one, two) = (PathBuf::from("/none/one.rs"), PathBuf::from("/none/two.rs"));
        assert_eq!(of("cargo build && cp target/release/one code/bootstrap"), std::slice::from_ref(&one));
        assert_eq!(of("cargo build --release"), [one, two]);
        std::fs::remove_dir_all(folder).unwrap();
    }
}
