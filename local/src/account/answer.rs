//! What a client sends, and what it gets.

use bytes::Bytes;
use serde_json::{Map, Value};

use super::what::What;
use crate::auth::LocalKeys;
use crate::failure::Failure;

/// A call of the API.
#[derive(Debug)]
pub(crate) struct Ask {
    pub(crate) what: What,
    /// The function of the path; empty if the path names none.
    pub(crate) function: String,
    /// The query, as it came.
    pub(crate) query: String,
    pub(crate) body: Bytes,
    /// The host by which the client found this machine, and the keys that sign addresses for it.
    pub(crate) host: String,
    pub(crate) keys: LocalKeys,
    /// The id of the request.
    pub(crate) request: String,
}

/// The answer to one.
#[derive(Debug, PartialEq)]
pub(crate) enum Answer {
    /// There is nothing to say beside that it is done.
    Done,
    Document(Value),
    /// All entries by name, in their order, and the key under which a page of them stands.
    List(&'static str, Vec<(String, Value)>),
}

impl Ask {
    /// A parameter of the query. `None` for an empty one.
    pub(super) fn parameter(&self, name: &str) -> Option<String> {
        let mut pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.find(|(own, value)| own == name && !value.is_empty()).map(|(_, value)| value.into_owned())
    }

    /// A parameter that is given several times, in its order.
    pub(super) fn all(&self, name: &str) -> Vec<String> {
        let pairs = form_urlencoded::parse(self.query.as_bytes());
        pairs.filter(|(own, _)| own == name).map(|(_, value)| value.into_owned()).collect()
    }

    /// A parameter that is a list: as JSON, as one text with commas, given several times, or numbered as `Name.1`.
    pub(super) fn list(&self, name: &str) -> Option<Vec<String>> {
        let mut found = Vec::new();
        for (own, value) in form_urlencoded::parse(self.query.as_bytes()) {
            let is_numbered = own
                .strip_prefix(name)
                .and_then(|rest| rest.strip_prefix('.'))
                .is_some_and(|number| number.parse::<u32>().is_ok());
            if own != name && !is_numbered {
                continue;
            }
            match serde_json::from_str::<Vec<String>>(&value) {
                Ok(list) => found.extend(list),
                Err(_) => found.extend(value.split(',').filter(|own| !own.is_empty()).map(str::to_owned)),
            }
        }
        (!found.is_empty()).then_some(found)
    }

    /// The version or alias; `None` is `LATEST`.
    pub(super) fn qualifier(&self) -> Option<String> {
        self.parameter("qualifier").filter(|own| own != crate::model::LATEST)
    }

    /// The body as a map. What is null counts as absent.
    pub(super) fn fields(&self) -> Result<Map<String, Value>, Failure> {
        if self.body.is_empty() {
            return Ok(Map::new());
        }
        match serde_json::from_slice(&self.body) {
            Ok(Value::Object(mut fields)) => {
                fields.retain(|_, value| !value.is_null());
                Ok(fields)
            }
            _ => Err(Failure::invalid_argument("the body must be a JSON object")),
        }
    }
}

/// A field that has to be there, and be text.
pub(super) fn required_text(fields: &Map<String, Value>, key: &str) -> Result<String, Failure> {
    match text(fields, key)? {
        Some(text) if !text.is_empty() => Ok(text),
        _ => Err(Failure::invalid_argument(format!("`{key}` is missing"))),
    }
}

/// A field that is text, if it is there.
pub(super) fn text(fields: &Map<String, Value>, key: &str) -> Result<Option<String>, Failure> {
    match fields.get(key) {
        None => Ok(None),
        Some(Value::String(text)) => Ok(Some(text.clone())),
        Some(_) => Err(Failure::invalid_argument(format!("`{key}` must be text"))),
    }
}
