//! Maps laid over one another.

use super::node::{Entry, Node, Value};

/// `over` laid over `base`. Maps are joined key by key. Any other value of `over`, also a list, replaces the value of
/// `base`.
pub(super) fn merge(base: &Node, over: &Node) -> Node {
    let (Value::Map(below), Value::Map(above)) = (&base.value, &over.value) else { return over.clone() };
    let mut entries = below.clone();
    for entry in above {
        match entries.iter_mut().find(|own| own.key == entry.key) {
            Some(own) => {
                let node = merge(&own.node, &entry.node);
                *own = Entry { key: entry.key.clone(), line: entry.line, node };
            }
            None => entries.push(entry.clone()),
        }
    }
    Node { line: over.line, value: Value::Map(entries) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::manifest::yaml;

    #[test]
    fn maps_are_joined_and_the_rest_is_replaced() {
        let of = |text| yaml::parse(text).unwrap().root;
        let merged = merge(&of("{a: {x: 1, y: 2}, b: [1, 2], c: 3}"), &of("{a: {y: 4, z: 5}, b: [6], d: 7}"));
        assert_eq!(
            merged.to_json(),
            serde_json::json!({"a": {"x": 1, "y": 4, "z": 5}, "b": [6], "c": 3, "d": 7})
        );
    }
}
