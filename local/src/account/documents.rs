//! Objects as the documents that clients get.

use std::time::{Duration, UNIX_EPOCH};

use serde_json::{Value, json};

use super::account::Account;
use super::described::{Described, Part};
use crate::event::Clock;
use crate::model::LATEST;

/// What the platform fills in where a client says nothing.
const DEFAULTS: [(&str, u64); 4] =
    [("memorySize", 512), ("diskSize", 512), ("timeout", 3), ("instanceConcurrency", 1)];

impl Account {
    /// A function.
    pub(super) fn function_document(&self, name: &str, described: &Described) -> Value {
        let mut document = Value::from(described.fields.clone());
        for (key, default) in DEFAULTS {
            if document[key].is_null() {
                document[key] = default.into();
            }
        }
        for (key, default) in [("handler", json!("handler")), ("internetAccess", json!(true))] {
            if document[key].is_null() {
                document[key] = default;
            }
        }
        if let Value::Array(layers) = &document["layers"] {
            let layers: Vec<Value> =
                layers.iter().filter_map(Value::as_str).map(|arn| self.layer_of_function(arn)).collect();
            document["layers"] = layers.into();
        } else if let Value::Object(document) = &mut document {
            document.remove("layers");
        }
        let disabled = self.registry.find(name).ok().and_then(|function| function.disabled());
        let restriction = json!({
            "disable": disabled.is_some(), "reason": disabled.unwrap_or_default(),
            "lastModifiedTime": utc(described.modified),
        });
        let code = described.code.as_ref();
        let own = json!({
            "functionName": name,
            "functionId": described.id,
            "functionArn": self.arn(&format!("functions/{name}")),
            "codeSize": code.map_or(0, |code| code.size),
            "codeChecksum": code.map_or("", |code| code.checksum.as_str()),
            "createdTime": utc(described.created),
            "lastModifiedTime": utc(described.modified),
            "state": "Active",
            "lastUpdateStatus": "Successful",
            "invocationRestriction": restriction,
        });
        extend(&mut document, own);
        document
    }

    /// A trigger of a function.
    pub(super) fn trigger_document(&self, function: &str, name: &str, part: &Part) -> Value {
        let mut document = Value::from(part.fields.clone());
        let qualifier =
            document["qualifier"].as_str().filter(|own| !own.is_empty()).unwrap_or(LATEST).to_owned();
        let target = match qualifier.as_str() {
            LATEST => format!("functions/{function}"),
            qualifier => format!("functions/{function}/{qualifier}"),
        };
        let own = json!({
            "triggerName": name,
            "triggerId": part.id,
            "qualifier": qualifier,
            "targetArn": self.arn(&target),
            "status": "",
            "createdTime": utc(part.created),
            "lastModifiedTime": utc(part.modified),
        });
        if document["triggerType"] == "http" {
            let url = self.url(function, Some(qualifier.as_str()).filter(|own| *own != LATEST));
            document["httpTrigger"] = json!({ "urlInternet": url, "urlIntranet": url });
        }
        extend(&mut document, own);
        document
    }
}

/// Lays fields over those of a document.
pub(super) fn extend(document: &mut Value, more: Value) {
    if let (Value::Object(document), Value::Object(more)) = (document, more) {
        document.extend(more);
    }
}

/// Milliseconds since 1970 as the platform writes times.
pub(super) fn utc(milliseconds: u64) -> String {
    Clock::default().utc(UNIX_EPOCH + Duration::from_millis(milliseconds)).to_owned()
}
