//! The functions that configurations of load balancers use.

use std::collections::HashSet;

use crate::manifest::alb::source::marked;
use crate::manifest::node::{Entry, Node, Value, items};

/// The longest text that a function makes, in bytes.
const TEXT_MAX: usize = 1 << 20;

/// The result of a function. One that is not known here gives a marked text with its name.
pub(super) fn call(name: &str, arguments: &[Node], line: usize) -> Value {
    known(name, arguments, line).unwrap_or_else(|| Value::Text(marked(&format!("{name}(…)"))))
}

fn known(name: &str, arguments: &[Node], line: usize) -> Option<Value> {
    let text = |at: usize| arguments.get(at).and_then(Node::scalar);
    let of_text = |change: fn(&str) -> String| Some(Value::Text(change(&text(0)?)));
    let of_two = |cut: for<'t> fn(&'t str, &str) -> Option<&'t str>| {
        let (whole, end) = (text(0)?, text(1)?);
        Some(Value::Text(cut(&whole, &end).unwrap_or(&whole).to_owned()))
    };
    match name {
        "lower" => of_text(str::to_lowercase),
        "upper" => of_text(str::to_uppercase),
        "trimspace" => of_text(|text| text.trim().to_owned()),
        "tostring" => Some(Value::Text(text(0)?)),
        "tonumber" => Some(Value::number(text(0)?.trim().parse().ok()?)),
        "tobool" => Some(Value::Bool(text(0)?.parse().ok()?)),
        "trimprefix" => of_two(|text, end| text.strip_prefix(end)),
        "trimsuffix" => of_two(|text, end| text.strip_suffix(end)),
        "replace" => {
            let (whole, from, to) = (text(0)?, text(1)?, text(2)?);
            let length = whole.matches(&from).count().checked_mul(to.len())?;
            (length <= TEXT_MAX).then(|| Value::Text(whole.replace(&from, &to)))
        }
        "format" => Some(Value::Text(format(&text(0)?, arguments.get(1..)?)?)),
        "join" => {
            let texts: Option<Vec<String>> = items(arguments.get(1)?).iter().map(Node::scalar).collect();
            let (texts, mark) = (texts?, text(0)?);
            let length = texts
                .iter()
                .map(String::len)
                .sum::<usize>()
                .checked_add(texts.len().checked_mul(mark.len())?)?;
            (length <= TEXT_MAX).then(|| Value::Text(texts.join(&mark)))
        }
        "split" => {
            let (mark, whole) = (text(0)?, text(1)?);
            Some(Value::List(whole.split(&mark).map(|part| Node::text(line, part)).collect()))
        }
        "length" => Some(Value::number(size(arguments.first()?)?)),
        "tolist" => matches!(arguments.first()?.value, Value::List(_)).then(|| arguments[0].value.clone()),
        "toset" | "distinct" => {
            let mut seen = HashSet::new();
            let is_new = |item: &&Node| seen.insert(item.to_json().to_string());
            let mut unique: Vec<Node> = items(arguments.first()?).iter().filter(is_new).cloned().collect();
            if name == "toset" {
                unique.sort_by_key(Node::to_text);
            }
            Some(Value::List(unique))
        }
        "tomap" => matches!(arguments.first()?.value, Value::Map(_)).then(|| arguments[0].value.clone()),
        "concat" => Some(Value::List(arguments.iter().flat_map(items).cloned().collect())),
        "flatten" => {
            let mut flat = Vec::new();
            flatten(arguments.first()?, &mut flat);
            Some(Value::List(flat))
        }
        "keys" => {
            let keys = arguments.first()?.entries().iter().map(|own| Node::text(line, own.key.clone()));
            Some(Value::List(keys.collect()))
        }
        "values" => {
            Some(Value::List(arguments.first()?.entries().iter().map(|own| own.node.clone()).collect()))
        }
        "merge" => {
            let mut entries: Vec<Entry> = Vec::new();
            for entry in arguments.iter().flat_map(Node::entries) {
                entries.retain(|own| own.key != entry.key);
                entries.push(entry.clone());
            }
            entries.sort_by(|one, other| one.key.cmp(&other.key));
            Some(Value::Map(entries))
        }
        "lookup" => {
            let found = arguments.first()?.child(&text(1)?).or_else(|| arguments.get(2))?;
            Some(found.value.clone())
        }
        "element" => {
            let all = items(arguments.first()?);
            let at: usize = text(1)?.parse().ok()?;
            Some(all.get(at.checked_rem(all.len())?)?.value.clone())
        }
        "coalesce" => {
            let is_set = |node: &&Node| node.is_something() && node.as_text() != Some("");
            Some(arguments.iter().find(is_set)?.value.clone())
        }
        _ => None,
    }
}

