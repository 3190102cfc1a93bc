//! YAML text as a tree in which every key and value knows its line.

use std::collections::HashMap;

use saphyr_parser::{Event, Parser, ScalarStyle, Span};

use super::problem::Problem;

/// How deep a document may nest; the tree is walked by recursion.
const DEPTH_MAX: usize = 64;

/// How many nodes a document may have once its aliases are written out, so that a few lines of
/// aliases of aliases cannot fill the memory.
const NODES_MAX: usize = 100_000;

/// One value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// What a node holds.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
}

/// A key of a map, its line, and the value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) node: Node,
}

impl Node {
    pub(crate) fn text(line: usize, text: impl Into<String>) -> Self {
        Node { line, value: Value::Text(text.into()) }
    }

    pub(crate) fn entries(&self) -> &[Entry] {
        match &self.value {
            Value::Map(entries) => entries,
            _ => &[],
        }
    }

    pub(crate) fn entry(&self, key: &str) -> Option<&Entry> {
        self.entries().iter().find(|entry| entry.key == key)
    }

    /// The value under `key`; a null counts as absent, as it does for the platform's own tool.
    pub(crate) fn child(&self, key: &str) -> Option<&Node> {
        self.entry(key).map(|entry| &entry.node).filter(|node| node.value != Value::Null)
    }

    pub(crate) fn as_text(&self) -> Option<&str> {
        match &self.value {
            Value::Text(text) => Some(text),
            _ => None,
        }
    }

    /// The kind of value in the words of an error message.
    pub(crate) fn kind(&self) -> &'static str {
        match self.value {
            Value::Null => "nothing",
            Value::Bool(_) => "true or false",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// A scalar as the text that an expression puts into a string.
    pub(crate) fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Null => Some(String::new()),
            Value::Bool(value) => Some(value.to_string()),
            Value::Int(value) => Some(value.to_string()),
            Value::Float(value) => Some(value.to_string()),
            Value::Text(text) => Some(text.clone()),
            Value::List(_) | Value::Map(_) => None,
        }
    }

    /// A JSON value at the place of the expression that read it.
    pub(crate) fn from_json(line: usize, json: serde_json::Value) -> Self {
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(value),
            serde_json::Value::Number(number) => match number.as_i64() {
                Some(value) => Value::Int(value),
                None => Value::Float(number.as_f64().unwrap_or(f64::NAN)),
            },
            serde_json::Value::String(text) => Value::Text(text),
            serde_json::Value::Array(items) => {
                Value::List(items.into_iter().map(|item| Node::from_json(line, item)).collect())
            }
            serde_json::Value::Object(fields) => Value::Map(
                fields
                    .into_iter()
                    .map(|(key, value)| Entry { key, line, node: Node::from_json(line, value) })
                    .collect(),
            ),
        };
        Node { line, value }
    }
}

/// Reads the first document of `source`.
pub(crate) fn parse(source: &str) -> Result<Node, Problem> {
    let mut builder =
        Builder { events: Parser::new_from_str(source), anchors: HashMap::new(), nodes: 0, last_line: 1 };
    loop {
        match builder.next()? {
            (Event::StreamStart | Event::DocumentStart(_) | Event::Nothing, _) => {}
            (Event::StreamEnd | Event::DocumentEnd, span) => {
                return Ok(Node { line: span.start.line(), value: Value::Map(Vec::new()) });
            }
            (event, span) => return builder.node(event, span, 0),
        }
    }
}

struct Builder<'a> {
    events: Parser<'a, saphyr_parser::StrInput<'a>>,
    anchors: HashMap<usize, Node>,
    nodes: usize,
    last_line: usize,
}

impl<'a> Builder<'a> {
    fn next(&mut self) -> Result<(Event<'a>, Span), Problem> {
        match self.events.next() {
            Some(Ok((event, span))) => {
                self.last_line = span.start.line();
                Ok((event, span))
            }
            Some(Err(error)) => {
                Err(Problem::error(error.marker().line(), format!("this is not YAML: {}", error.info())))
            }
            None => Err(Problem::error(self.last_line, "the file ends in the middle of a value")),
        }
    }

    fn node(&mut self, event: Event<'a>, span: Span, depth: usize) -> Result<Node, Problem> {
        let line = span.start.line();
        self.count(line, 1)?;
        if depth > DEPTH_MAX {
            return Err(Problem::error(line, format!("values nest deeper than {DEPTH_MAX} levels")));
        }
        match event {
            Event::Scalar(text, style, anchor, tag) => {
                let is_text = tag.is_some_and(|tag| tag.suffix == "str");
                let value = if style == ScalarStyle::Plain && !is_text {
                    plain(&text)
                } else {
                    Value::Text(text.into_owned())
                };
                Ok(self.keep(anchor, Node { line, value }))
            }
            Event::SequenceStart(anchor, _) => {
                let mut items = Vec::new();
                loop {
                    match self.next()? {
                        (Event::SequenceEnd, _) => break,
                        (event, span) => items.push(self.node(event, span, depth + 1)?),
                    }
                }
                Ok(self.keep(anchor, Node { line, value: Value::List(items) }))
            }
            Event::MappingStart(anchor, _) => {
                let entries = self.entries(depth)?;
                Ok(self.keep(anchor, Node { line, value: Value::Map(entries) }))
            }
            Event::Alias(anchor) => {
                let Some(node) = self.anchors.get(&anchor).cloned() else {
                    return Err(Problem::error(line, "this alias names no anchor above it"));
                };
                self.count(line, size(&node))?;
                Ok(node)
            }
            other => Err(Problem::error(line, format!("unexpected {other:?}"))),
        }
    }

