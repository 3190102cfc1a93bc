//! The events of triggers as samples, each with times and ids of its own.

use std::time::SystemTime;

use fc_events::{samples, tablestore::TablestoreEvent};
use serde_json::Value;

use crate::auth::iso8601;
use crate::wire::ids;

/// The trigger whose event is CBOR.
pub(crate) const TABLESTORE: &str = "tablestore";

/// The triggers that have a sample.
pub(crate) fn names() -> Vec<&'static str> {
    samples::JSON.iter().map(|(name, _)| *name).chain([TABLESTORE]).collect()
}

/// The sample as text, with the time of now and new ids; that of Table Store as the JSON that stands for its CBOR. `None` if there is
/// none.
pub(crate) fn json(name: &str) -> Option<String> {
    let mut event: Value = if name == TABLESTORE {
        let event: TablestoreEvent = fc_events::read(&samples::tablestore()).ok()?;
        return serde_json::to_string_pretty(&event).ok();
    } else {
        serde_json::from_str(samples::json(name)?).ok()?
    };
    fresh(&mut event, &iso8601(SystemTime::now()));
    serde_json::to_string_pretty(&event).ok()
}

/// Sets what differs from event to event: times and ids.
pub(crate) fn fresh(value: &mut Value, now: &str) {
    match value {
        Value::Array(elements) => elements.iter_mut().for_each(|element| fresh(element, now)),
        Value::Object(fields) => {
            for (name, field) in fields {
                match name.as_str() {
                    "time" | "triggerTime" | "eventTime" | "aliyunpublishtime" if field.is_string() => {
                        *field = Value::from(now);
                    }
                    "id" | "taskId" if field.is_string() => *field = Value::from(&*ids::uuid()),
                    "requestId" if field.as_str().is_some_and(|id| id.starts_with("1-")) => {
                        *field = Value::from(&*ids::request());
                    }
                    _ => fresh(field, now),
                }
            }
        }
        _ => {}
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn times_and_ids_are_new() {
        let mut event: Value = serde_json::from_str(samples::json("kafka").unwrap()).unwrap();
        let before = event[0]["id"].clone();
        fresh(&mut event, "2027-01-01T00:00:00Z");
        assert_ne!(event[0]["id"], before);
        assert_eq!(event[0]["time"], "2027-01-01T00:00:00Z");
        assert_eq!(event[0]["data"]["offset"], 25);
    }
}
