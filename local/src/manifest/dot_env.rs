//! `.env` files, read as the deployment tool reads them.
//!
//! What the shell has set wins; of the files the first one wins that sets a variable: in the current folder, in
//! the `code` folder of each resource, beside the manifest.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::yaml::Node;

/// How often a value may lead to another one. A circle ends by it too.
const STEPS_MAX: usize = 1000;

/// The variables of all files together.
pub(crate) type Variables = BTreeMap<String, String>;

/// The files there may be, the one that wins first.
pub(crate) fn files(current: &Path, folder: &Path, root: Option<&Node>) -> Vec<PathBuf> {
    let resources = root.and_then(|root| root.child("resources")).map_or(&[][..], Node::entries);
    let code = resources.iter().filter_map(|entry| entry.node.child("props")?.child("code")?.as_text());
    // The tool looks before it replaces expressions.
    let code = code.filter(|code| !code.contains("${")).map(|code| folder.join(code));
    let mut files: Vec<PathBuf> = Vec::new();
    for folder in [current.to_owned()].into_iter().chain(code).chain([folder.to_owned()]) {
        // `./code` and `code` are one folder; the components say so.
        let file: PathBuf = folder.join(".env").components().collect();
        if !files.contains(&file) {
            files.push(file);
        }
    }
    files
}

/// Reads one file's text into `variables`; `shell` are the variables that are set already.
pub(crate) fn read(text: &str, shell: &dyn Fn(&str) -> Option<String>, variables: &mut Variables) {
    let own = parse(text);
    let known = |name: &str| shell(name).or_else(|| variables.get(name).cloned());
    let expand = |value: &str| Expansion { known: &known, own: &own, left: STEPS_MAX }.of(value);
    let expanded: Vec<_> = own.iter().map(|(name, value)| (name.clone(), expand(value))).collect();
    for (name, value) in expanded {
        variables.entry(name).or_insert(value);
    }
}

/// `NAME=value` or `NAME: value` on each line. Quotes keep blanks, `#` and line feeds in a value.
fn parse(text: &str) -> Variables {
    let mut variables = Variables::new();
    let mut rest = text;
    while !rest.is_empty() {
        let (line, after) = rest.split_once('\n').unwrap_or((rest, ""));
        let start = line.trim_start();
        let start = start.strip_prefix("export ").map_or(start, str::trim_start);
        let end = start.find(|c: char| !(c.is_alphanumeric() || "_.-".contains(c))).unwrap_or(start.len());
        let (name, behind) = start.split_at(end);
        let value = behind.trim_start().strip_prefix('=').or_else(|| behind.strip_prefix(": "));
        let (Some(value), false) = (value.map(str::trim_start), name.is_empty()) else {
            rest = after;
            continue;
        };
        // A quoted value may go beyond its line.
        let (value, after) = match quoted(&rest[line.len() - value.len()..]) {
            Some(found) => found,
            None => (value.split('#').next().unwrap_or_default().trim().to_owned(), after),
        };
        variables.insert(name.to_owned(), value);
        rest = after;
    }
    variables
}

/// A value in quotes at the start of `text`, and what follows its line.
fn quoted(text: &str) -> Option<(String, &str)> {
    let quote = text.chars().next().filter(|c| matches!(c, '\'' | '"' | '`'))?;
    let (inner, rest) = text[1..].split_once(quote)?;
    let value = if quote == '"' { inner.replace("\\n", "\n").replace("\\r", "\r") } else { inner.to_owned() };
    Some((value, rest.split_once('\n').map_or("", |(_, after)| after)))
}

struct Expansion<'a> {
    known: &'a dyn Fn(&str) -> Option<String>,
    own: &'a Variables,
    left: usize,
}

impl Expansion<'_> {
    /// Replaces `$NAME`, `${NAME}` and `${NAME:-default}`; `\$` stands for a dollar.
    fn of(&mut self, value: &str) -> String {
        let mut out = String::new();
        let mut rest = value;
        while let Some((before, after)) = rest.split_once('$') {
            if let Some(before) = before.strip_suffix('\\') {
                out.push_str(before);
                out.push('$');
                rest = after;
                continue;
            }
            out.push_str(before);
            let ends = |c: char| !(c.is_ascii_alphanumeric() || c == '_');
            let in_braces = after.strip_prefix('{').and_then(|inner| inner.split_once('}'));
            let (inner, behind) =
                in_braces.unwrap_or_else(|| after.split_at(after.find(ends).unwrap_or(after.len())));
            let (name, default) = inner.split_once(":-").unwrap_or((inner, ""));
            match self.value(name) {
                _ if inner.is_empty() => out.push('$'),
                Some(value) => out.push_str(&value),
                None => out.push_str(default),
            }
            rest = behind;
        }
        out.push_str(rest);
        out
    }

    fn value(&mut self, name: &str) -> Option<String> {
        self.left = self.left.checked_sub(1)?;
        if let Some(value) = (self.known)(name) {
            return Some(value);
        }
        let value = self.own.get(name)?;
        Some(self.of(value))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: &[(&str, &str)]) {
        let mut variables = Variables::from([("FIRST".to_owned(), "first".to_owned())]);
        let shell = |name: &str| (name == "SHELL_SET").then(|| "shell".to_owned());
        read(text, &shell, &mut variables);
        variables.remove("FIRST");
        let expected = expected.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned()));
        assert_eq!(variables, expected.collect());
    }

    #[test]
    fn lines_are_read_as_the_deployment_tool_reads_them() {
        check(
            "# a comment\n\nA=1\nexport B = two # not this\nC: colon\nno line\n",
            &[("A", "1"), ("B", "two"), ("C", "colon")],
        );
        check(
            "A='x # y'\nB=\"a\\nb\"\nC='a\\nb'\nD=\nE= \n",
            &[("A", "x # y"), ("B", "a\nb"), ("C", "a\\nb"), ("D", ""), ("E", "")],
        );
        check(
            "A=\"one\ntwo\" # rest\nB=`it's`\nC='open\nD=1",
            &[("A", "one\ntwo"), ("B", "it's"), ("C", "'open"), ("D", "1")],
        );
        check("A=1\r\nB='2'\r\n", &[("A", "1"), ("B", "2")]);
    }

    #[test]
    fn variables_lead_to_others() {
        check("A=$B-${SHELL_SET}\nB=${FIRST}!\n", &[("A", "first!-shell"), ("B", "first!")]);
        check("A=${NO:-other}-${NO}-\\$B$\n", &[("A", "other--$B$")]);
        check("A=$B\nB=$A\n", &[("A", ""), ("B", "")]);
        // What an earlier file has set stays.
        check("FIRST=second\nA=$FIRST\n", &[("A", "first")]);
    }
}
