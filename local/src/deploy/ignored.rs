//! What the deployment tool leaves out of a package: `.fcignore`, which is not read as `.gitignore` is.
//!
//! Case does not count, braces are alternatives, a pattern with a slash begins at the folder of its file, and a folder of
//! which a later line takes something back is packed, but for what other lines name in it.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use globset::{GlobBuilder, GlobMatcher};

/// Names what the deployment tool leaves out of the package, line by line.
pub(super) const IGNORE_FILE: &str = ".fcignore";

/// How many patterns the braces of a line may stand for. A line with more is taken as it is.
const ALTERNATIVES_MAX: usize = 1000;

/// The rules of a code folder and of the folders below it that were entered.
pub(super) struct Ignored<'f> {
    folder: &'f Path,
    rules: BTreeMap<PathBuf, Vec<Rule>>,
}

struct Rule {
    /// Whether what it names is taken back.
    takes_back: bool,
    patterns: Vec<Vec<Part>>,
}

/// What stands between two slashes of a pattern.
enum Part {
    /// `**`: any number of parts.
    Any,
    Glob(Box<GlobMatcher>),
    /// In small letters.
    Text(String),
    /// No pattern, which names nothing.
    Wrong,
}

impl<'f> Ignored<'f> {
    pub(super) fn of(folder: &'f Path) -> Self {
        Self { folder, rules: BTreeMap::new() }
    }

    /// Reads the rules of the folder at `below`, which count for all that is below it. Without the file there are none.
    pub(super) fn enter(&mut self, below: &Path) {
        let file = self.folder.join(below).join(IGNORE_FILE);
        // The open of a pipe would wait for its writer.
        let is_file = fs::metadata(&file).is_ok_and(|metadata| metadata.is_file());
        let text = if is_file { fs::read(&file).unwrap_or_default() } else { Vec::new() };
        let rules = parse(&String::from_utf8_lossy(&text));
        if !rules.is_empty() {
            self.rules.insert(below.to_owned(), rules);
        }
    }

    /// Whether what is at `below` is left out. The folders on the way have been entered.
    pub(super) fn has(&self, below: &Path, is_folder: bool) -> bool {
        let names: Vec<_> = below.iter().map(|name| name.to_string_lossy()).collect();
        let names: Vec<&str> = names.iter().map(AsRef::as_ref).collect();
        let mut is_left_out = false;
        // From the code folder downwards. A rule changes only what those before it have left.
        let ancestors: Vec<&Path> = below.ancestors().skip(1).collect();
        for (depth, folder) in ancestors.into_iter().rev().enumerate() {
            for rule in self.rules.get(folder).into_iter().flatten() {
                if rule.takes_back == is_left_out && rule.names(&names[depth..], is_folder) {
                    is_left_out = !rule.takes_back;
                }
            }
        }
        is_left_out
    }
}

fn parse(text: &str) -> Vec<Rule> {
    let lines = text.lines().filter(|line| !line.trim().is_empty() && !line.trim().starts_with('#'));
    lines.map(Rule::parse).collect()
}

impl Rule {
    fn parse(line: &str) -> Self {
        let pattern = line.trim_start_matches('!');
        let takes_back = (line.len() - pattern.len()) % 2 == 1;
        let pattern =
            pattern.strip_prefix("./").map_or_else(|| pattern.to_owned(), |rest| format!("/{rest}"));
        let mut whole = Vec::new();
        if alternatives(&pattern, &mut whole).is_none() {
            whole = vec![pattern];
        }
        let parts = |pattern: &String| {
            let mut parts: Vec<Part> = pattern.split('/').map(Part::parse).collect();
            parts.dedup_by(|part, before| matches!((part, before), (Part::Any, Part::Any)));
            parts
        };
        Self { takes_back, patterns: whole.iter().map(parts).collect() }
    }

    /// Whether the rule names `path`, which is below the folder of the rule's file.
    fn names(&self, path: &[&str], is_folder: bool) -> bool {
        self.patterns.iter().any(|pattern| {
            // A pattern without a slash is one for the name, wherever it is.
            let path = if pattern.len() == 1 { &path[path.len() - 1..] } else { path };
            let rooted = [&[""], path].concat();
            [path, &rooted].into_iter().any(|path| {
                matches(path, pattern, false)
                    || is_folder && matches(&[path, &[""]].concat(), pattern, false)
                    // Something below the folder may be taken back.
                    || is_folder && self.takes_back && matches(path, pattern, true)
            })
        })
    }
}

impl Part {
    fn parse(text: &str) -> Self {
        if text == "**" {
            return Self::Any;
        }
        if !text.contains(['*', '?', '[', '\\']) {
            return Self::Text(text.to_lowercase());
        }
        match GlobBuilder::new(text).case_insensitive(true).literal_separator(true).build() {
            Ok(glob) => Self::Glob(Box::new(glob.compile_matcher())),
            Err(_) => Self::Wrong,
        }
    }

    fn takes(&self, name: &str) -> bool {
        match self {
            Self::Any => true,
            Self::Wrong => false,
            Self::Glob(glob) => !name.is_empty() && glob.is_match(name),
            Self::Text(text) => *text == name.to_lowercase(),
        }
    }
}

/// Whether the path is one of the pattern, or with `or_begin` may be the begin of one.
fn matches(path: &[&str], pattern: &[Part], or_begin: bool) -> bool {
    match (path, pattern) {
        (_, [Part::Any]) => !path.is_empty() || or_begin,
        (_, [Part::Any, rest @ ..]) => (0..=path.len()).any(|at| matches(&path[at..], rest, or_begin)),
        ([], []) => true,
        ([], _) => or_begin,
        // The slash behind a folder.
        ([rest], []) => rest.is_empty(),
        (_, []) => false,
        ([name, path @ ..], [part, pattern @ ..]) => part.takes(name) && matches(path, pattern, or_begin),
    }
}

