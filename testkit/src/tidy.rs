//! The shape of a package's sources: who imports whom, how long files are, and which code stands in one place only.
//!
//! ```no_run
//! use testkit::tidy::{Levels, Sources};
//!
//! let sources = Sources::read(env!("CARGO_MANIFEST_DIR"));
//! sources.check_levels(&Levels {
//!     table: &[&["event", "failure"], &["wire"], &["call"]],
//!     lowest_inside: false,
//!     exceptions: &[("wire", "call")],
//! });
//! sources.check_nowhere(&["println!"], &["src/cli/print.rs"]);
//! ```

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

use crate::imports;

/// All files of a package's `src`, in the order of their paths.
#[derive(Debug)]
pub struct Sources {
    files: Vec<Source>,
    /// The modules of names that `lib.rs` exports again, and that code may import as `crate::Name`.
    exports: BTreeMap<String, String>,
}

/// One file.
#[derive(Debug)]
pub struct Source {
    /// The whole path.
    pub path: PathBuf,
    /// The path below the package, such as `src/app/at.rs`.
    pub name: String,
    /// The module at the top: `app` for `src/app/at.rs`, `lib` for `src/lib.rs`.
    pub module: String,
    /// The file's text.
    pub text: String,
}

/// The levels of a package's modules. A module imports from the levels before its own.
#[derive(Debug, Clone, Copy)]
pub struct Levels<'a> {
    /// The modules of each level, from the lowest one on.
    pub table: &'a [&'a [&'a str]],
    /// Whether modules of the lowest level may import each other.
    pub lowest_inside: bool,
    /// Imports against the levels: the importing module, and the imported one. One that is not needed fails.
    pub exceptions: &'a [(&'a str, &'a str)],
}

impl Sources {
    /// Reads the package in `folder`, which is `env!("CARGO_MANIFEST_DIR")`.
    #[track_caller]
    pub fn read(folder: impl AsRef<Path>) -> Self {
        let package = folder.as_ref();
        let mut files = Vec::new();
        let mut folders = vec![package.join("src")];
        while let Some(folder) = folders.pop() {
            let entries =
                fs::read_dir(&folder).unwrap_or_else(|error| panic!("{}: {error}", folder.display()));
            for entry in entries {
                let path = entry.unwrap().path();
                if path.is_dir() {
                    folders.push(path);
                } else if path.extension().is_some_and(|extension| extension == "rs") {
                    files.push(Source::read(package, path));
                }
            }
        }
        assert!(!files.is_empty(), "no sources in {}", package.display());
        files.sort_by(|a, b| a.name.cmp(&b.name));
        let lib = files.iter().find(|file| file.name == "src/lib.rs");
        let exports = lib.map(|lib| imports::exports(&lib.code_text())).unwrap_or_default();
        Self { files, exports }
    }

    /// Checks that each file of tests in the package is a module of its folder's `main.rs` or `mod.rs`. The tests of one that is
    /// none run nowhere, and nobody misses them.
    #[track_caller]
    pub fn check_test_modules(package: impl AsRef<Path>) {
        let mut lost = Vec::new();
        let mut folders = vec![package.as_ref().join("tests")];
        while let Some(folder) = folders.pop() {
            let entries = fs::read_dir(&folder).into_iter().flatten().flatten();
            let paths: Vec<PathBuf> = entries.map(|entry| entry.path()).collect();
            // A package of its own has its own root.
            let is_inside = |path: &&PathBuf| path.is_dir() && !path.join("Cargo.toml").exists();
            folders.extend(paths.iter().filter(is_inside).cloned());
            let root =
                ["main.rs", "mod.rs"].map(|name| folder.join(name)).into_iter().find(|root| root.exists());
            let Some(root) = root else { continue };
            let text = fs::read_to_string(&root).unwrap();
            let is_lost = |path: &PathBuf| {
                let is_module = path.extension().is_some_and(|extension| extension == "rs")
                    || path.join("mod.rs").exists();
                let name = path.file_stem().unwrap_or_default().to_string_lossy();
                is_module
                    && *path != root
                    && !text.lines().any(|line| line.trim().ends_with(&format!("mod {name};")))
            };
            lost.extend(paths.into_iter().filter(is_lost));
        }
        assert!(lost.is_empty(), "modules of no test: {lost:#?}");
    }

    /// The files, in the order of their paths.
    pub fn iter(&self) -> impl Iterator<Item = &Source> {
        self.files.iter()
    }

