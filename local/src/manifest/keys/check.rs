//! Checks the keys and values of a manifest, and corrects typos.

use super::domains::DOMAIN_PROPS;
use super::key::{Key, OrText, Table, Takes};
use super::tables::{HTTP_TRIGGER, PROPS, RESOURCE, TIMER_TRIGGER, TOP};
use crate::manifest::node::{Entry, Node, Value};
use crate::manifest::problem::Problem;

/// Checks the keys of the whole file and of its resources, except `props`. A typo is reported and corrected. Otherwise
/// the right key would be reported as missing too.
pub(crate) fn correct(root: &mut Node, problems: &mut Vec<Problem>) {
    check(root, TOP, "the file", problems);
    let Value::Map(entries) = &mut root.value else { return };
    let resources = entries.iter_mut().find(|entry| entry.key == "resources");
    let Some(Value::Map(resources)) = resources.map(|entry| &mut entry.node.value) else { return };
    for resource in resources {
        check(&mut resource.node, RESOURCE, "a resource", problems);
    }
}

/// Checks the keys of an `fc3` function's `props`, at every depth, and corrects typos.
pub(crate) fn correct_props(props: &mut Node, problems: &mut Vec<Problem>) {
    check(props, PROPS, "`props`", problems);
}

/// Checks the keys of an `fc3-domain` domain's `props`, as [`correct_props`] does.
pub(crate) fn correct_domain(props: &mut Node, problems: &mut Vec<Problem>) {
    check(props, DOMAIN_PROPS, "`props`", problems);
}

/// Removes the keys that an `fc3` function's `props` do not have, at every depth.
pub(crate) fn keep_known_props(props: &mut Node) {
    keep_known(props, PROPS);
}

/// Removes the keys that an `fc3-domain` domain's `props` do not have, at every depth.
pub(crate) fn keep_known_domain(props: &mut Node) {
    keep_known(props, DOMAIN_PROPS);
}

fn keep_known(node: &mut Node, table: &'static Table) {
    let Value::Map(entries) = &mut node.value else { return };
    if table.is_empty() {
        return;
    }
    entries.retain(|entry| entry.node.is_something() && table.iter().any(|key| key.name == entry.key));
    for entry in entries {
        let Some(key) = table.iter().find(|key| key.name == entry.key) else { continue };
        match (key.takes, &mut entry.node.value) {
            (Takes::Map(table), _) => keep_known(&mut entry.node, table),
            (Takes::Each(table), Value::List(items)) => {
                for item in items {
                    keep_known(item, table);
                }
            }
            _ => {}
        }
    }
}

/// Checks a map's keys and values. `place` is its name in messages.
fn check(node: &mut Node, table: &'static Table, place: &str, problems: &mut Vec<Problem>) {
    let Value::Map(entries) = &mut node.value else { return };
    if table.is_empty() {
        return;
    }
    for at in 0..entries.len() {
        let entry = &entries[at];
        let mut key = table.iter().find(|key| key.name == entry.key);
        if key.is_none() {
            let (problem, meant) = unknown(&entry.key, entry.line, table, place);
            problems.push(problem);
            // An existing key is kept.
            key = meant.filter(|meant| entries.iter().all(|other| other.key != meant.name));
        }
        let Some(key) = key else { continue };
        let entry = &mut entries[at];
        key.name.clone_into(&mut entry.key);
        let first = problems.len();
        check_value(key, entry, problems);
        let is_right = problems[first..].iter().all(|problem| !problem.fatal);
        if let Some(why) = key.without_effect.filter(|_| is_right) {
            problems.push(Problem::note(entry.line, format!("`{}` has no effect here: {why}", key.name)));
        }
    }
    for key in table.iter().filter(|key| key.is_required) {
        if entries.iter().all(|entry| entry.key != key.name) {
            problems.push(Problem::error(node.line, format!("{place} needs `{}`", key.name)));
        }
    }
}

