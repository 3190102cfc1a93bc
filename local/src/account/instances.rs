//! The instances of a function.

use serde_json::{Value, json};

use super::account::Account;
use super::answer::{Answer, Ask};
use crate::failure::Failure;
use crate::model::LATEST;

impl Account {
    /// Those that run. Instances that have ended are not kept.
    pub(super) fn list_instances(&self, ask: &Ask) -> Result<Answer, Failure> {
        let function = self.registry.find(&ask.function)?;
        let wanted = match ask.qualifier() {
            Some(qualifier) => Some(self.version_of(&ask.function, &qualifier)?),
            None => None,
        };
        let is_all = ask.parameter("qualifier").is_none();
        let ids = ask.list("instanceIds");
        let states = ask.list("instanceStatus");
        let mut all: Vec<Value> = Vec::new();
        for usage in function.usage() {
            if !is_all && usage.version != wanted {
                continue;
            }
            let version = usage.version.map_or_else(|| "0".to_owned(), |version| version.to_string());
            let qualifier = usage.version.map_or_else(|| LATEST.to_owned(), |version| version.to_string());
            for instance in usage.instances {
                let is_wanted = ids.as_ref().is_none_or(|ids| ids.iter().any(|id| **id == *instance.id));
                let is_state =
                    states.as_ref().is_none_or(|states| states.iter().any(|state| state == "Running"));
                if is_wanted && is_state {
                    all.push(json!({
                        "instanceId": &*instance.id, "status": "Running", "versionId": version,
                        "qualifier": qualifier, "resourceType": "OnDemand",
                        "createdTimeMs": instance.since, "destroyedTimeMs": 0,
                    }));
                }
            }
        }
        let limit = ask.parameter("limit").and_then(|limit| limit.parse().ok()).unwrap_or(usize::MAX);
        all.truncate(limit);
        Ok(Answer::Document(json!({ "instances": all, "requestId": ask.request })))
    }
}
