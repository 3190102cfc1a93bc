//! The records of Kafka.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient::maybe_number;

/// A record: the `data` of a [`CloudEvent`](crate::CloudEvent) with type `alikafka:Topic:Message`.
///
/// ```
/// use fc_events::{Batch, CloudEvent, kafka::Record};
///
/// let batch: Batch<CloudEvent<Record>> = fc_events::read(br#"[{
///     "id": "k-3", "type": "alikafka:Topic:Message",
///     "data": {"topic": "logs", "partition": 7, "offset": 25, "timestamp": 1767595271589, "headers": {"headers": [], "isReadOnly": false}, "key": "k", "value": "v"}
/// }]"#)?;
/// assert_eq!((batch[0].data.partition, batch[0].data.offset), (Some(7), Some(25)));
/// assert_eq!(batch[0].data.value, "v");
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Record {
    /// The topic.
    pub topic: String,
    /// The partition.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub partition: Option<u32>,
    /// The place within the partition.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// When the record was made, in milliseconds since 1970.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub timestamp: Option<i64>,
    /// The record's headers.
    #[serde(default)]
    pub headers: Headers,
    /// The key, if there is one: a JSON value, a text or a text in base64, by the data format of the trigger.
    #[serde(default)]
    pub key: Value,
    /// The value: a JSON value, a text or a text in base64, by the data format of the trigger.
    #[serde(default)]
    pub value: Value,
}

/// The headers of a record. The platform's samples have none, so their form is left as it comes.
///
/// ```
/// let headers: fc_events::kafka::Headers = serde_json::from_str(r#"{"headers": [], "isReadOnly": true}"#).unwrap();
/// assert!(headers.headers.is_empty() && headers.is_read_only);
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Headers {
    /// As they come.
    #[serde(default)]
    pub headers: Vec<Value>,
    /// A word of the Java client.
    #[serde(default, deserialize_with = "crate::lenient::truth")]
    pub is_read_only: bool,
}
