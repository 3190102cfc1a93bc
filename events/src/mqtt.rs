//! The messages of MQTT.

use serde::{Deserialize, Serialize};

/// A message. Batches of them have no envelope.
///
/// ```
/// use fc_events::{Batch, mqtt::Message};
///
/// let batch: Batch<Message> =
///     fc_events::read(br#"[{"props": {"firstTopic": "plant", "secondTopic": "/line1/temp", "clientId": "GID_a@@@dev9"}, "body": "21.5"}]"#)?;
/// assert_eq!((&*batch[0].props.first_topic, &*batch[0].body), ("plant", "21.5"));
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Message {
    /// Where the message came from.
    #[serde(default)]
    pub props: Properties,
    /// The message.
    pub body: String,
}

/// Where a message came from. See [`Message`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Properties {
    /// The parent topic.
    #[serde(default)]
    pub first_topic: String,
    /// The rest of the topic.
    #[serde(default)]
    pub second_topic: String,
    /// The client's id: group and device, with `@@@` between.
    #[serde(default)]
    pub client_id: String,
}
