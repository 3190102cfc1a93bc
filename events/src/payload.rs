//! From the bytes of a call to an event.

use std::fmt;

use serde::de::DeserializeOwned;

use crate::Error;

/// What can be read from the payload of an event call. Every type here that serde can read from JSON is one; Tablestore's is read from CBOR,
/// and a topic's may be plain text.
///
/// ```
/// use fc_events::{FromPayload, mns::TopicEvent};
///
/// assert_eq!(TopicEvent::from_payload(b"not JSON at all")?.message, "not JSON at all");
/// assert_eq!(TopicEvent::TRIGGERS, ["mns_topic"]);
/// # Ok::<(), fc_events::Error>(())
/// ```
pub trait FromPayload: Sized {
    /// The triggers whose events the type reads, by the names that `triggerType` has for them in `s.yaml`. Empty for what no trigger of
    /// `s.yaml` sends (requests of API Gateway, records of destinations), and for types that may read anything.
    const TRIGGERS: &'static [&'static str] = &[];

    /// Reads the payload.
    ///
    /// # Errors
    /// When the payload is no event of this type: with the element and the field.
    fn from_payload(payload: &[u8]) -> Result<Self, Error>;
}

/// Reads the payload of an event call.
///
/// ```
/// let event: fc_events::sls::SlsEvent = fc_events::read(br#"{"source": {"projectName": "shop", "logstoreName": "access", "shardId": 0}}"#)?;
/// assert_eq!(event.source.project_name, "shop");
/// # Ok::<(), fc_events::Error>(())
/// ```
///
/// # Errors
/// When the payload is no event of this type: with the element and the field.
pub fn read<T: FromPayload>(payload: &[u8]) -> Result<T, Error> {
    T::from_payload(payload)
}

/// Reads JSON, and tells the path of what is wrong.
pub(crate) fn from_json<T: DeserializeOwned>(payload: &[u8]) -> Result<T, Error> {
    let mut reader = serde_json::Deserializer::from_slice(payload);
    let value = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
        let path = error.path().to_string();
        located(&path, error.inner())
    })?;
    reader.end().map_err(|error| Error::whole(error.to_string()))?;
    Ok(value)
}

fn located(path: &str, error: &serde_json::Error) -> Error {
    let text = error.to_string();
    within(path, &text)
        .unwrap_or_else(|| Error::at(path, if error.is_data() { position_cut(&text) } else { &text }))
}

/// Separates a path from the message, in an error that passes through an outer reader.
const INSIDE: char = '\u{1f}';

/// The error of a reader inside of another one: of a text that holds JSON, for example.
pub(crate) fn inside<E: serde::de::Error>(path: &str, error: &dyn fmt::Display) -> E {
    E::custom(format_args!("{INSIDE}{path}{INSIDE}{error}"))
}

/// What [`inside`] made, with its path behind that of the outer reader.
pub(crate) fn within(outer: &str, message: &str) -> Option<Error> {
    let (inner, message) = message.split_once(INSIDE)?.1.split_once(INSIDE)?;
    Some(Error::at(&joined(outer, inner), position_cut(message)))
}

fn joined(outer: &str, inner: &str) -> String {
    match (outer, inner) {
        (_, ".") => outer.to_owned(),
        (".", _) => inner.to_owned(),
        _ if inner.starts_with('[') => format!("{outer}{inner}"),
        _ => format!("{outer}.{inner}"),
    }
}

/// Line and column say little of a value whose field is named.
fn position_cut(message: &str) -> &str {
    message.rsplit_once(" at line ").map_or(message, |(message, _)| message)
}

macro_rules! json_payload {
    ($($name:ty: $triggers:expr),* $(,)?) => {$(
        impl FromPayload for $name {
            const TRIGGERS: &'static [&'static str] = &$triggers;

            fn from_payload(payload: &[u8]) -> Result<Self, Error> {
                from_json(payload)
            }
        }
    )*};
}

json_payload!(
    crate::Raw: EVENTBRIDGE,
    crate::api_gateway::Request: [],
    crate::cdn::CdnEvent: ["cdn_events"],
    crate::destination::Record: [],
    crate::http::Reply: [],
    crate::http::Request: [],
    crate::oss::OssEvent: ["oss"],
    crate::sls::SlsEvent: ["log"],
    crate::timer::TimerEvent: ["timer"],
);

/// Queues, streams and EventBridge itself are one kind of trigger.
const EVENTBRIDGE: [&str; 1] = ["eventbridge"];

impl<T: DeserializeOwned> FromPayload for crate::CloudEvent<T> {
    const TRIGGERS: &'static [&'static str] = &EVENTBRIDGE;

    fn from_payload(payload: &[u8]) -> Result<Self, Error> {
        from_json(payload)
    }
}

impl<T: DeserializeOwned> FromPayload for crate::Batch<T> {
    const TRIGGERS: &'static [&'static str] = &EVENTBRIDGE;

    fn from_payload(payload: &[u8]) -> Result<Self, Error> {
        from_json(payload)
    }
}
