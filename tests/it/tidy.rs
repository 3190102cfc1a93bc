//! The shape of the sources: who imports whom, and what stands in one place only.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};

/// A module imports from its own level and those before it. `stage`, `endpoint`, `app`, `grpc` and `websocket` are one
/// level: requests pass between them.
const LEVELS: &[&[&str]] = &[
    &[
        "beacon",
        "cancel",
        "cors",
        "error",
        "health",
        "json",
        "lifecycle",
        "log",
        "platform",
        "roll",
        "route",
        "stop",
        "tally",
        "task",
        "timer",
    ],
    &["reply"],
    &["exchange"],
    &["app", "endpoint", "grpc", "stage", "websocket"],
    &["guard", "serve", "testing"],
];

/// Imports against the levels, each with its reason.
const EXCEPTIONS: &[(&str, &str)] = &[
    // `App::test_client` gives a client of the app; the feature adds both.
    ("app", "testing"),
];

/// Files that may be longer, each with its reason.
const LONG: &[&str] = &[];

const LINES_MAX: usize = 500;

struct Source {
    path: PathBuf,
    /// The module at the top: `app` for `src/app/at.rs`.
    module: String,
    text: String,
}

impl Source {
    /// Lines of code outside tests, without comments, with their numbers.
    fn code(&self) -> impl Iterator<Item = (usize, &str)> {
        let end = self.text.find("#[cfg(test)]\nmod ").unwrap_or(self.text.len());
        let lines = self.text[..end].lines().enumerate();
        lines.map(|(at, line)| (at + 1, line.split("//").next().unwrap_or_default()))
    }
}

fn sources() -> Vec<Source> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut folders = vec![root.clone()];
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                let inside = path.strip_prefix(&root).unwrap();
                let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
                let text = fs::read_to_string(&path).unwrap();
                found.push(Source { module: first.trim_end_matches(".rs").to_owned(), path, text });
            }
        }
    }
    assert!(found.len() > 50, "{} files", found.len());
    found
}

/// The lines of code that hold one of these, but for files that may.
#[track_caller]
fn check_nowhere(parts: &[&str], but: &[&str]) {
    let mut found = Vec::new();
    for source in sources() {
        if but.iter().any(|file| source.path.ends_with(file)) {
            continue;
        }
        for (at, line) in source.code() {
            if parts.iter().any(|part| line.contains(part)) {
                found.push(format!("{}:{at}: {}", source.path.display(), line.trim()));
            }
        }
    }
    assert!(found.is_empty(), "{parts:?} in\n{}", found.join("\n"));
}

/// The modules that code names after `crate::`, alone or in braces.
fn imports(source: &Source) -> BTreeSet<String> {
    let code: Vec<&str> = source.code().map(|(_, line)| line).collect();
    let code = code.join(" ");
    let mut found = BTreeSet::new();
    let name = |text: &str| -> String {
        text.trim().chars().take_while(|c| c.is_ascii_lowercase() || *c == '_').collect()
    };
    for (at, _) in code.match_indices("crate::") {
        let rest = &code[at + "crate::".len()..];
        match rest.strip_prefix('{') {
            None => found.insert(name(rest)),
            Some(list) => {
                let mut depth = 0;
                let mut start = true;
                for (at, c) in list.char_indices() {
                    if start && depth == 0 {
                        found.insert(name(&list[at..]));
                    }
                    start = c == ',' || (start && c == ' ');
                    match c {
                        '{' => depth += 1,
                        '}' if depth == 0 => break,
                        '}' => depth -= 1,
                        _ => {}
                    }
                }
                true
            }
        };
    }
    found.remove("");
    found
}

#[test]
fn imports_follow_the_levels() {
    let level = |module: &str| LEVELS.iter().position(|level| level.contains(&module));
    let mut wrong: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for source in sources().iter().filter(|source| source.module != "lib") {
        let own = level(&source.module).unwrap_or_else(|| panic!("no level for {}", source.module));
        for import in imports(source) {
            let allowed = level(&import).is_some_and(|level| level <= own)
                || EXCEPTIONS.contains(&(&source.module, &import));
            if !allowed {
                wrong.entry(source.path.display().to_string()).or_default().push(import);
            }
        }
    }
    assert!(wrong.is_empty(), "imports against the levels: {wrong:#?}");
}

/// Pure parts name no socket, no executor, and nothing of hyper.
#[test]
fn the_route_table_is_pure() {
    for source in sources().iter().filter(|source| source.module == "route") {
        for (at, line) in source.code() {
            let impure =
                ["tokio", "hyper", "async ", "std::net", "std::fs"].iter().find(|part| line.contains(**part));
            assert_eq!(impure, None, "{}:{at}", source.path.display());
        }
    }
}

#[test]
fn files_have_one_subject_and_say_it() {
    for source in sources() {
        let lines = source.text.lines().count();
        let listed = LONG.iter().any(|file| source.path.ends_with(file));
        assert!(lines <= LINES_MAX || listed, "{} has {lines} lines", source.path.display());
        assert!(source.text.starts_with("//! "), "{} does not say what it is", source.path.display());
    }
}

#[test]
fn nothing_is_unsafe() {
    check_nowhere(&["unsafe"], &[]);
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    assert!(manifest.contains("unsafe_code = \"forbid\""));
}

#[test]
fn nothing_is_printed_but_log_lines() {
    check_nowhere(&["println!", "print!(", "dbg!"], &[]);
}

#[test]
fn nothing_is_unwrapped() {
    check_nowhere(&[".unwrap()"], &[]);
}

#[test]
fn one_file_spawns_and_one_reads_the_environment() {
    check_nowhere(&["tokio::spawn", "tokio::task::spawn"], &["src/task.rs"]);
    check_nowhere(&["env::var", "std::env::"], &["src/platform/instance.rs"]);
}

#[test]
fn only_the_port_names_sockets_and_hypers_servers() {
    for source in sources().iter().filter(|source| !["serve", "testing"].contains(&&*source.module)) {
        for (at, line) in source.code() {
            let socket =
                ["tokio::net", "hyper::server", "hyper_util"].iter().find(|part| line.contains(**part));
            assert_eq!(socket, None, "{}:{at}", source.path.display());
        }
    }
}

/// Open holes say of what kind they are.
#[test]
fn todos_have_a_kind() {
    for source in sources() {
        for (at, line) in source.text.lines().enumerate() {
            let kinds = ["TODO-correctness:", "TODO-hardening:", "TODO-speed:"];
            let open = line.contains("TODO") || line.contains("FIXME");
            assert!(
                !open || kinds.iter().any(|kind| line.contains(kind)),
                "{}:{}",
                source.path.display(),
                at + 1
            );
        }
    }
}

#[test]
fn every_feature_is_explained() {
    let manifest = fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("Cargo.toml")).unwrap();
    let features = manifest.split("[features]\n").nth(1).unwrap().split("\n\n").next().unwrap();
    let mut explained = false;
    for line in features.lines() {
        let is_feature = !line.starts_with('#') && line.contains('=') && !line.starts_with("default");
        assert!(!is_feature || explained, "no comment before {line:?}");
        explained = line.starts_with('#');
    }
}
