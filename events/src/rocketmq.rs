//! The messages of RocketMQ.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient::texts;

/// A message: the `data` of a [`CloudEvent`](crate::CloudEvent) with type `mq:Topic:SendMessage`, or the element itself where RocketMQ is
/// self-managed, which has no envelope.
///
/// ```
/// use fc_events::{Batch, CloudEvent, rocketmq::Message};
///
/// let cloud: Batch<CloudEvent<Message>> = fc_events::read(br#"{"id": "1", "type": "mq:Topic:SendMessage", "data": {
///     "topic": "orders", "systemProperties": {"KEYS": "k", "CONSUME_START_TIME": 1628577790396}, "userProperties": {}, "body": "hi"
/// }}"#)?;
/// assert_eq!(cloud[0].data.system_properties["CONSUME_START_TIME"], "1628577790396"); // a number among texts
/// let own: Batch<Message> = fc_events::read(br#"[{"msgId": "7F00-9", "topic": "orders", "body": "hi"}]"#)?;
/// assert_eq!(own[0].msg_id.as_deref(), Some("7F00-9"));
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Message {
    /// The message's id, where RocketMQ is self-managed; in the cloud see `UNIQ_KEY` of the system properties.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub msg_id: Option<String>,
    /// The topic.
    pub topic: String,
    /// `MIN_OFFSET`, `MAX_OFFSET`, `TRACE_ON`, `MSG_REGION`, `KEYS`, `TAGS`, `UNIQ_KEY`, `INSTANCE_ID`, `CONSUME_START_TIME` and others, as texts.
    #[serde(default, deserialize_with = "texts")]
    pub system_properties: BTreeMap<String, String>,
    /// The sender's properties, as texts.
    #[serde(default, deserialize_with = "texts")]
    pub user_properties: BTreeMap<String, String>,
    /// The message: mostly a text.
    #[serde(default)]
    pub body: Value,
}