fn flatten(node: &Node, out: &mut Vec<Node>) {
    for item in items(node) {
        if matches!(item.value, Value::List(_)) {
            flatten(item, out);
        } else {
            out.push(item.clone());
        }
    }
}

fn size(node: &Node) -> Option<f64> {
    let size = match &node.value {
        Value::List(items) => items.len(),
        Value::Map(entries) => entries.len(),
        Value::Text(text) => text.chars().count(),
        _ => return None,
    };
    u32::try_from(size).ok().map(f64::from)
}

/// `%s`, `%d`, `%v`, `%q` and `%%`.
fn format(template: &str, values: &[Node]) -> Option<String> {
    let mut out = String::new();
    let mut values = values.iter();
    let mut letters = template.chars();
    while let Some(letter) = letters.next() {
        if letter != '%' {
            out.push(letter);
            continue;
        }
        match letters.next()? {
            '%' => out.push('%'),
            's' | 'd' | 'v' => out.push_str(&values.next()?.scalar()?),
            'q' => out.extend(["\"", &values.next()?.scalar()?, "\""]),
            _ => return None,
        }
    }
    Some(out)
}

#[cfg(test)]
mod tests {
    use serde_json::{Value as Json, json};

    use super::*;

    #[track_caller]
    fn check(name: &str, arguments: Json, expected: &Json) {
        let arguments = Node::from_json(1, arguments);
        let value = call(name, items(&arguments), 1);
        assert_eq!(Node { line: 1, value }.to_json(), *expected, "{name}({})", arguments.to_json());
    }

    #[test]
    fn functions_do_as_terraform_says() {
        for (name, arguments, expected) in [
            ("lower", json!(["AbC"]), json!("abc")),
            ("upper", json!(["AbC"]), json!("ABC")),
            ("trimspace", json!([" a b "]), json!("a b")),
            ("tostring", json!([12]), json!("12")),
            ("tonumber", json!(["12"]), json!(12)),
            ("tobool", json!(["true"]), json!(true)),
            ("trimprefix", json!(["aab", "a"]), json!("ab")),
            ("trimprefix", json!(["aab", "b"]), json!("aab")),
            ("trimsuffix", json!(["x.tf.tf", ".tf"]), json!("x.tf")),
            ("replace", json!(["a-b-c", "-", "."]), json!("a.b.c")),
            ("format", json!(["%s-%d %q 100%%", "a", 3, "b"]), json!("a-3 \"b\" 100%")),
            ("join", json!([",", ["a", "b"]]), json!("a,b")),
            ("split", json!([",", "a,b"]), json!(["a", "b"])),
            ("length", json!([["a", "b"]]), json!(2)),
            ("length", json!(["éa"]), json!(2)),
            ("toset", json!([["b", "a", "b"]]), json!(["a", "b"])),
            ("distinct", json!([["b", "a", "b"]]), json!(["b", "a"])),
            ("concat", json!([["a"], ["b", "c"]]), json!(["a", "b", "c"])),
            ("flatten", json!([["a", ["b", ["c"]]]]), json!(["a", "b", "c"])),
            ("keys", json!([{"a": 2, "b": 1}]), json!(["a", "b"])),
            ("values", json!([{"a": 2, "b": 1}]), json!([2, 1])),
            ("merge", json!([{"a": 1, "b": 2}, {"b": 3}]), json!({"a": 1, "b": 3})),
            ("lookup", json!([{"a": 1}, "a", 9]), json!(1)),
            ("lookup", json!([{"a": 1}, "b", 9]), json!(9)),
            ("element", json!([["a", "b"], 3]), json!("b")),
            ("coalesce", json!([null, "", "c"]), json!("c")),
        ] {
            check(name, arguments, &expected);
        }
    }
}
