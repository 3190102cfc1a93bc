//! The typed settings of one map, in any spelling.

use std::ops::RangeInclusive;
use std::sync::Arc;

use super::source::{Form, Problems, place, reference, shown};
use super::spelling::spelled;
use crate::manifest::node::{Node, Value};
use crate::model::alb::Place;

/// A map of settings, and where its problems go.
pub(super) struct Fields<'a> {
    pub(super) form: Form,
    pub(super) node: &'a Node,
    pub(super) place: Place,
    pub(super) problems: &'a mut Problems,
}

impl<'a> Fields<'a> {
    pub(super) fn new(form: Form, node: &'a Node, place: &Place, problems: &'a mut Problems) -> Self {
        let own = Place { file: Arc::clone(&place.file), line: node.line };
        Fields { form, node, place: own, problems }
    }

    /// Where a setting stands, or the map if the setting is not there.
    pub(super) fn at(&self, key: &str) -> Place {
        let line = self.node.entry(&self.name(key)).map_or(self.node.line, |entry| entry.line);
        place(&self.place.file, line)
    }

    pub(super) fn name(&self, key: &str) -> String {
        spelled(self.form, key)
    }

    pub(super) fn error(&mut self, key: &str, why: &str) {
        let text = format!("`{}` {why}", self.name(key));
        self.problems.error(&self.at(key), text);
    }

    pub(super) fn note(&mut self, key: &str, why: &str) {
        let text = format!("`{}` {why}", self.name(key));
        self.problems.note(&self.at(key), text);
    }