    fn entries(&mut self, depth: usize) -> Result<Vec<Entry>, Problem> {
        let mut entries: Vec<Entry> = Vec::new();
        let mut merged: Vec<Entry> = Vec::new();
        loop {
            let (event, span) = self.next()?;
            if matches!(event, Event::MappingEnd) {
                break;
            }
            let line = span.start.line();
            let key = self.node(event, span, depth + 1)?;
            let Some(key) = key.scalar() else {
                return Err(Problem::error(line, "a key must be text"));
            };
            let (event, span) = self.next()?;
            let node = self.node(event, span, depth + 1)?;
            if key == "<<" {
                match node.value {
                    Value::Map(map) => merged.extend(map),
                    Value::List(maps) => {
                        for map in maps {
                            if let Value::Map(map) = map.value {
                                merged.extend(map);
                            }
                        }
                    }
                    _ => return Err(Problem::error(line, "`<<` merges maps only")),
                }
            } else if let Some(first) = entries.iter().find(|entry| entry.key == key) {
                let text = format!("`{key}` stands twice in this map; the first is on line {}", first.line);
                return Err(Problem::error(line, text));
            } else {
                entries.push(Entry { key, line, node });
            }
        }
        for entry in merged {
            if !entries.iter().any(|own| own.key == entry.key) {
                entries.push(entry);
            }
        }
        Ok(entries)
    }

    fn keep(&mut self, anchor: usize, node: Node) -> Node {
        if anchor != 0 {
            self.anchors.insert(anchor, node.clone());
        }
        node
    }

    fn count(&mut self, line: usize, nodes: usize) -> Result<(), Problem> {
        self.nodes += nodes;
        if self.nodes > NODES_MAX {
            return Err(Problem::error(line, format!("more than {NODES_MAX} values")));
        }
        Ok(())
    }
}

fn size(node: &Node) -> usize {
    1 + match &node.value {
        Value::List(items) => items.iter().map(size).sum(),
        Value::Map(entries) => entries.iter().map(|entry| size(&entry.node)).sum(),
        _ => 0,
    }
}

/// A plain scalar in YAML's core schema.
fn plain(text: &str) -> Value {
    match text {
        "" | "~" | "null" | "Null" | "NULL" => return Value::Null,
        "true" | "True" | "TRUE" => return Value::Bool(true),
        "false" | "False" | "FALSE" => return Value::Bool(false),
        _ => {}
    }
    let digits = text.strip_prefix(['+', '-']).unwrap_or(text);
    if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
        return match text.parse() {
            Ok(value) => Value::Int(value),
            Err(_) => text.parse().map_or_else(|_| Value::Text(text.to_owned()), Value::Float),
        };
    }
    for (prefix, radix) in [("0x", 16), ("0o", 8)] {
        if let Some(value) = text.strip_prefix(prefix).and_then(|rest| i64::from_str_radix(rest, radix).ok())
        {
            return Value::Int(value);
        }
    }
    let starts_as_number = digits.starts_with(|c: char| c.is_ascii_digit() || c == '.');
    let is_numeric =
        digits.bytes().all(|byte| matches!(byte, b'0'..=b'9' | b'.' | b'e' | b'E' | b'+' | b'-'));
    if starts_as_number
        && is_numeric
        && let Ok(value) = text.parse()
    {
        return Value::Float(value);
    }
    Value::Text(text.to_owned())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(source: &str, line: usize, part: &str) {
        let problem = parse(source).expect_err("a refusal");
        assert_eq!(problem.line, line, "{problem:?}");
        assert!(problem.text.contains(part), "{problem:?}");
    }

    #[test]
    fn every_value_knows_its_line_and_kind() {
        let root = parse("a: 1\nb:\n  - true\n  - 1.5\n  - '7'\nc: ~\n").unwrap();
        assert_eq!(root.child("a"), Some(&Node { line: 1, value: Value::Int(1) }));
        let Value::List(items) = &root.child("b").unwrap().value else { panic!("a list") };
        assert_eq!(items[0], Node { line: 3, value: Value::Bool(true) });
        assert_eq!(items[1], Node { line: 4, value: Value::Float(1.5) });
        assert_eq!(items[2], Node::text(5, "7"));
        assert!(root.child("c").is_none() && root.entry("c").unwrap().line == 6);
    }

    #[test]
    fn merges_and_aliases_are_written_out() {
        let root = parse("base: &b {x: 1, y: 2}\nuse:\n  <<: *b\n  y: 3\n").unwrap();
        let used = root.child("use").unwrap();
        assert_eq!(used.child("x").unwrap().value, Value::Int(1));
        assert_eq!(used.child("y").unwrap().value, Value::Int(3));
    }

    #[test]
    fn what_cannot_be_read_is_refused_with_its_line() {
        refused("a: 1\na: 2\n", 2, "stands twice");
        refused("a: [1\nb: 2\n", 2, "not YAML");
        let mut bomb = "a0: &a0 [1,1,1,1,1,1,1,1,1,1]\n".to_owned();
        for level in 1..9 {
            let items = vec![format!("*a{}", level - 1); 10].join(",");
            bomb = format!("{bomb}a{level}: &a{level} [{items}]\n");
        }
        assert!(parse(&bomb).expect_err("too large").text.contains("100000"));
    }
}
