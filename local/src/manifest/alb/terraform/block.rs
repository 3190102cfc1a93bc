//! A block as a map: blocks inside are lists of maps, as there may be several.

use hcl_edit::Span;
use hcl_edit::structure::{Block, Body, Structure};

use super::read::pairs;
use super::scope::{Scope, each};
use crate::manifest::alb::source::{Problems, place};
use crate::manifest::node::{Entry, Node, Value};

/// What Terraform itself reads in every resource.
const META: [&str; 9] = [
    "count",
    "for_each",
    "depends_on",
    "lifecycle",
    "provider",
    "provisioner",
    "connection",
    "timeouts",
    "triggers",
];

/// The settings of a resource.
pub(super) fn node(block: &Block, scope: &Scope<'_>, problems: &mut Problems) -> Node {
    let line = scope.line(block.span());
    body(&block.body, line, scope, true, problems)
}

fn body(body: &Body, line: usize, scope: &Scope<'_>, is_resource: bool, problems: &mut Problems) -> Node {
    let mut entries: Vec<Entry> = Vec::new();
    for structure in body {
        match structure {
            Structure::Attribute(attribute) => {
                let key = attribute.key.as_str();
                if is_resource && META.contains(&key) {
                    continue;
                }
                let line = scope.line(attribute.span());
                let node = Node { line, ..scope.evaluate(&attribute.value) };
                if let Some(other) = entries.iter().find(|own| own.key == key) {
                    let text = format!("`{key}` stands twice; the first is on line {}", other.line);
                    problems.error(&place(&scope.config.files[scope.file].path, line), text);
                }
                entries.push(Entry { key: key.to_owned(), line, node });
            }
            Structure::Block(block) => {
                let key = block.ident.as_str();
                if is_resource && META.contains(&key) {
                    continue;
                }
                let line = scope.line(block.span());
                if key == "dynamic" {
                    dynamic(block, line, scope, &mut entries, problems);
                } else {
                    let node = self::body(&block.body, line, scope, false, problems);
                    add(&mut entries, key, line, node);
                }
            }
        }
    }
    Node { line, value: Value::Map(entries) }
}

fn add(entries: &mut Vec<Entry>, key: &str, line: usize, node: Node) {
    if let Some(entry) = entries.iter_mut().find(|entry| entry.key == key)
        && let Value::List(items) = &mut entry.node.value
    {
        items.push(node);
        return;
    }
    let list = Node { line, value: Value::List(vec![node]) };
    entries.push(Entry { key: key.to_owned(), line, node: list });
}

/// `dynamic "NAME" { for_each = … content { … } }`: a block for each value.
fn dynamic(block: &Block, line: usize, scope: &Scope<'_>, entries: &mut Vec<Entry>, problems: &mut Problems) {
    let at = place(&scope.config.files[scope.file].path, line);
    let label = block.labels.first().map(|label| label.as_str().to_owned());
    let source = block.body.get_attribute("for_each");
    let content = block.body.get_blocks("content").next();
    let (Some(label), Some(source), Some(content)) = (label, source, content) else {
        problems.error(&at, "a dynamic block has a label, `for_each` and `content`");
        return;
    };
    let Some(values) =
        pairs(&scope.evaluate(&source.value)).or_else(|| listed(&scope.evaluate(&source.value)))
    else {
        problems.error(&at, "`for_each` of the dynamic block is not known here");
        return;
    };
    let iterator = block
        .body
        .get_attribute("iterator")
        .and_then(|own| own.value.as_variable().map(|own| own.as_str().to_owned()));
    let name = iterator.unwrap_or_else(|| label.clone());
    for (key, value) in values {
        let own = scope.with(&name, each(&key, value));
        let node = body(&content.body, line, &own, false, problems);
        add(entries, &label, line, node);
    }
}

/// A list of maps, by number.
fn listed(node: &Node) -> Option<Vec<(String, Node)>> {
    let Value::List(items) = &node.value else { return None };
    Some(items.iter().enumerate().map(|(at, item)| (at.to_string(), item.clone())).collect())
}