/// The patterns for which braces stand: `*.{log,tmp}` is two. `None` if there are too many.
fn alternatives(pattern: &str, found: &mut Vec<String>) -> Option<()> {
    let Some((before, inner, after)) = first_braces(pattern) else {
        found.push(pattern.to_owned());
        return (found.len() <= ALTERNATIVES_MAX).then_some(());
    };
    inner.iter().try_for_each(|one| alternatives(&format!("{before}{one}{after}"), found))
}

/// The first braces with a comma in them: what is before them, their members, and what is behind.
fn first_braces(pattern: &str) -> Option<(&str, Vec<&str>, &str)> {
    for (open, _) in pattern.match_indices('{') {
        let (mut depth, mut from, mut members) = (0, open + 1, Vec::new());
        for (at, c) in pattern.bytes().enumerate().skip(open) {
            match c {
                b'{' => depth += 1,
                b',' if depth == 1 => {
                    members.push(&pattern[from..at]);
                    from = at + 1;
                }
                b'}' if depth == 1 => {
                    if members.is_empty() {
                        break;
                    }
                    members.push(&pattern[from..at]);
                    return Some((&pattern[..open], members, &pattern[at + 1..]));
                }
                b'}' => depth -= 1,
                _ => {}
            }
        }
    }
    None
}

#[cfg(test)]
mod tests {
    use testkit::Folder;

    use crate::deploy::Contents;

    /// What is packed of `files`, in the order of the names.
    #[track_caller]
    fn check(rules: &[(&str, &str)], files: &[&str], expected: &[&str]) {
        let folder = Folder::new();
        for file in files {
            folder.write(file, "x");
        }
        for (place, text) in rules {
            folder.write(&format!("{place}.fcignore"), text);
        }
        let contents = Contents::of(folder.path(), u64::MAX).unwrap();
        let is_rules = |path: &str| path.ends_with(".fcignore");
        let packed: Vec<&str> = contents
            .entries()
            .filter(|(_, metadata)| metadata.is_file())
            .map(|(path, _)| path.to_str().unwrap())
            .collect();
        let mut kept: Vec<&str> = packed.into_iter().filter(|path| !is_rules(path)).collect();
        kept.sort_unstable();
        assert_eq!(kept, expected, "{rules:?}");
        for file in files {
            assert_eq!(
                Contents::takes(folder.path(), file.as_ref()),
                expected.contains(file),
                "{file} {rules:?}"
            );
        }
    }

    #[test]
    fn lines_mean_what_the_deployment_tool_makes_of_them() {
        let all = |rules: &str, files: &[&str], expected: &[&str]| check(&[("", rules)], files, expected);
        all("build\n", &["a", "build/a", "Build/a", "src/BUILD/a", "src/build.rs"], &["a", "src/build.rs"]);
        all("data/\n", &["a", "data/a", "src/data/a"], &["a", "src/data/a"]);
        all("**/data\n", &["a", "data/a", "src/data/a"], &["a"]);
        all("dir\n!dir/keep\n", &["a", "dir/b", "dir/keep"], &["a", "dir/b", "dir/keep"]);
        all("/dir/*\n!/dir/keep\n", &["a", "dir/b", "dir/keep"], &["a", "dir/keep"]);
        all("*\n!src/**\n", &["a", "src/b", "src/c/d"], &["src/b", "src/c/d"]);
        all("*\n!src\n", &["a", "src/b"], &[]);
        all("*.{log,tmp}\n", &["a", "a.log", "b.tmp"], &["a"]);
        all("{a,b/{c,d}}\n", &["a", "b/c", "b/d", "b/e"], &["b/e"]);
        all("*.md \n", &["a", "a.md"], &["a", "a.md"]);
        all("# *\n\r\n./x\r\n", &["x", "y/x"], &["y/x"]);
        all("[ab].txt\na\\ b\n[\n", &["A.txt", "c.txt", "a b", "["], &["[", "c.txt"]);
        all("**\n", &["a", "b/c"], &[]);
        all("!!a\nÄ{1}\n", &["a", "ä1", "ä{1}"], &["ä1"]);
        all("a/**/z\n", &["a/z", "a/b/z", "a/b/c/z", "z"], &["z"]);
        all("**/z\n!a/z\n", &["z", "a/z", "b/a/z"], &["a/z"]);
        all("x/\n!x/y/\n", &["x/a", "x/y/b"], &["x/a", "x/y/b"]);
        all("/*\n!/k/d/f\n", &["a", "k/d/f", "k/d/g", "k/o"], &["k/d/f", "k/d/g", "k/o"]);
        all("dist/**\n.env*\n", &["dist/a", "x/dist/b", ".env", "x/.env.local"], &["x/dist/b"]);
        all("*.log\n!important.log\n", &["a.log", "x/important.log"], &["x/important.log"]);
    }

    #[test]
    fn a_folder_below_has_rules_of_its_own() {
        let files = ["a.txt", "lib/a.txt", "lib/b.txt", "lib/c/a.txt"];
        check(
            &[("", "b.txt\n"), ("lib/", "/a.txt\n!b.txt\n")],
            &files,
            &["a.txt", "lib/b.txt", "lib/c/a.txt"],
        );
    }
}