    pub(super) fn value(&self, key: &str) -> Option<&'a Node> {
        self.node.child(&self.name(key))
    }

    pub(super) fn has(&self, key: &str) -> bool {
        self.value(key).is_some()
    }

    /// The text as it stands: unknown parts are marked.
    pub(super) fn raw(&mut self, key: &str) -> Option<String> {
        let text = self.value(key)?.scalar();
        if text.is_none() {
            self.error(key, "must be a text");
        }
        text
    }

    /// A text that is only shown: its unknown parts do not matter.
    pub(super) fn label(&mut self, key: &str) -> Option<String> {
        self.raw(key).map(|text| shown(&text))
    }

    /// A text that has to be known here.
    pub(super) fn text(&mut self, key: &str) -> Option<String> {
        let text = self.raw(key)?;
        self.known(key, text)
    }

    fn known(&mut self, key: &str, text: String) -> Option<String> {
        if !text.contains(super::source::MARK) {
            return Some(text);
        }
        let text = shown(&text);
        self.error(key, &format!("is `{text}`, which is not known here: {}", advice(&text)));
        None
    }

    pub(super) fn required(&mut self, key: &str) -> Option<String> {
        if !self.has(key) {
            self.error(key, "is missing");
            return None;
        }
        self.text(key)
    }

    /// The name of another resource's value.
    pub(super) fn reference(&mut self, key: &str) -> Option<String> {
        let text = self.raw(key)?;
        Some(reference(&text).map_or(text.clone(), str::to_owned))
    }

    pub(super) fn integer(&mut self, key: &str, range: RangeInclusive<u64>) -> Option<u64> {
        let text = self.text(key)?;
        let Ok(value) = text.trim().parse::<u64>() else {
            self.error(key, &format!("must be an integer but is `{text}`"));
            return None;
        };
        if !range.contains(&value) {
            self.error(key, &format!("must be {} to {} but is {value}", range.start(), range.end()));
            return None;
        }
        Some(value)
    }

    pub(super) fn boolean(&mut self, key: &str, default: bool) -> bool {
        match self.text(key).as_deref() {
            None => default,
            Some("true") => true,
            Some("false") => false,
            Some(other) => {
                let text = format!("must be true or false but is `{other}`");
                self.error(key, &text);
                default
            }
        }
    }

    /// One of some words, as they are written.
    pub(super) fn one_of(&mut self, key: &str, words: &[&'static str]) -> Option<&'static str> {
        let text = self.text(key)?;
        let found = words.iter().find(|word| **word == text).copied();
        if found.is_none() {
            self.error(key, &format!("must be {} but is `{text}`", words.join(", ")));
        }
        found
    }

    /// A list of texts. One text is a list of one.
    pub(super) fn texts(&mut self, key: &str) -> Vec<String> {
        let Some(node) = self.value(key) else { return Vec::new() };
        let nodes = match &node.value {
            Value::List(items) => items.as_slice(),
            _ => std::slice::from_ref(node),
        };
        let mut texts = Vec::new();
        for node in nodes {
            match node.scalar() {
                Some(text) => texts.extend(self.known(key, text)),
                None => self.error(key, "must be a list of texts"),
            }
        }
        texts
    }

    /// The maps under a key: blocks, a list of maps, or one map.
    pub(super) fn maps(&mut self, key: &str) -> Vec<&'a Node> {
        let Some(node) = self.value(key) else { return Vec::new() };
        let nodes: Vec<&Node> = match &node.value {
            Value::List(items) => items.iter().collect(),
            _ => vec![node],
        };
        let all = nodes.len();
        let maps: Vec<&Node> = nodes.into_iter().filter(|node| matches!(node.value, Value::Map(_))).collect();
        if maps.len() != all {
            self.error(key, &format!("must have settings of its own but is {}", node.kind()));
        }
        maps
    }

    /// The one map under a key.
    pub(super) fn map(&mut self, key: &str) -> Option<&'a Node> {
        let maps = self.maps(key);
        if maps.len() > 1 {
            self.error(key, "stands more than once");
        }
        maps.into_iter().next()
    }

    /// The settings of a map below this one.
    pub(super) fn below<'b>(&'b mut self, node: &'b Node) -> Fields<'b> {
        Fields::new(self.form, node, &self.place, self.problems)
    }

    /// Reports keys that are not known, and those that do nothing here.
    pub(super) fn check(&mut self, known: &[&str], without_effect: &[(&str, &str)]) {
        let names: Vec<String> = known.iter().map(|key| self.name(key)).collect();
        let silent: Vec<(String, &str)> =
            without_effect.iter().map(|(key, why)| (self.name(key), *why)).collect();
        for entry in self.node.entries() {
            let place = place(&self.place.file, entry.line);
            if let Some((name, why)) = silent.iter().find(|(name, _)| *name == entry.key) {
                if !why.is_empty() {
                    self.problems.note(&place, format!("`{name}` is not emulated: {why}"));
                }
            } else if !names.contains(&entry.key) {
                let all = names.iter().chain(silent.iter().map(|(name, _)| name));
                let nearest = all.min_by_key(|name| strsim::damerau_levenshtein(name, &entry.key));
                let is_near =
                    |name: &&String| strsim::damerau_levenshtein(name, &entry.key) <= 3.min(name.len() / 2);
                if let Some(meant) = nearest.filter(is_near) {
                    let text = format!("`{}` is not known here: did you mean `{meant}`?", entry.key);
                    self.problems.error(&place, text);
                } else {
                    let text = format!("`{}` is not a setting that fc-local knows; it is ignored", entry.key);
                    self.problems.note(&place, text);
                }
            }
        }
    }
}

/// What to do about an unknown value.
fn advice(text: &str) -> &'static str {
    let of_rules = ["${host}", "${path}", "${query}", "${protocol}", "${port}", "${1}", "${2}", "${3}"];
    if of_rules.iter().any(|name| text.contains(name)) {
        return "Terraform takes that for its own: a variable of a rule is written with two dollars, as `$${path}`";
    }
    if text.contains("${var.") || text.contains("${Ref.") {
        "set the variable in a `.tfvars` file, as a default, or in `x-local.alb.variables`"
    } else {
        "write a value, or a variable with a default"
    }
}
