//! The JSON that a caller of the API sends.

use std::ops::RangeInclusive;
use std::time::Duration;

use serde_json::{Map, Value};

use crate::failure::Failure;

/// The body of such a call: a map in JSON, or nothing.
pub(super) struct Body(Map<String, Value>);

impl Body {
    pub(super) fn parse(bytes: &[u8]) -> Result<Self, Failure> {
        if bytes.is_empty() {
            return Ok(Body(Map::new()));
        }
        match serde_json::from_slice(bytes) {
            Ok(Value::Object(map)) => Ok(Body(map)),
            _ => Err(Failure::invalid_argument("the body must be a JSON object")),
        }
    }

    pub(super) fn get(&self, key: &str) -> Option<&Value> {
        self.0.get(key)
    }

    pub(super) fn text(&self, key: &str) -> Result<Option<String>, Failure> {
        match self.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::String(text)) => Ok(Some(text.clone())),
            Some(_) => Err(Failure::invalid_argument(format!("{key} must be text"))),
        }
    }

    /// False if the key is absent.
    pub(super) fn boolean(&self, key: &str) -> Result<bool, Failure> {
        Ok(self.maybe(key)?.unwrap_or(false))
    }

    pub(super) fn maybe(&self, key: &str) -> Result<Option<bool>, Failure> {
        match self.get(key) {
            None | Some(Value::Null) => Ok(None),
            Some(Value::Bool(value)) => Ok(Some(*value)),
            Some(_) => Err(Failure::invalid_argument(format!("{key} must be true or false"))),
        }
    }

    /// A time in whole seconds.
    pub(super) fn seconds(&self, key: &str, range: RangeInclusive<u64>) -> Result<Option<Duration>, Failure> {
        let seconds = match self.get(key) {
            None | Some(Value::Null) => return Ok(None),
            Some(value) => value.as_u64().filter(|seconds| range.contains(seconds)),
        };
        let fault = || format!("{key} must be {} to {} seconds", range.start(), range.end());
        seconds
            .map(|seconds| Some(Duration::from_secs(seconds)))
            .ok_or_else(|| Failure::invalid_argument(fault()))
    }
}
