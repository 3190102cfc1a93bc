//! Batches, as EventBridge's triggers send them.

use std::fmt;
use std::marker::PhantomData;
use std::ops::Deref;

use serde::de::value::{MapAccessDeserializer, StrDeserializer};
use serde::de::{DeserializeOwned, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::payload::inside;

/// One event or more: an array of objects, an array of texts that hold JSON (as Kafka's trigger was seen to send), or one object in place of an array.
///
/// A text counts as JSON when it begins with `{` or `[`; another text is the element itself. The platform delivers a batch again as a whole when the
/// function fails, so handlers have to bear an element twice: its [`CloudEvent::id`](crate::CloudEvent::id) stays the same.
///
/// ```
/// use fc_events::{Batch, CloudEvent, mns::QueueMessage};
///
/// let one = br#"{"id": "1", "source": "jobs", "type": "mns:Queue:SendMessage", "data": {"messageBody": "do it"}}"#;
/// let batch: Batch<CloudEvent<QueueMessage>> = fc_events::read(one)?;
/// assert_eq!(batch.iter().map(|event| &*event.data.message_body).collect::<Vec<_>>(), ["do it"]);
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Eq, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Batch<T>(Vec<T>);

impl<T> Batch<T> {
    /// The elements, in the order of the payload.
    pub fn into_inner(self) -> Vec<T> {
        self.0
    }
}

impl<T> From<Vec<T>> for Batch<T> {
    fn from(elements: Vec<T>) -> Self {
        Self(elements)
    }
}

impl<T> Deref for Batch<T> {
    type Target = [T];

    fn deref(&self) -> &[T] {
        &self.0
    }
}

impl<T> IntoIterator for Batch<T> {
    type Item = T;
    type IntoIter = std::vec::IntoIter<T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.into_iter()
    }
}

impl<'a, T> IntoIterator for &'a Batch<T> {
    type Item = &'a T;
    type IntoIter = std::slice::Iter<'a, T>;

    fn into_iter(self) -> Self::IntoIter {
        self.0.iter()
    }
}

impl<'de, T: DeserializeOwned> Deserialize<'de> for Batch<T> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(BatchVisitor(PhantomData)).map(Self)
    }
}

/// A payload without an envelope: `eventSchema: RawData`. A text that holds a JSON object or array is that value, any other text a string.
///
/// ```
/// use fc_events::{Batch, Raw};
///
/// let batch: Batch<Raw> = fc_events::read(br#"["{\"order\": 42}", "21.5", {"order": 43}]"#)?;
/// assert_eq!(batch[0].0["order"], 42);
/// assert_eq!(batch[1].0, "21.5");
/// # Ok::<(), fc_events::Error>(())
/// ```
#[expect(clippy::exhaustive_structs, reason = "a value without a name: it has nothing to add to")]
#[derive(Clone, Debug, Deserialize, PartialEq, Serialize)]
#[serde(transparent)]
pub struct Raw(pub Value);

struct BatchVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for BatchVisitor<T> {
    type Value = Vec<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event or an array of events")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut elements: A) -> Result<Vec<T>, A::Error> {
        let mut batch = Vec::new();
        while let Some(Element(element)) = elements.next_element()? {
            batch.push(element);
        }
        Ok(batch)
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<Vec<T>, A::Error> {
        Ok(vec![T::deserialize(MapAccessDeserializer::new(map))?])
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<Vec<T>, E> {
        Ok(vec![from_text(text)?])
    }
}

struct Element<T>(T);

impl<'de, T: DeserializeOwned> Deserialize<'de> for Element<T> {
    fn deserialize<D: Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(ElementVisitor(PhantomData)).map(Self)
    }
}

struct ElementVisitor<T>(PhantomData<T>);

impl<'de, T: DeserializeOwned> Visitor<'de> for ElementVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an event, as an object or as a text that holds JSON")
    }

    fn visit_map<A: MapAccess<'de>>(self, map: A) -> Result<T, A::Error> {
        T::deserialize(MapAccessDeserializer::new(map))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, elements: A) -> Result<T, A::Error> {
        T::deserialize(serde::de::value::SeqAccessDeserializer::new(elements))
    }

    fn visit_str<E: Error>(self, text: &str) -> Result<T, E> {
        from_text(text)
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<T, E> {
        T::deserialize(serde::de::value::BoolDeserializer::new(value))
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        T::deserialize(serde::de::value::I64Deserializer::new(value))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        T::deserialize(serde::de::value::U64Deserializer::new(value))
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<T, E> {
        T::deserialize(serde::de::value::F64Deserializer::new(value))
    }

    fn visit_unit<E: Error>(self) -> Result<T, E> {
        T::deserialize(serde::de::value::UnitDeserializer::new())
    }
}

fn from_text<T: DeserializeOwned, E: Error>(text: &str) -> Result<T, E> {
    if !text.trim_start().starts_with(['{', '[']) {
        return T::deserialize(StrDeserializer::new(text));
    }
    let mut reader = serde_json::Deserializer::from_str(text);
    let value = serde_path_to_error::deserialize(&mut reader)
        .map_err(|error| inside(&error.path().to_string(), error.inner()))?;
    reader.end().map_err(|error| inside(".", &error))?;
    Ok(value)
}
