//! The changes that DTS, the data transmission service, reports.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use crate::lenient::maybe_number;

/// A change of a row: the `data` of a [`CloudEvent`](crate::CloudEvent) with type `dts:ConsumeMessage`.
///
/// ```
/// use fc_events::{Batch, CloudEvent, dts::Change};
///
/// let batch: Batch<CloudEvent<Change>> = fc_events::read(br#"[{"id": "1", "type": "dts:ConsumeMessage", "data": {
///     "id": 12, "operationType": "INSERT", "sourceTimestamp": 1620000000,
///     "schema": {"databaseName": "shop", "tableName": "orders", "recordFields": [{"fieldName": "id"}, {"fieldName": "name"}]},
///     "afterImage": {"size": 42, "values": [{"data": 7}, {"data": {"hb": [116, 101, 97, 0, 0], "position": 0, "limit": 3}, "charset": "utf8mb4"}]}
/// }}]"#)?;
/// let change = &batch[0].data;
/// let after = change.after_image.as_ref().unwrap();
/// assert_eq!(change.schema.column("name"), Some(1));
/// assert_eq!(after.values[1].as_ref().unwrap().text().unwrap(), "tea");
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Change {
    /// The change's number.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub id: Option<i64>,
    /// Where the change stands in the job's stream.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub topic_partition: Option<TopicPartition>,
    /// The place within the partition.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub offset: Option<i64>,
    /// When the row was changed, in seconds since 1970.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub source_timestamp: Option<i64>,
    /// `INSERT`, `UPDATE`, `DELETE`, `DDL` and others.
    pub operation_type: String,
    /// The table and its columns.
    #[serde(default)]
    pub schema: Schema,
    /// The row before the change; not there for an insert.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before_image: Option<Image>,
    /// The row after the change; not there for a delete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub after_image: Option<Image>,
    /// Fields without a name here.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// Where a change stands in the job's stream.
///
/// ```
/// let place: fc_events::dts::TopicPartition = serde_json::from_str(r#"{"hash": 0, "partition": "0", "topic": "cn_hangzhou_1"}"#).unwrap();
/// assert_eq!(place.partition, Some(0));
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub struct TopicPartition {
    /// A number of the Java client.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub hash: Option<i64>,
    /// The partition.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub partition: Option<i64>,
    /// The topic.
    #[serde(default)]
    pub topic: String,
}

/// A table and its columns. See [`Change`] for an example.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Schema {
    /// The database.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub database_name: Option<String>,
    /// The table.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub table_name: Option<String>,
    /// The columns, in the order of an image's values.
    #[serde(default)]
    pub record_fields: Vec<RecordField>,
    /// The place of each column by its name.
    #[serde(default)]
    pub name_index: BTreeMap<String, Value>,
    /// Fields without a name here: `schemaId`, `primaryIndexInfo` and others.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl Schema {
    /// The place of a column among an image's values.
    pub fn column(&self, name: &str) -> Option<usize> {
        self.record_fields.iter().position(|field| field.field_name == name)
    }
}

/// A column. See [`Change`] for an example.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct RecordField {
    /// The column's name.
    pub field_name: String,
    /// Fields without a name here: type, position, keys.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// A row. See [`Change`] for an example.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "camelCase")]
#[non_exhaustive]
pub struct Image {
    /// The values, in the order of the columns; nothing for an SQL null.
    pub values: Vec<Option<ColumnValue>>,
    /// Bytes, as the job counts them.
    #[serde(default, deserialize_with = "maybe_number", skip_serializing_if = "Option::is_none")]
    pub size: Option<i64>,
    /// Fields without a name here: `recordSchema`, which repeats the schema.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

/// A value of a row. See [`Change`] for an example.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[non_exhaustive]
pub struct ColumnValue {
    /// A number, a text, or a Java `ByteBuffer` for text and binary columns: see [`ColumnValue::bytes`].
    #[serde(default)]
    pub data: Value,
    /// The database's name of a text's encoding, as `utf8mb4`.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub charset: Option<String>,
    /// Fields without a name here.
    #[serde(flatten)]
    pub other: BTreeMap<String, Value>,
}

impl ColumnValue {
    /// The bytes of a text or a `ByteBuffer`. Its numbers may be signed, as Java writes bytes, and its limit may lie behind its last byte.
    /// Nothing for another kind of value.
    pub fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        let buffer = match &self.data {
            Value::String(text) => return Some(Cow::Borrowed(text.as_bytes())),
            Value::Object(buffer) => buffer,
            _ => return None,
        };
        let bytes = buffer.get("hb")?.as_array()?.iter().map(byte).collect::<Option<Vec<u8>>>()?;
        let at = |name: &str, absent: usize| match buffer.get(name) {
            None | Some(Value::Null) => Some(absent),
            Some(value) => value.as_u64().and_then(|place| usize::try_from(place).ok()),
        };
        let end = at("limit", bytes.len())?.min(bytes.len());
        let start = at("position", 0)?.min(end);
        Some(Cow::Owned(bytes.get(start..end)?.to_vec()))
    }

    /// The value as a text, where it is one in UTF-8 or is a number. Nothing for bytes of another encoding: see `charset`.
    pub fn text(&self) -> Option<Cow<'_, str>> {
        match &self.data {
            Value::Number(number) => Some(Cow::Owned(number.to_string())),
            Value::String(text) => Some(Cow::Borrowed(text)),
            _ => String::from_utf8(self.bytes()?.into_owned()).ok().map(Cow::Owned),
        }
    }
}

fn byte(value: &Value) -> Option<u8> {
    let number = value.as_i64()?;
    u8::try_from(number).ok().or_else(|| i8::try_from(number).ok().map(i8::cast_unsigned))
}
