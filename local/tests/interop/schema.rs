//! What the component's own schema refuses is refused here, with one cause and its line.
//!
//! The values are in `schema.txt`. The schema is not part of this repository; where `FC3_SCHEMA` says where it is, the
//! table is written anew from it.

use std::fmt::Write as _;
use std::path::Path;

use fc_local::Manifest;
use serde_json::{Map, Value, json};
use testkit::Folder;

/// How deep values of a key are varied.
const DEPTH: usize = 3;

/// A draft-07 schema, as far as the component's uses it.
struct Schema {
    root: Value,
}

impl Schema {
    fn of<'a>(&'a self, schema: &'a Value) -> &'a Value {
        match schema["$ref"].as_str() {
            Some(name) => self.of(&self.root["definitions"][name.rsplit('/').next().unwrap()]),
            None => schema,
        }
    }

    fn takes(&self, schema: &Value, value: &Value) -> bool {
        let schema = self.of(schema);
        if let Some(any) = schema["anyOf"].as_array() {
            return any.iter().any(|one| self.takes(one, value));
        }
        if let Some(word) = schema.get("const")
            && word != value
        {
            return false;
        }
        if let Some(words) = schema["enum"].as_array()
            && !words.contains(value)
        {
            return false;
        }
        let is_whole = |value: &Value| value.as_f64().is_some_and(|number| number.fract() == 0.0);
        let is_kind = match schema["type"].as_str() {
            Some("string") => value.is_string(),
            Some("boolean") => value.is_boolean(),
            Some("number") => value.is_number(),
            Some("integer") => is_whole(value),
            Some("array") => value.is_array(),
            Some("object") => value.is_object(),
            _ => true,
        };
        if !is_kind {
            return false;
        }
        if let Some(number) = value.as_f64() {
            let of = |key: &str| schema[key].as_f64();
            if of("minimum").is_some_and(|least| number < least)
                || of("maximum").is_some_and(|most| number > most)
                || of("multipleOf").is_some_and(|step| number % step != 0.0)
            {
                return false;
            }
        }
        if let Some(items) = value.as_array() {
            return items.iter().all(|item| self.takes(&schema["items"], item));
        }
        let Some(fields) = value.as_object() else { return true };
        let required = schema["required"].as_array().cloned().unwrap_or_default();
        let free = &schema["additionalProperties"];
        required.iter().all(|name| fields.contains_key(name.as_str().unwrap()))
            && fields.iter().all(|(name, value)| match schema["properties"].get(name) {
                Some(schema) => self.takes(schema, value),
                None => !free.is_object() || self.takes(free, value),
            })
    }

    /// A small value that the schema takes.
    fn example(&self, schema: &Value) -> Value {
        let schema = self.of(schema);
        if let Some(any) = schema["anyOf"].as_array() {
            return self.example(&any[0]);
        }
        if let Some(words) = schema["enum"].as_array() {
            return words[0].clone();
        }
        match schema["type"].as_str() {
            Some("boolean") => json!(true),
            Some("number" | "integer") => json!(schema["minimum"].as_f64().map_or(1.0, f64::ceil)),
            Some("array") => json!([self.example(&schema["items"])]),
            Some("object") => {
                let required = schema["required"].as_array().cloned().unwrap_or_default();
                let fields = required.iter().map(|name| name.as_str().unwrap());
                fields
                    .map(|name| (name.to_owned(), self.example(&schema["properties"][name])))
                    .collect::<Map<_, _>>()
                    .into()
            }
            _ => json!("x"),
        }
    }

    /// Values for a schema's place: of every kind, and each field and item of its own with such values.
    fn variants(&self, schema: &Value, depth: usize) -> Vec<Value> {
        let schema = self.of(schema);
        let kinds = [json!("other"), json!(5), json!(true), json!(-1), json!([5]), json!({"k": 5})];
        let mut found = kinds.to_vec();
        if depth == DEPTH {
            found.extend([json!(0.5), json!(100_000_000), json!(["x"]), json!([]), json!({}), json!("auto")]);
        }
        if depth == 0 {
            return found;
        }
        for any in schema["anyOf"].as_array().into_iter().flatten() {
            found.extend(self.variants(any, depth));
        }
        if let Some(properties) = schema["properties"].as_object() {
            let example = self.example(schema);
            for (name, below) in properties {
                if example.get(name).is_some() {
                    let mut without = example.clone();
                    without.as_object_mut().unwrap().remove(name);
                    found.push(without);
                }
                for value in self.variants(below, depth - 1) {
                    let mut with = example.clone();
                    with[name] = value;
                    found.push(with);
                }
            }
        }
        if schema["items"].is_object() && depth > 1 {
            found.extend(self.variants(&schema["items"], depth - 1).into_iter().map(|value| json!([value])));
        }
        found
    }
}

/// The table's lines: a key and a value that the schema refuses there.
fn refused_by(schema: &Schema) -> String {
    let mut lines = String::new();
    let mut seen = std::collections::BTreeSet::new();
    for (name, below) in schema.root["properties"].as_object().unwrap() {
        for value in schema.variants(below, DEPTH) {
            if !schema.takes(below, &value) && seen.insert(format!("{name} {value}")) {
                _ = writeln!(lines, "{name}: {value}");
            }
        }
    }
    lines
}

#[test]
fn what_the_components_schema_refuses_is_refused_with_its_line() {
    let table = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/interop/schema.txt");
    if let Ok(file) = std::env::var("FC3_SCHEMA") {
        let schema = Schema { root: serde_json::from_str(&std::fs::read_to_string(file).unwrap()).unwrap() };
        std::fs::write(&table, refused_by(&schema)).unwrap();
    }
    let text = std::fs::read_to_string(table).unwrap();
    let folder = Folder::new();
    let good = [
        ("region", "cn-hangzhou"),
        ("functionName", "f"),
        ("runtime", "custom.debian12"),
        ("code", "./code"),
        ("handler", "h"),
    ];
    let mut wrong = Vec::new();
    for case in text.lines() {
        let (name, value) = case.split_once(": ").unwrap();
        let mut manifest =
            format!("edition: 3.0.0\nresources:\n  r:\n    component: fc3\n    props:\n      {case}\n");
        for (name, value) in good.iter().filter(|(other, _)| *other != name) {
            _ = writeln!(manifest, "      {name}: {value}");
        }
        let file = folder.write("s.yaml", &manifest);
        let Err(error) = Manifest::load(&file) else {
            wrong.push(format!("{case}: taken"));
            continue;
        };
        let fatal: Vec<_> = error.problems.iter().filter(|problem| problem.fatal).collect();
        let is_simple = !value.starts_with(['{', '[']);
        if fatal.iter().any(|problem| problem.line != 6) || (is_simple && fatal.len() != 1) {
            wrong.push(format!("{case}: {fatal:?}"));
        }
    }
    assert!(text.lines().count() > 199);
    assert!(wrong.is_empty(), "{}:\n{}", wrong.len(), wrong.join("\n"));
}
