//! What is kept of a function: one document, replaced as a whole.

use std::collections::BTreeMap;
use std::time::{SystemTime, UNIX_EPOCH};

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

use crate::wire::ids;

/// The fields of an object, as a client sent them.
pub(super) type Fields = Map<String, Value>;

/// A function with everything below it, apart from its versions and aliases.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Described {
    pub(super) id: String,
    /// In milliseconds since 1970.
    pub(super) created: u64,
    pub(super) modified: u64,
    /// What clients sent, later fields over earlier ones, without the name and the code.
    pub(super) fields: Fields,
    /// `None` for an image.
    pub(super) code: Option<Code>,
    #[serde(default)]
    pub(super) triggers: BTreeMap<String, Part>,
    /// Reserved concurrency.
    #[serde(default)]
    pub(super) concurrency: Option<Fields>,
    /// By qualifier.
    #[serde(default)]
    pub(super) provision: BTreeMap<String, Fields>,
    #[serde(default)]
    pub(super) scaling: BTreeMap<String, Fields>,
    #[serde(default)]
    pub(super) vpcs: Vec<String>,
}

/// The code of a function or a layer.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Code {
    /// The digest of its package.
    pub(super) package: String,
    /// The size of the package, in bytes.
    pub(super) size: u64,
    /// The CRC-64 of the package, in decimal digits.
    pub(super) checksum: String,
}

/// A trigger, a domain or a version of a layer.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(super) struct Part {
    pub(super) id: String,
    pub(super) created: u64,
    pub(super) modified: u64,
    pub(super) fields: Fields,
}

impl Code {
    /// What stands for code that is still to be stored.
    pub(super) fn none() -> Self {
        Code { package: String::new(), size: 0, checksum: String::new() }
    }
}

impl Part {
    pub(super) fn new(fields: Fields) -> Self {
        let now = now();
        Part { id: ids::uuid().to_string(), created: now, modified: now, fields }
    }

    /// The same with other fields laid over its own.
    pub(super) fn with(&self, more: Fields) -> Self {
        let mut changed = self.clone();
        changed.fields.extend(more);
        changed.modified = now();
        changed
    }
}

impl Described {
    pub(super) fn new(fields: Fields, code: Option<Code>) -> Self {
        let Part { id, created, modified, fields } = Part::new(fields);
        Described {
            id,
            created,
            modified,
            fields,
            code,
            triggers: BTreeMap::new(),
            concurrency: None,
            provision: BTreeMap::new(),
            scaling: BTreeMap::new(),
            vpcs: Vec::new(),
        }
    }
}

/// Milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}
