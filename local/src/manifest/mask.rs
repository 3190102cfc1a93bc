//! A manifest as it may be shown: secrets are masked, wherever they stand.

use serde_json::Value;

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
        Value::String(text) => into.push((name.to_owned(), text.clone())),
        Value::Number(number) => into.push((name.to_owned(), number.to_string())),
        Value::Array(items) => items.iter().for_each(|item| collect(item, name, into)),
        Value::Object(fields) => {
            let named = own_name(value).map(str::to_owned);
            for (key, field) in fields {
                collect(field, named.as_deref().filter(|_| key == VALUE).unwrap_or(key), into);
            }
        }
        Value::Bool(_) | Value::Null => {}
    }
}

fn replace(value: &mut Value, name: &str, redactor: &Redactor) {
    let named = own_name(value).map(str::to_owned);
    match value {
        Value::String(text) if !text.is_empty() && is_secret_name(name) => MASK.clone_into(text),
        Value::String(text) => *text = redactor.redact(std::mem::take(text)),
        Value::Number(number) => {
            let text = number.to_string();
            if is_secret_name(name) || redactor.redact(text.clone()) != text {
                *value = MASK.into();
            }
        }
        Value::Array(items) => items.iter_mut().for_each(|item| replace(item, name, redactor)),
        Value::Object(fields) => {
            for (key, field) in fields {
                replace(field, named.as_deref().filter(|_| key == VALUE).unwrap_or(key), redactor);
            }
        }
        Value::Bool(_) | Value::Null => {}
    }
}

const VALUE: &str = "value";

/// The name in a map such as `{name: TOKEN, value: …}`, the form of variables in some components.
fn own_name(value: &Value) -> Option<&str> {
    value.get(VALUE)?;
    ["name", "key"].iter().find_map(|key| value.get(key)?.as_str())
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
}