    /// The modules of this package that a file imports. A name that `lib.rs` exports again counts for its module.
    pub fn imports(&self, source: &Source) -> BTreeSet<String> {
        let names = imports::names_of_crate(&source.code_text(), source.depth());
        names.into_iter().filter_map(|name| self.module_of(name)).collect()
    }

    /// A macro, a constant or a function of `lib.rs` itself is of no module.
    fn module_of(&self, name: String) -> Option<String> {
        if let Some(module) = self.exports.get(&name) {
            return Some(module.clone());
        }
        self.files.iter().any(|file| file.module == name).then_some(name)
    }

    /// The parts of the module `room` that its files import, by file. `room` is a path such as `front`.
    pub fn imports_inside(&self, room: &str) -> BTreeMap<String, BTreeSet<String>> {
        let within = format!("src/{}/", room.replace("::", "/"));
        let inside = self.files.iter().filter(|file| file.name.starts_with(&within));
        inside.map(|file| (file.name.clone(), imports::names_of(&file.code_text(), room))).collect()
    }

    /// The same table stands in a document: rows `| level | room | … |` below the heading `heading`.
    #[track_caller]
    pub fn check_document(table: &[&[&str]], document: &Path, heading: &str) {
        let text =
            fs::read_to_string(document).unwrap_or_else(|error| panic!("{}: {error}", document.display()));
        let section = text.split(&format!("\n## {heading}\n")).nth(1).expect("the heading is there");
        let section = section.split("\n## ").next().unwrap_or(section);
        let told: BTreeSet<(usize, &str)> = section
            .lines()
            .filter_map(|line| {
                let mut cells = line.split('|').map(str::trim).skip(1);
                Some((cells.next()?.parse().ok()?, cells.next()?.trim_matches('`')))
            })
            .collect();
        let held =
            table.iter().enumerate().flat_map(|(level, rooms)| rooms.iter().map(move |room| (level, *room)));
        assert_eq!(
            told,
            held.collect(),
            "{}, {heading}: its table beside the tidy test's",
            document.display()
        );
    }

    /// Each module imports from lower levels alone. `lib.rs` and `main.rs` may name all of them.
    #[track_caller]
    pub fn check_levels(&self, levels: &Levels<'_>) {
        let level = |module: &str| levels.table.iter().position(|level| level.contains(&module));
        let mut wrong: BTreeMap<&str, Vec<String>> = BTreeMap::new();
        let mut needed = BTreeSet::new();
        for source in self.files.iter().filter(|file| !["lib", "main", "bin"].contains(&&*file.module)) {
            let own = level(&source.module).unwrap_or_else(|| panic!("no level for {}", source.module));
            for import in self.imports(source) {
                let import_level = level(&import).unwrap_or_else(|| panic!("no level for {import}"));
                let is_below = import_level < own || (levels.lowest_inside && own == 0 && import_level == 0);
                if import == source.module || is_below {
                    continue;
                }
                let pair = (source.module.as_str(), import.as_str());
                match levels.exceptions.iter().find(|exception| **exception == pair) {
                    Some(exception) => drop(needed.insert(*exception)),
                    None => wrong.entry(&source.name).or_default().push(import),
                }
            }
        }
        assert!(wrong.is_empty(), "imports against the levels: {wrong:#?}");
        let idle: Vec<_> = levels.exceptions.iter().filter(|pair| !needed.contains(*pair)).collect();
        assert!(idle.is_empty(), "exceptions that nothing needs: {idle:?}");
    }

    /// No line of code holds one of `parts`, but in the files or folders `but`, such as `src/task.rs` or `src/cli/`.
    #[track_caller]
    pub fn check_nowhere(&self, parts: &[&str], but: &[&str]) {
        self.check_nowhere_in(|file| !but.iter().any(|place| file.name.starts_with(place)), parts);
    }

    /// Code that holds one of `parts` stands in `files` only, and each of these holds one. Names are below `src`.
    #[track_caller]
    pub fn check_only(&self, parts: &[&str], files: &[&str]) {
        let named: Vec<String> = files.iter().map(|file| format!("src/{file}")).collect();
        let named: Vec<&str> = named.iter().map(String::as_str).collect();
        self.check_nowhere(parts, &named);
        for name in named {
            let source = self.files.iter().find(|source| source.name == name);
            let source = source.unwrap_or_else(|| panic!("there is no {name}"));
            let holds_one = source.code().any(|(_, line)| parts.iter().any(|part| line.contains(part)));
            assert!(holds_one, "{name} may hold {parts:?}, but does not");
        }
    }

