//! Reads typed values from nodes, and reports wrong ones with their lines.

use std::ops::RangeInclusive;
use std::time::Duration;

use super::node::{Node, Value};
use super::problem::Problem;

/// Collects the problems of one resource.
pub(crate) struct Reader<'a> {
    problems: &'a mut Vec<Problem>,
}

impl<'a> Reader<'a> {
    pub(crate) fn new(problems: &'a mut Vec<Problem>) -> Self {
        Reader { problems }
    }

    pub(crate) fn push(&mut self, line: usize, text: String) {
        self.push_first(Problem::error(line, text));
    }

    /// Reports an error unless an earlier one is about the same key: that is the cause, and this may only follow from it.
    fn push_first(&mut self, error: Problem) {
        let key = |problem: &Problem| problem.text.split('`').nth(1).map(str::to_owned);
        let own = key(&error);
        let said = |other: &Problem| other.fatal && other.line == error.line && key(other) == own;
        if !self.problems.iter().any(said) {
            self.problems.push(error);
        }
    }

    /// Reports a value at `key` that a deployment takes and this machine does not.
    pub(crate) fn error_here(&mut self, node: &Node, key: &str, why: &str) {
        let line = node.entry(key).map_or(node.line, |entry| entry.line);
        self.push_first(Problem::here(line, format!("`{key}` {why}")));
    }

    pub(crate) fn note(&mut self, line: usize, text: String) {
        self.problems.push(Problem::note(line, text));
    }

    /// Reports a problem at `key` in `node`, or at `node` if the key is not there.
    pub(crate) fn error(&mut self, node: &Node, key: &str, why: &str) {
        let line = node.entry(key).map_or(node.line, |entry| entry.line);
        self.push(line, format!("`{key}` {why}"));
    }

    fn wrong(&mut self, node: &Node, key: &str, expected: &str) {
        let kind = node.child(key).map_or("nothing", Node::kind);
        self.error(node, key, &format!("must be {expected} but is {kind}"));
    }

    /// A text. A number is read as its digits, as the deployment tool does for names.
    pub(crate) fn text(&mut self, node: &Node, key: &str) -> Option<String> {
        let child = node.child(key)?;
        let text = child.scalar();
        if text.is_none() {
            self.wrong(node, key, "text");
        }
        text
    }

    pub(crate) fn required_text(&mut self, node: &Node, key: &str) -> Option<String> {
        if node.child(key).is_none() {
            if !node.is_failed(key) {
                self.error(node, key, "is missing");
            }
            return None;
        }
        self.text(node, key).filter(|text| {
            if text.is_empty() {
                self.error(node, key, "is empty");
            }
            !text.is_empty()
        })
    }

    /// A list of texts; absent is empty.
    pub(crate) fn texts(&mut self, node: &Node, key: &str) -> Vec<String> {
        let Some(child) = node.child(key) else { return Vec::new() };
        let Value::List(items) = &child.value else {
            self.wrong(node, key, "a list");
            return Vec::new();
        };
        let texts: Vec<String> = items.iter().filter_map(Node::scalar).collect();
        if items.iter().any(|item| matches!(item.value, Value::List(_) | Value::Map(_))) {
            self.error(node, key, "must be a list of texts");
        }
        texts
    }

    pub(crate) fn boolean(&mut self, node: &Node, key: &str, default: bool) -> bool {
        match node.child(key).map(|child| &child.value) {
            None => default,
            Some(Value::Bool(value)) => *value,
            Some(_) => {
                self.wrong(node, key, "true or false");
                default
            }
        }
    }

    pub(crate) fn integer(
        &mut self,
        node: &Node,
        key: &str,
        default: u64,
        range: RangeInclusive<u64>,
    ) -> u64 {
        let Some(child) = node.child(key) else { return default };
        let Value::Int(value) = child.value else {
            self.wrong(node, key, "an integer");
            return default;
        };
        let fitting = u64::try_from(value).ok().filter(|value| range.contains(value));
        fitting.unwrap_or_else(|| {
            let text = format!("must be {} to {} but is {value}", range.start(), range.end());
            self.error(node, key, &text);
            default
        })
    }

    /// A number within a range, if there is one.
    pub(crate) fn number(&mut self, node: &Node, key: &str, range: RangeInclusive<f64>) -> Option<f64> {
        #[expect(clippy::cast_precision_loss, reason = "a value near the range is exact")]
        let value = match &node.child(key)?.value {
            Value::Int(value) => *value as f64,
            Value::Float(value) => *value,
            _ => {
                self.wrong(node, key, "a number");
                return None;
            }
        };
        if range.contains(&value) {
            return Some(value);
        }
        let text = format!("must be {} to {} but is {value}", range.start(), range.end());
        self.error(node, key, &text);
        None
    }

    /// Seconds, whole or with a fraction.
    pub(crate) fn seconds(&mut self, node: &Node, key: &str, default: Duration) -> Duration {
        const MAX: f64 = 86_400.0;
        #[expect(clippy::cast_precision_loss, reason = "a value within the range is exact")]
        let seconds = match node.child(key).map(|child| &child.value) {
            None => return default,
            Some(Value::Int(value)) => *value as f64,
            Some(Value::Float(value)) => *value,
            Some(_) => {
                self.wrong(node, key, "a number of seconds");
                return default;
            }
        };
        if !(0.0..=MAX).contains(&seconds) {
            self.error(node, key, &format!("must be 0 to {MAX} seconds but is {seconds}"));
            return default;
        }
        Duration::from_secs_f64(seconds)
    }
}