/// Checks the value under a known key.
fn check_value(key: &'static Key, entry: &mut Entry, problems: &mut Vec<Problem>) {
    let (name, line, kind) = (key.name, entry.line, entry.node.kind());
    if matches!(entry.node.value, Value::Failed) || key.takes_text(&entry.node) {
        return;
    }
    let mut wrong = |expected: &str| {
        let or = match key.or_text {
            OrText::None => String::new(),
            OrText::Any => " or text".to_owned(),
            OrText::Word(word) => format!(" or `{word}`"),
        };
        problems.push(Problem::error(line, format!("`{name}` must be {expected}{or} but is {kind}")));
    };
    let place = format!("`{name}`");
    match (key.takes, &mut entry.node.value) {
        (Takes::Any, _) | (Takes::Text, Value::Text(_)) | (Takes::Boolean, Value::Bool(_)) => {}
        (Takes::Boolean, _) => wrong("true or false"),
        (Takes::Number(_), Value::Int(_) | Value::Float(_)) => check_number(key, entry, problems),
        (Takes::Number(_), _) => wrong("a number"),
        (Takes::OneOf(words), Value::Text(word)) if words.contains(&word.as_str()) => {}
        (Takes::OneOf(words), Value::Text(word)) => {
            let text =
                format!("`{name}` cannot be `{word}`; there are {}{}", words.join(", "), meant(word, words));
            problems.push(Problem::error(line, text));
        }
        (Takes::Text | Takes::OneOf(_), _) => wrong("text"),
        (Takes::Texts, Value::List(items)) => {
            for item in items.iter().filter(|item| !matches!(item.value, Value::Text(_) | Value::Failed)) {
                let text = format!("`{name}` must be a list of texts but holds {}; quote it", item.kind());
                problems.push(Problem::error(item.line, text));
            }
        }
        (Takes::Texts | Takes::Each(_), value) if !matches!(value, Value::List(_)) => wrong("a list"),
        (Takes::TextMap, Value::Map(entries)) => {
            for own in entries.iter().filter(|own| !matches!(own.node.value, Value::Text(_) | Value::Failed))
            {
                let text = format!("{name}.{} must be text but is {}; quote it", own.key, own.node.kind());
                problems.push(Problem::error(own.line, text));
            }
        }
        (Takes::Map(table), Value::Map(_)) => check(&mut entry.node, table, &place, problems),
        (Takes::TextMap | Takes::Map(_), _) => wrong("a map"),
        (Takes::Each(table), Value::List(items)) => {
            for item in items {
                check_item(item, table, &place, problems);
            }
        }
        (Takes::Texts | Takes::Each(_), _) => {}
    }
}

fn check_item(item: &mut Node, table: &'static Table, place: &str, problems: &mut Vec<Problem>) {
    if !matches!(item.value, Value::Map(_) | Value::Failed) {
        let text = format!("{place} must be a list of maps but holds {}", item.kind());
        problems.push(Problem::error(item.line, text));
    }
    check(item, table, place, problems);
    let table = match item.child("triggerType").and_then(Node::as_text) {
        Some("http") => HTTP_TRIGGER,
        Some("timer") => TIMER_TRIGGER,
        _ => return,
    };
    if let Some(config) = child_mut(item, "triggerConfig") {
        check(config, table, "`triggerConfig`", problems);
    }
}

fn check_number(key: &Key, entry: &Entry, problems: &mut Vec<Problem>) {
    let Takes::Number(Some(range)) = key.takes else { return };
    #[expect(clippy::cast_precision_loss, reason = "an integer is one that a double holds")]
    let value = match entry.node.value {
        Value::Int(value) => value as f64,
        Value::Float(value) => value,
        _ => return,
    };
    let name = key.name;
    if !(range.least..=range.most).contains(&value) {
        let text = format!("`{name}` must be {} to {} but is {value}", range.least, range.most);
        problems.push(Problem::error(entry.line, text));
    } else if range.step > 0.0 && value % range.step != 0.0 {
        let text = format!("`{name}` must be a multiple of {} but is {value}", range.step);
        problems.push(Problem::error(entry.line, text));
    }
}

/// The word that may be meant.
fn meant(word: &str, words: &[&str]) -> String {
    let nearest = words.iter().map(|other| (strsim::damerau_levenshtein(word, other), other)).min();
    match nearest {
        Some((distance, meant)) if distance <= 2 => format!("; did you mean `{meant}`?"),
        _ => String::new(),
    }
}

fn child_mut<'a>(node: &'a mut Node, key: &str) -> Option<&'a mut Node> {
    let Value::Map(entries) = &mut node.value else { return None };
    entries.iter_mut().find(|entry| entry.key == key).map(|entry| &mut entry.node)
}

/// A key close to a known one is a typo and fatal; any other may belong to a newer schema.
fn unknown(name: &str, line: usize, table: &'static Table, place: &str) -> (Problem, Option<&'static Key>) {
    let nearest = table
        .iter()
        .map(|key| (strsim::damerau_levenshtein(&name.to_lowercase(), &key.name.to_lowercase()), key))
        .min_by_key(|(distance, key)| (*distance, key.name));
    match nearest {
        Some((distance, meant)) if distance <= 2.min(meant.name.len() / 2) || alike(name, meant.name) => {
            let text = format!(
                "`{name}` is not a key of {place}, so deploying would drop it: did you mean `{}`?",
                meant.name
            );
            (Problem::error(line, text), Some(meant))
        }
        _ => {
            let text = format!("`{name}` is not a key of {place} that fc-local knows; it is ignored");
            (Problem::lost(line, text), None)
        }
    }
}

fn alike(name: &str, meant: &str) -> bool {
    name.len() >= 6 && strsim::jaro_winkler(name, meant) > 0.94
}
