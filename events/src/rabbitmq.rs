//! The messages of RabbitMQ.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient::{maybe_number, truth};

/// A message: the `data` of a [`CloudEvent`](crate::CloudEvent) with type `amqp:Queue:SendMessage`.
///
/// ```
/// use fc_events::{Batch, CloudEvent, rabbitmq::Message};
///
/// let batch: Batch<CloudEvent<Message>> = fc_events::read(br#"[{"id": "1", "type": "amqp:Queue:SendMessage", "data": {
///     "envelope": {"deliveryTag": 7, "exchange": "", "redeliver": false, "routingKey": "orders"},
///     "body": {"order": 42}, "props": {"contentEncoding": "UTF-8", "messageId": "m-7"}
/// }}]"#)?;
/// assert_eq!(batch[0].data.body["order"], 42);
/// assert_eq!(batch[0].data.envelope.routing_key, "orders");
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Message {
    /// How the message came.
    #[serde(default)]
    pub envelope: Envelope,
    /// The message: a JSON value or a text.
    pub body: Value,
    /// The sender's properties.
    #[serde(default)]
    pub props: Properties,
}

/// How a message came. See [`Message`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Envelope {
    /// The broker's number of the delivery.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub delivery_tag: Option<u64>,
    /// The exchange; empty for the default one.
    #[serde(default)]
    pub exchange: String,
    /// Whether the broker delivered the message before.
    #[serde(default, deserialize_with = "truth")]
    pub redeliver: bool,
    /// The routing key.
    #[serde(default)]
    pub routing_key: String,
}

/// The sender's properties of a message. See [`Message`] for an example.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Properties {
    /// As `UTF-8`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub content_encoding: Option<String>,
    /// The sender's id of the message.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message_id: Option<String>,
    /// Other properties of AMQP.
    #[serde(flatten)]
    pub other: std::collections::BTreeMap<String, Value>,
}
