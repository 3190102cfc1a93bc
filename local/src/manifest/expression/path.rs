//! Members of values, by lists of names and by paths like `vars.list[0].name`.

use crate::manifest::node::{Node, Value};

/// The value in `node` under one name: a key, an index of a list, or `length`.
pub(super) fn member(node: &Node, name: &str) -> Option<Node> {
    if name == "length" {
        let length = match &node.value {
            Value::Text(text) => text.encode_utf16().count(),
            Value::List(items) => items.len(),
            _ => return member_of_map(node, name).cloned(),
        };
        return Some(Node { line: node.line, value: Value::Int(i64::try_from(length).ok()?) });
    }
    step(node, name).cloned()
}

/// The value in `node` under nested names.
pub(crate) fn at_path(node: &Node, names: &[&str]) -> Option<Node> {
    let Some((last, above)) = names.split_last() else { return Some(node.clone()) };
    let mut node = node;
    for name in above {
        node = step(node, name)?;
    }
    member(node, last)
}

/// Removes the value under nested names from `node`.
pub(crate) fn remove_path(node: &mut Node, names: &[&str]) {
    match (names, &mut node.value) {
        ([last], Value::Map(_)) => _ = node.remove(last),
        ([first, rest @ ..], Value::Map(entries)) => {
            if let Some(entry) = entries.iter_mut().find(|entry| entry.key == *first) {
                remove_path(&mut entry.node, rest);
            }
        }
        _ => {}
    }
}

/// The names of a path like `a.b[0]['c']`.
pub(super) fn names(path: &str) -> Vec<&str> {
    let quotes = ['\'', '"'];
    path.split(['.', '[']).map(|name| name.trim_end_matches(']').trim_matches(quotes)).collect()
}

fn step<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    match &node.value {
        Value::List(items) => items.get(index(name)?),
        _ => member_of_map(node, name),
    }
}

fn member_of_map<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    node.entry(name).map(|entry| &entry.node)
}

/// An index of a list. `01` and `+1` are not indexes.
fn index(name: &str) -> Option<usize> {
    let index: usize = name.parse().ok()?;
    (index.to_string() == name).then_some(index)
}
