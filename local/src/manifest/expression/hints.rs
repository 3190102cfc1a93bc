//! Hints: the reason why an expression has no value, and a form with a value.

use super::evaluate::Context;
use super::functions;
use crate::manifest::node::{Node, Value};

/// The hint for code that cannot be parsed.
pub(super) fn of_no_expression(code: &str) -> String {
    if code.contains('{') {
        return "the first `}` ends an expression: put such a text into a file or a variable".to_owned();
    }
    if code.trim().is_empty() {
        return "it is empty".to_owned();
    }
    if code.contains(":-") {
        return "defaults are written ${env('NAME', 'default')}".to_owned();
    }
    if !code.contains(['(', '\'', '"']) && code.contains('[') {
        return "members are written with dots: ${vars.list.0}".to_owned();
    }
    "this is not an expression; for a shell variable write `$NAME` without braces".to_owned()
}

/// The hint for code without a value.
pub(super) fn of_nothing(code: &str, context: &Context<'_>) -> String {
    if code.contains('(') {
        return with_argument_hint(code, "it gives nothing");
    }
    let trimmed = code.trim();
    if trimmed.len() < code.len() || trimmed.contains(' ') {
        return format!(
            "the deployment tool takes the blanks for a part of the names: write ${{{}}}",
            trimmed.replace(' ', "")
        );
    }
    let mut names = code.split('.');
    let first = names.next().unwrap_or_default();
    if code.contains('[') {
        return "members are written with dots: ${vars.list.0}".to_owned();
    }
    if functions::is_known(first) {
        let rest = names.collect::<Vec<_>>().join(".");
        let argument = if rest.is_empty() { "…".to_owned() } else { format!("'{rest}'") };
        return format!("`{first}` is a function: write ${{{first}({argument})}}");
    }
    match first {
        "this" => return "what an expression leads to is read once more, and there `this` is not known: write `that`".to_owned(),
        "that" | "resources" if context.named(first).is_none() => {
            return "there is no resource around it: only what stands within `resources` knows them".to_owned();
        }
        _ => {}
    }
    let Some(mut node) = context.named(first) else {
        return "this is not known here: there are vars, env(…), file(…), json(…), path(…), config(…), resources and this; for a shell variable write `$NAME` without braces".to_owned();
    };
    let shown = if first == "that" { "this" } else { first };
    let mut above = shown.to_owned();
    for name in names {
        match next(node, name) {
            Some(next) => node = next,
            None => return format!("there is no `{name}` in `{above}`{}", alike(node, name)),
        }
        above = format!("{above}.{name}");
    }
    format!("`{above}` is empty")
}

fn next<'a>(node: &'a Node, name: &str) -> Option<&'a Node> {
    match &node.value {
        Value::List(items) => items.get(name.parse::<usize>().ok()?),
        _ => node.entry(name).map(|entry| &entry.node),
    }
}

/// The key that may be meant.
fn alike(node: &Node, name: &str) -> String {
    let nearest = node
        .entries()
        .iter()
        .map(|entry| (strsim::damerau_levenshtein(&entry.key, name), entry.key.as_str()))
        .min();
    match nearest {
        Some((distance, meant)) if distance <= 2 && distance < meant.len() => {
            format!("; is `{meant}` meant?")
        }
        _ => String::new(),
    }
}

/// Quotes change how the tool reads an argument.
fn with_argument_hint(code: &str, why: &str) -> String {
    if code.contains(['\'', '"']) {
        return format!("{why}: names within the brackets are JavaScript's, so put texts into quotes");
    }
    why.to_owned()
}
