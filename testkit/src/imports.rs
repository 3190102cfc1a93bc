//! Import paths as they stand in code: trees of braces taken apart.

use std::collections::{BTreeMap, BTreeSet};

/// The first names of all paths from the root of the package: after `crate::`, and after so many `super::` as lead there.
pub(crate) fn names_of_crate(code: &str, depth: usize) -> BTreeSet<String> {
    let mut found = names_after(code, "crate::");
    if depth > 0 {
        let root = "super::".repeat(depth);
        for at in positions(code, &root) {
            // One more `super::` would be an error of the compiler; one before it is a longer path, found at its begin.
            if !code[..at].ends_with("super::") {
                found.extend(first_names(&code[at + root.len()..]));
            }
        }
    }
    found.retain(|name| name != "self" && name != "super");
    found
}

/// The names right below the module `room`: `gateway` for `crate::front::gateway::trigger`.
pub(crate) fn names_of(code: &str, room: &str) -> BTreeSet<String> {
    let mut found = names_after(code, &format!("crate::{room}::"));
    found.remove("self");
    found
}

/// Names that `lib.rs` exports again, each with the module it comes from.
pub(crate) fn exports(lib: &str) -> BTreeMap<String, String> {
    let mut found = BTreeMap::new();
    for at in positions(lib, "pub use ") {
        let statement = lib[at + "pub use ".len()..].split(';').next().unwrap_or_default();
        let mut paths = Vec::new();
        expand(statement, "", &mut paths);
        for path in paths {
            let path = path.strip_prefix("crate::").unwrap_or(&path);
            let (path, name) = match path.split_once(" as ") {
                Some((path, name)) => (path, name),
                None => (path, path.rsplit("::").next().unwrap_or(path)),
            };
            if let Some((module, _)) = path.split_once("::") {
                found.insert(name.trim().to_owned(), module.to_owned());
            }
        }
    }
    found
}

fn names_after(code: &str, root: &str) -> BTreeSet<String> {
    positions(code, root).flat_map(|at| first_names(&code[at + root.len()..])).collect()
}

/// Where `part` begins, not as the end of a longer word.
fn positions<'a>(code: &'a str, part: &'a str) -> impl Iterator<Item = usize> + 'a {
    let is_word = |c: char| c.is_alphanumeric() || c == '_';
    code.match_indices(part).map(|(at, _)| at).filter(move |at| !code[..*at].ends_with(is_word))
}

/// The first name of a path, or of each path of a list in braces.
fn first_names(rest: &str) -> Vec<String> {
    let rest = rest.trim_start();
    let Some(list) = rest.strip_prefix('{') else {
        return Vec::from_iter(name(rest));
    };
    split(inside(list)).into_iter().filter_map(name).collect()
}

fn name(text: &str) -> Option<String> {
    let name: String = text.trim_start().chars().take_while(|c| c.is_alphanumeric() || *c == '_').collect();
    (!name.is_empty()).then_some(name)
}

/// All whole paths of a tree: `a::{b, c::D as E}` gives `a::b` and `a::c::D as E`.
fn expand(tree: &str, before: &str, into: &mut Vec<String>) {
    let tree = tree.trim();
    match tree.split_once('{') {
        None if tree.is_empty() => {}
        None => into.push(format!("{before}{tree}")),
        Some((path, list)) => {
            for part in split(inside(list)) {
                expand(part, &format!("{before}{}", path.trim()), into);
            }
        }
    }
}

/// What stands before the brace that closes.
fn inside(list: &str) -> &str {
    let mut depth = 0;
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' if depth == 0 => return &list[..at],
            '}' => depth -= 1,
            _ => {}
        }
    }
    list
}

/// The parts between commas outside braces.
fn split(list: &str) -> Vec<&str> {
    let (mut depth, mut from) = (0, 0);
    let mut parts = Vec::new();
    for (at, c) in list.char_indices() {
        match c {
            '{' => depth += 1,
            '}' => depth -= 1,
            ',' if depth == 0 => {
                parts.push(&list[from..at]);
                from = at + 1;
            }
            _ => {}
        }
    }
    parts.push(&list[from..]);
    parts
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(code: &str, depth: usize, expected: &[&str]) {
        let found: Vec<String> = names_of_crate(code, depth).into_iter().collect();
        assert_eq!(found, expected, "{code}");
    }

    #[test]
    fn paths_from_the_root_are_found_in_every_form() {
        check("use crate::a::B;", 1, &["a"]);
        check("use crate::{a::{B, c::D}, e, F}; crate::g::h()", 1, &["F", "a", "e", "g"]);
        check("pub(crate) struct A; other_crate::x", 1, &[]);
        check("use super::a::B;", 1, &["a"]);
        check("use super::a::B;", 2, &[]);
        check("use super::super::a::B;", 2, &["a"]);
        check("use super::{a, b::C};", 1, &["a", "b"]);
        check("use super::*;", 1, &[]);
    }

    #[test]
    fn names_below_a_room_are_found() {
        let code = "use crate::front::{api::Call, entry}; crate::front::gateway::x(); crate::call::y()";
        let found: Vec<String> = names_of(code, "front").into_iter().collect();
        assert_eq!(found, ["api", "entry", "gateway"]);
    }

    #[test]
    fn exports_lead_to_their_modules() {
        let found = exports("mod a; pub use a::{B, c::{D, E as F}}; pub use g::H; pub use i;");
        let found: Vec<(&str, &str)> = found.iter().map(|(name, module)| (&**name, &**module)).collect();
        assert_eq!(found, [("B", "a"), ("D", "a"), ("F", "a"), ("H", "g")]);
    }
}
