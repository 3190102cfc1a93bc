//! The events of MNS (SMQ), the message service: topics and queues.

use std::collections::BTreeMap;

use serde::{Deserialize, Deserializer, Serialize};
use serde_json::{Map, Value};

use crate::lenient::{maybe_number, text};
use crate::{Error, FromPayload};

/// A message of a queue: the `data` of a [`CloudEvent`](crate::CloudEvent) with type `mns:Queue:SendMessage`.
///
/// ```
/// use fc_events::{Batch, CloudEvent, mns::QueueMessage};
///
/// let batch: Batch<CloudEvent<QueueMessage>> = fc_events::read(br#"[{
///     "id": "c2-1", "type": "mns:Queue:SendMessage", "subject": "acs:mns:cn-hangzhou:100200300:queues/jobs",
///     "data": {"requestId": "R1", "messageId": "M1", "messageBody": "do it"}
/// }]"#)?;
/// assert_eq!(batch[0].data.message_body, "do it");
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct QueueMessage {
    /// Of the request that sent the message.
    #[serde(default)]
    pub request_id: String,
    /// The message's id.
    #[serde(default)]
    pub message_id: String,
    /// The message. Where the queue's message is JSON, EventBridge may send the value in place of its text; this is its text then.
    #[serde(deserialize_with = "json_as_text")]
    pub message_body: String,
}

/// What an MNS topic's trigger sends, in any of its three forms.
///
/// | form of the trigger's settings | the payload |
/// |---|---|
/// | `STREAM` | the message, bare: any text |
/// | `STREAM` with attributes | `{"body": "…", "attrs": {…}}` |
/// | `JSON` | an object with `Message`, `TopicName` and more; attributes stand beside these |
///
/// A bare message that looks like one of the objects is taken for one: nothing in the call tells them apart.
///
/// ```
/// use fc_events::mns::TopicEvent;
///
/// let bare: TopicEvent = fc_events::read(b"hello topic")?;
/// assert_eq!(bare.message, "hello topic");
/// let json: TopicEvent = fc_events::read(br#"{"TopicName": "news", "Message": "hello", "PublishTime": 1550216302888, "colour": "red"}"#)?;
/// assert_eq!(json.details.unwrap().publish_time, Some(1_550_216_302_888));
/// assert_eq!(json.attributes["colour"], "red");
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Eq, PartialEq)]
#[non_exhaustive]
pub struct TopicEvent {
    /// The message.
    pub message: String,
    /// The message's attributes.
    pub attributes: BTreeMap<String, String>,
    /// What the form `JSON` says beyond the message.
    pub details: Option<TopicDetails>,
}

/// What the form `JSON` of a topic's event says beyond the message. See [`TopicEvent`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct TopicDetails {
    /// The account that owns the topic.
    #[serde(default, deserialize_with = "text")]
    pub topic_owner: String,
    /// The topic.
    #[serde(default)]
    pub topic_name: String,
    /// The account that subscribes.
    #[serde(default, deserialize_with = "text")]
    pub subscriber: String,
    /// The subscription, which the trigger made.
    #[serde(default)]
    pub subscription_name: String,
    /// The message's id: the same when the message is delivered again.
    #[serde(default)]
    pub message_id: String,
    /// The MD5 of the message, in hexadecimal.
    #[serde(default, rename = "MessageMD5")]
    pub message_md5: String,
    /// When the message was published, in milliseconds since 1970.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub publish_time: Option<i64>,
}

/// The message of the form `JSON`. Its details are read apart: serde loses the path of what is flattened.
#[derive(Deserialize)]
struct Message {
    #[serde(rename = "Message", deserialize_with = "text")]
    message: String,
}

#[derive(Deserialize)]
struct WithAttributes {
    #[serde(deserialize_with = "text")]
    body: String,
    #[serde(deserialize_with = "crate::lenient::texts")]
    attrs: BTreeMap<String, String>,
}

/// The keys of [`TopicDetails`] and the message; others are attributes.
const JSON_KEYS: [&str; 8] = [
    "TopicOwner",
    "TopicName",
    "Subscriber",
    "SubscriptionName",
    "MessageId",
    "MessageMD5",
    "PublishTime",
    "Message",
];

impl FromPayload for TopicEvent {
    const TRIGGERS: &'static [&'static str] = &["mns_topic"];

    fn from_payload(payload: &[u8]) -> Result<Self, Error> {
        let object = serde_json::from_slice::<Map<String, Value>>(payload).unwrap_or_default();
        if object.contains_key("Message") && object.contains_key("TopicName") {
            let Message { message } = crate::payload::from_json(payload)?;
            let attributes = object.into_iter().filter(|(name, _)| !JSON_KEYS.contains(&name.as_str()));
            return Ok(Self {
                message,
                attributes: attributes.map(|(name, value)| (name, value_as_text(value))).collect(),
                details: Some(crate::payload::from_json(payload)?),
            });
        }
        if object.len() == 2 && object.contains_key("body") && object.contains_key("attrs") {
            let form: WithAttributes = crate::payload::from_json(payload)?;
            return Ok(Self { message: form.body, attributes: form.attrs, details: None });
        }
        let message = std::str::from_utf8(payload).map_err(|_| Error::whole("the message is not UTF-8"))?;
        Ok(Self { message: message.to_owned(), ..Self::default() })
    }
}

fn value_as_text(value: Value) -> String {
    match value {
        Value::String(text) => text,
        value => value.to_string(),
    }
}

fn json_as_text<'de, D: Deserializer<'de>>(reader: D) -> Result<String, D::Error> {
    Value::deserialize(reader).map(value_as_text)
}
