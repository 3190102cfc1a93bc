//! A manifest as it may be shown: secrets are masked, wherever they stand.

use serde_json::{Map, Value};

use crate::event::{MASK, Redactor, is_secret_name};

/// Masks the values under names that tell of a secret, of any length: their place says what they are. Elsewhere,
/// the same values and those of `variables` are masked as in a log.
pub(super) fn mask(value: &mut Value, mut variables: Vec<(String, String)>) {
    collect(value, "", &mut variables);
    let named = variables.iter().map(|(name, text)| (name.as_str(), text.as_str()));
    replace(value, "", &Redactor::new(named));
}

/// Collects every text and number with its name.
fn collect(value: &Value, name: &str, into: &mut Vec<(String, String)>) {
    match value {
        Value::String(text) => match inner(text) {
            Some(json) => collect(&json, name, into),
            None => into.push((name.to_owned(), text.clone())),
        },
        Value::Number(number) => into.push((name.to_owned(), number.to_string())),
        Value::Array(items) => items.iter().for_each(|item| collect(item, name, into)),
        Value::Object(fields) => {
            for (key, field) in fields {
                collect(field, name_of(fields, key), into);
            }
        }
        Value::Bool(_) | Value::Null => {}
    }
}

fn replace(value: &mut Value, name: &str, redactor: &Redactor) {
    match value {
        Value::String(text) if !text.is_empty() && is_secret_name(name) => MASK.clone_into(text),
        Value::String(text) => {
            let masked = inner(text).and_then(|json| {
                let mut masked = json.clone();
                replace(&mut masked, name, redactor);
                (masked != json).then(|| masked.to_string())
            });
            // A text without a secret stays as it was written.
            *text = masked.unwrap_or_else(|| redactor.redact(std::mem::take(text)));
        }
        Value::Number(number) => {
            let text = number.to_string();
            if is_secret_name(name) || redactor.redact(text.clone()) != text {
                *value = MASK.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, name, redactor)),
        Value::Object(fields) => {
            let names: Vec<String> = fields.keys().map(|key| name_of(fields, key).to_owned()).collect();
            for (field, name) in fields.values_mut().zip(names) {
                replace(field, &name, redactor);
            }
        }
        Value::Bool(_) | Value::Null => {}
    }
}

/// The object of a text that is JSON, such as `authConfig` may be.
fn inner(text: &str) -> Option<Value> {
    let is_object = text.trim_start().starts_with('{');
    is_object.then(|| serde_json::from_str(text).ok())?
}

const VALUE: &str = "value";

/// The secret numbers of a JSON Web Key.
const KEY_NUMBERS: [&str; 7] = ["k", "d", "p", "q", "dp", "dq", "qi"];

/// The name that tells of a field: its key, or the name beside it in a map such as `{name: TOKEN, value: …}`, the form of
/// variables in some components.
fn name_of<'a>(fields: &'a Map<String, Value>, key: &'a str) -> &'a str {
    if fields.contains_key("kty") && KEY_NUMBERS.contains(&key) {
        return "secret";
    }
    let own = ["name", "key"].iter().find_map(|name| fields.get(*name)?.as_str());
    own.filter(|_| key == VALUE).unwrap_or(key)
}

#[cfg(test)]
mod tests {
    use serde_json::json;

    use super::*;

    #[test]
    fn secrets_are_known_by_their_names() {
        let mut shown = json!({
            "vars": {"password": "short", "region": "cn-hangzhou", "tokens": ["one", 2], "secret": "", "is_private": true},
            "resources": {
                "f": {"props": {"environmentVariables": {"MY_TOKEN": "sup3rsecretvalue", "URL": "https://u:pw@h/"}}},
                "db": {"props": {"env": [{"name": "DB_PASSWORD", "value": "hunter2"}, {"key": "A", "value": "b"}]}},
                "key": {"props": {"accessKeySecret": 12_345_678, "note": "with sup3rsecretvalue", "id": 1_234_567_890}},
            },
        });
        mask(&mut shown, vec![("OTHER_TOKEN".to_owned(), "1234567890".to_owned())]);
        let expected = json!({
            "vars": {"password": MASK, "region": "cn-hangzhou", "tokens": [MASK, MASK], "secret": "", "is_private": true},
            "resources": {
                "f": {"props": {"environmentVariables": {"MY_TOKEN": MASK, "URL": "https://u:******@h/"}}},
                "db": {"props": {"env": [{"name": "DB_PASSWORD", "value": MASK}, {"key": "A", "value": "b"}]}},
                "key": {"props": {"accessKeySecret": MASK, "note": "with ******", "id": MASK}},
            },
        });
        assert_eq!(shown, expected);
    }

    #[test]
    fn a_text_that_is_json_keeps_its_form_unless_it_has_a_secret() {
        let mut shown = json!({
            "plain": "{\"b\": 1,  \"a\": [2]}",
            "authConfig": "{\"b\": 1,  \"token\": \"short\"}",
        });
        mask(&mut shown, Vec::new());
        assert_eq!(shown["plain"], "{\"b\": 1,  \"a\": [2]}");
        assert_eq!(shown["authConfig"], format!("{{\"b\":1,\"token\":\"{MASK}\"}}"));
    }
}
