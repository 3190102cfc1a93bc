//! The values of a manifest as a tree in which every key and value knows its line.

/// One value and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Node {
    pub(crate) line: usize,
    pub(crate) value: Value,
}

/// The value of a node. Numbers are JavaScript's: an integer is a number that a double holds exactly.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum Value {
    Null,
    Bool(bool),
    Int(i64),
    Float(f64),
    Text(String),
    List(Vec<Node>),
    Map(Vec<Entry>),
    /// The missing value of an expression that was reported.
    Failed,
}

/// A key of a map, its line, and the value.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Entry {
    pub(crate) key: String,
    pub(crate) line: usize,
    pub(crate) node: Node,
}

/// Up to this integer, doubles hold every integer.
const INTEGER_MAX: f64 = 9_007_199_254_740_991.0;

impl Value {
    /// A number as JavaScript has it: `10.0` and `1e1` are the integer 10.
    pub(crate) fn number(value: f64) -> Self {
        if value.fract() == 0.0 && value.abs() <= INTEGER_MAX {
            #[expect(clippy::cast_possible_truncation, reason = "an integer within the range")]
            return Value::Int(value as i64);
        }
        Value::Float(value)
    }
}

impl Node {
    pub(crate) fn text(line: usize, text: impl Into<String>) -> Self {
        Node { line, value: Value::Text(text.into()) }
    }

    pub(crate) fn null(line: usize) -> Self {
        Node { line, value: Value::Null }
    }

    pub(crate) fn empty_map(line: usize) -> Self {
        Node { line, value: Value::Map(Vec::new()) }
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
        self.entry(key).map(|entry| &entry.node).filter(|node| node.is_something())
    }

    /// Whether there is a value at all.
    pub(crate) fn is_something(&self) -> bool {
        !matches!(self.value, Value::Null | Value::Failed)
    }

    /// Whether the value under `key` is missing because its expression failed.
    pub(crate) fn is_failed(&self, key: &str) -> bool {
        self.entry(key).is_some_and(|entry| entry.node.value == Value::Failed)
    }

    /// Sets `key` to `node`. Does nothing if this node is not a map.
    pub(crate) fn set(&mut self, key: &str, node: Node) {
        let Value::Map(entries) = &mut self.value else { return };
        match entries.iter_mut().find(|entry| entry.key == key) {
            Some(entry) => entry.node = node,
            None => entries.push(Entry { key: key.to_owned(), line: node.line, node }),
        }
    }

    /// Removes `key` with its value from the map.
    pub(crate) fn remove(&mut self, key: &str) -> Option<Entry> {
        let Value::Map(entries) = &mut self.value else { return None };
        let at = entries.iter().position(|entry| entry.key == key)?;
        Some(entries.remove(at))
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
            Value::Null | Value::Failed => "nothing",
            Value::Bool(_) => "true or false",
            Value::Int(_) => "an integer",
            Value::Float(_) => "a number",
            Value::Text(_) => "text",
            Value::List(_) => "a list",
            Value::Map(_) => "a map",
        }
    }

    /// A scalar as text. `None` for a list or a map.
    pub(crate) fn scalar(&self) -> Option<String> {
        match &self.value {
            Value::Null => Some(String::new()),
            Value::List(_) | Value::Map(_) | Value::Failed => None,
            _ => Some(self.to_text()),
        }
    }

    /// The value as JavaScript converts it to text.
    pub(crate) fn to_text(&self) -> String {
        match &self.value {
            Value::Null | Value::Failed => "null".to_owned(),
            Value::Bool(value) => value.to_string(),
            Value::Int(value) => value.to_string(),
            Value::Float(value) => number_text(*value),
            Value::Text(text) => text.clone(),
            Value::List(items) => {
                let texts: Vec<String> = items
                    .iter()
                    .map(|item| if item.value == Value::Null { String::new() } else { item.to_text() })
                    .collect();
                texts.join(",")
            }
            Value::Map(_) => "[object Object]".to_owned(),
        }
    }

    /// Whether the value is true for JavaScript.
    pub(crate) fn is_true(&self) -> bool {
        match &self.value {
            Value::Null | Value::Failed => false,
            Value::Bool(value) => *value,
            Value::Int(value) => *value != 0,
            Value::Float(value) => !value.is_nan(),
            Value::Text(text) => !text.is_empty(),
            Value::List(_) | Value::Map(_) => true,
        }
    }

    /// How many values the node holds, itself among them.
    pub(crate) fn size(&self) -> usize {
        1 + match &self.value {
            Value::List(items) => items.iter().map(Node::size).sum(),
            Value::Map(entries) => entries.iter().map(|entry| entry.node.size()).sum(),
            _ => 0,
        }
    }

    /// A JSON value, with the line of the expression that read it.
    pub(crate) fn from_json(line: usize, json: serde_json::Value) -> Self {
        let value = match json {
            serde_json::Value::Null => Value::Null,
            serde_json::Value::Bool(value) => Value::Bool(value),
            serde_json::Value::Number(number) => Value::number(number.as_f64().unwrap_or(f64::NAN)),
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

    /// The node as JSON. A number that JSON does not have becomes null.
    pub(crate) fn to_json(&self) -> serde_json::Value {
        match &self.value {
            Value::Null | Value::Failed => serde_json::Value::Null,
            Value::Bool(value) => (*value).into(),
            Value::Int(value) => (*value).into(),
            Value::Float(value) => (*value).into(),
            Value::Text(text) => text.as_str().into(),
            Value::List(items) => items.iter().map(Node::to_json).collect::<Vec<_>>().into(),
            Value::Map(entries) => serde_json::Value::Object(
                entries.iter().map(|entry| (entry.key.clone(), entry.node.to_json())).collect(),
            ),
        }
    }
}

/// The items of a list. Any other node has no items.
pub(crate) fn items(node: &Node) -> &[Node] {
    match &node.value {
        Value::List(items) => items,
        _ => &[],
    }
}

/// The shortest digits that parse to the number, in JavaScript's notation.
fn number_text(value: f64) -> String {
    if value.is_nan() {
        return "NaN".to_owned();
    }
    if value.is_infinite() {
        return if value > 0.0 { "Infinity" } else { "-Infinity" }.to_owned();
    }
    if value == 0.0 {
        return "0".to_owned();
    }
    if (1e-6..1e21).contains(&value.abs()) {
        return value.to_string();
    }
    let text = format!("{value:e}");
    match text.split_once('e') {
        Some((digits, exponent)) if !exponent.starts_with('-') => format!("{digits}e+{exponent}"),
        _ => text,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn numbers_are_written_as_javascript_writes_them() {
        for (value, text) in [
            (1.5, "1.5"),
            (1e21, "1e+21"),
            (1.25e-7, "1.25e-7"),
            (0.000_001, "0.000001"),
            (123_456_789_012_345_680_000.0, "123456789012345680000"),
            (f64::NAN, "NaN"),
            (f64::NEG_INFINITY, "-Infinity"),
        ] {
            assert_eq!(number_text(value), text);
        }
        assert_eq!(Value::number(10.0), Value::Int(10));
        assert_eq!(Value::number(-0.0), Value::Int(0));
        assert_eq!(Value::number(0.5), Value::Float(0.5));
    }

    #[test]
    fn lists_and_maps_have_javascripts_texts() {
        let list = vec![Node::text(1, "a"), Node::null(1), Node { line: 1, value: Value::Int(2) }];
        assert_eq!(Node { line: 1, value: Value::List(list) }.to_text(), "a,,2");
        assert_eq!(Node::empty_map(1).to_text(), "[object Object]");
    }
}