    /// As [`check_nowhere`](Self::check_nowhere), in those files alone that `wanted` takes.
    #[track_caller]
    pub fn check_nowhere_in(&self, wanted: impl Fn(&Source) -> bool, parts: &[&str]) {
        let mut found = Vec::new();
        for source in self.files.iter().filter(|file| wanted(file)) {
            for (at, line) in source.code() {
                if parts.iter().any(|part| line.contains(part)) {
                    found.push(format!("{}:{at}: {}", source.path.display(), line.trim()));
                }
            }
        }
        assert!(found.is_empty(), "{parts:?} in\n{}", found.join("\n"));
    }

    /// What every package keeps to: files of at most `most` lines that say their subject, no holes, an example for what is public.
    #[track_caller]
    pub fn check_shape(&self, most: usize) {
        self.check_lines(most, &[]);
        self.check_first_lines();
        self.check_holes();
        self.check_examples();
    }

    /// No file has more than `most` lines, but those that `long` names.
    #[track_caller]
    pub fn check_lines(&self, most: usize, long: &[&str]) {
        let length = |file: &Source| file.text.lines().count();
        for source in self.files.iter().filter(|file| length(file) > most) {
            let listed = long.contains(&source.name.as_str());
            assert!(listed, "{} has {} lines, {most} are the most", source.path.display(), length(source));
        }
        let is_long = |name: &&&str| self.files.iter().any(|file| file.name == **name && length(file) > most);
        let idle: Vec<_> = long.iter().filter(|name| !is_long(name)).collect();
        assert!(idle.is_empty(), "listed as long, but not so: {idle:?}");
    }

    /// The first line of each file says what the file is.
    #[track_caller]
    pub fn check_first_lines(&self) {
        for source in &self.files {
            assert!(source.text.starts_with("//! "), "{} does not say what it is", source.path.display());
        }
    }

    /// Open holes say of what kind they are.
    #[track_caller]
    pub fn check_holes(&self) {
        let kinds = ["TODO-correctness:", "TODO-hardening:", "TODO-speed:"];
        for source in &self.files {
            for (at, line) in source.text.lines().enumerate() {
                let is_open = line.contains("TODO") || line.contains("FIXME");
                let has_kind = kinds.iter().any(|kind| line.contains(kind));
                assert!(!is_open || has_kind, "{}:{}", source.path.display(), at + 1);
            }
        }
    }
}

impl Source {
    fn read(package: &Path, path: PathBuf) -> Self {
        let name = path.strip_prefix(package).unwrap().to_str().expect("names are text").to_owned();
        let inside = name.strip_prefix("src/").expect("it was found there");
        let module = inside.split('/').next().unwrap_or(inside).trim_end_matches(".rs").to_owned();
        let text = fs::read_to_string(&path).unwrap_or_else(|error| panic!("{}: {error}", path.display()));
        Self { path, name, module, text }
    }

    /// Lines of code outside tests, without comments, with their numbers.
    pub fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod ").unwrap_or(self.text.len());
        self.text[..end].lines().enumerate().map(|(at, line)| (at + 1, without_comment(line)))
    }

    /// The code of all lines, in one.
    fn code_text(&self) -> String {
        let lines: Vec<&str> = self.code().map(|(_, line)| line).collect();
        lines.join(" ")
    }

    /// How many times `super` leads from the file's module to the root of the package.
    fn depth(&self) -> usize {
        match self.name.as_str() {
            "src/lib.rs" | "src/main.rs" => 0,
            name => name.matches('/').count() - usize::from(name.ends_with("/mod.rs")),
        }
    }
}

/// The slashes of an address begin no comment.
fn without_comment(line: &str) -> &str {
    let mut from = 0;
    while let Some(at) = line[from..].find("//") {
        let at = from + at;
        if !line[..at].ends_with(':') {
            return &line[..at];
        }
        from = at + 2;
    }
    line
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn comments_are_no_code_and_addresses_are() {
        for (line, code) in [
            ("a // b", "a "),
            ("// a", ""),
            ("\"http://a\" // b", "\"http://a\" "),
            ("let a = \"https://b\";", "let a = \"https://b\";"),
        ] {
            assert_eq!(without_comment(line), code);
        }
    }

    #[test]
    fn a_depth_is_the_number_of_modules_around() {
        for (name, depth) in [
            ("src/lib.rs", 0),
            ("src/a.rs", 1),
            ("src/a/mod.rs", 1),
            ("src/a/b.rs", 2),
            ("src/a/b/mod.rs", 2),
            ("src/a/b/c.rs", 3),
        ] {
            let source = Source {
                path: name.into(),
                name: name.to_owned(),
                module: String::new(),
                text: String::new(),
            };
            assert_eq!(source.depth(), depth, "{name}");
        }
    }
}
