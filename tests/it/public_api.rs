//! The public names, so that a change of them is seen where it is made: `tests/public-api.txt`.
//!
//! They are read from the sources. `unreachable_pub` is a lint here, so that what says `pub` can be reached, and rustfmt
//! keeps the shape of the lines.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn sources() -> Vec<PathBuf> {
    let (mut found, mut folders) = (Vec::new(), vec![root().join("src")]);
    while let Some(folder) = folders.pop() {
        for entry in fs::read_dir(&folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                folders.push(path);
            } else if path.extension().is_some_and(|extension| extension == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// What holds the lines that follow: the type of an `impl`, a trait, an enum, a struct.
#[derive(Default)]
struct Holder {
    name: String,
    has_public_members: bool,
}

impl Holder {
    /// From a line without indentation, or of an `impl` in a macro.
    fn of(line: &str) -> Option<Self> {
        let name = |text: &str| -> String {
            text.chars().take_while(|c| c.is_alphanumeric() || matches!(c, '_' | '$')).collect()
        };
        for (start, has_public_members) in [("pub enum ", true), ("pub trait ", true), ("pub struct ", false)]
        {
            if let Some(rest) = line.strip_prefix(start) {
                return Some(Self { name: name(rest), has_public_members });
            }
        }
        let rest = line.strip_prefix("impl")?;
        // The parameters of an `impl` end where as many brackets close as have opened.
        let mut depth = 0;
        let end = rest.char_indices().find(|(_, c)| {
            depth += i32::from(*c == '<') - i32::from(*c == '>');
            depth == 0
        });
        let rest = rest[end?.0..].trim_start_matches(['>', ' ']);
        let rest = rest.split_once(" for ").map_or(rest, |(_, of)| of);
        Some(Self { name: name(rest), has_public_members: false })
    }
}

/// The public names of one file, each with its signature.
fn names(text: &str) -> Vec<String> {
    let end = text.find("#[cfg(test)]\nmod tests").unwrap_or(text.len());
    let mut lines = text[..end].lines().peekable();
    let (mut found, mut holder, mut is_hidden) = (Vec::new(), Holder::default(), false);
    while let Some(line) = lines.next() {
        let (indent, code) = (line.len() - line.trim_start().len(), line.trim());
        if code == "#[doc(hidden)]" {
            is_hidden = true;
            continue;
        }
        if code.starts_with("//") || code.starts_with("#[") || code.is_empty() {
            continue;
        }
        let was_hidden = std::mem::take(&mut is_hidden);
        if indent == 0 || code.starts_with("impl") {
            holder = Holder::of(code).unwrap_or_default();
        }
        let is_member = indent == 4 && holder.has_public_members && code != "}";
        // The verbs of HTTP are declared by a macro: `get => Some(Method::GET),`.
        let verb = code.split_once(" => ").filter(|(_, method)| {
            holder.name == "$builder" && (method.starts_with("Some(Method::") || *method == "None,")
        });
        if let Some((verb, _)) = verb {
            found.push(format!("{}: pub fn {verb}(..)", holder.name));
            continue;
        }
        if was_hidden || code.contains("fn $") || !(code.starts_with("pub ") || is_member) {
            continue;
        }
        // Fields without names are private, or named after all: `Json(pub T)`.
        let is_opaque = code.starts_with("pub struct ") && code.contains('(') && !code.contains("(pub ");
        let code = code.split_once('(').map_or(code, |(name, _)| if is_opaque { name } else { code });
        let mut whole = code.to_owned();
        let is_signature = code.contains("fn ");
        while is_signature
            && !whole.ends_with(['{', ';', '}'])
            && let Some(next) = lines.next()
        {
            whole.push(' ');
            whole.push_str(next.trim());
        }
        let whole = whole.trim_end_matches([' ', '{', ';', ',']).replace("( ", "(").replace(", )", ")");
        found.push(if indent == 0 { whole } else { format!("{}: {whole}", holder.name) });
    }
    found
}

/// Modules that a user names; all other items are re-exported at the top.
const PUBLIC_MODULES: [&str; 5] = ["events", "grpc", "guard", "platform", "testing"];

/// All names, sorted, so that a move from file to file changes nothing.
fn public_api() -> String {
    let mut list = BTreeSet::new();
    for path in sources() {
        let inside = path.strip_prefix(root().join("src")).unwrap();
        let first = inside.components().next().unwrap().as_os_str().to_string_lossy().into_owned();
        let module = PUBLIC_MODULES.into_iter().find(|module| *module == first.trim_end_matches(".rs"));
        let is_outside = module.is_some() || inside == Path::new("lib.rs");
        let prefix = module.map_or_else(String::new, |module| format!("{module} | "));
        for name in names(&fs::read_to_string(&path).unwrap()) {
            if !is_outside && (name.starts_with("pub use ") || name.starts_with("pub mod ")) {
                continue;
            }
            // The file that a name comes from is nobody's concern.
            let name = match name.rsplit_once("::") {
                Some((path, item)) if path.starts_with("pub use ") => format!("pub use {item}"),
                _ => name,
            };
            if name.starts_with("$builder") {
                list.extend(["App", "Group"].map(|of| format!("{prefix}{}", name.replace("$builder", of))));
            } else {
                list.insert(format!("{prefix}{name}"));
            }
        }
    }
    list.into_iter().map(|name| name + "\n").collect()
}

#[test]
fn the_public_names_are_those_of_the_list() {
    let (path, now) = (root().join("tests/public-api.txt"), public_api());
    if std::env::var_os("PUBLIC_API").is_some_and(|mode| mode == "overwrite") {
        fs::write(&path, &now).unwrap();
    }
    let listed = fs::read_to_string(&path).unwrap();
    let (new, gone): (Vec<_>, Vec<_>) = (
        now.lines().filter(|line| !listed.lines().any(|old| old == *line)).collect(),
        listed.lines().filter(|line| !now.lines().any(|own| own == *line)).collect(),
    );
    assert!(
        now == listed,
        "tests/public-api.txt differs; CONTRIBUTING.md says how to renew it\nnew: {new:#?}\ngone: {gone:#?}"
    );
}

#[test]
fn names_are_found_where_they_stand() {
    let text = "pub struct At {\n    pub(crate) a: u8,\n    pub b: u8,\n}\n\nimpl<S: Into<u8>> From<S> for At {\n\
                }\n\nimpl At {\n    pub fn c(\n        self,\n    ) -> Self {\n    }\n    fn d() {}\n}\n\npub enum E {\n    \
                F,\n    G(u8),\n}\n\npub trait T {\n    #[doc(hidden)]\n    fn h();\n    fn i();\n}\n";
    let expected = [
        "pub struct At",
        "At: pub b: u8",
        "At: pub fn c(self) -> Self",
        "pub enum E",
        "E: F",
        "E: G(u8)",
        "pub trait T",
        "T: fn i()",
    ];
    assert_eq!(names(text), expected);
}
