//! The changes that Tablestore reports, in CBOR.

use std::convert::Infallible;
use std::fmt;

use cbor4ii::core::dec::{self, Read as _};
use cbor4ii::core::utils::SliceReader;
use cbor4ii::serde::{DecodeError, Deserializer};
use serde::de::{self, SeqAccess, Unexpected, Visitor};
use serde::{Deserialize, Serialize};

use crate::{Error, FromPayload};

/// What a Tablestore trigger sends: changes of rows, in CBOR.
///
/// A function that fails is called with the same changes again until they succeed or the stream's data expires.
///
/// ```
/// use fc_events::tablestore::{Kind, TablestoreEvent, Value};
///
/// let payload = fc_events::samples::tablestore(); // a map in CBOR
/// let event: TablestoreEvent = fc_events::read(&payload)?;
/// let record = &event.records[0];
/// assert_eq!(record.kind, Kind::PutRow);
/// assert_eq!(record.primary_key[0].value, Value::Integer(1));
/// # Ok::<(), fc_events::Error>(())
/// ```
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct TablestoreEvent {
    /// `Sync-v1`.
    #[serde(default)]
    pub version: String,
    /// The changes, in the order of the stream.
    pub records: Vec<Record>,
}

impl TablestoreEvent {
    /// The event as Tablestore would send it: for tests and tools.
    ///
    /// # Errors
    /// When the memory does not hold it.
    pub fn to_cbor(&self) -> Result<Vec<u8>, Error> {
        cbor4ii::serde::to_vec(Vec::new(), self).map_err(|error| Error::whole(error.to_string()))
    }
}

/// A change of one row. See [`TablestoreEvent`] for an example.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Record {
    /// What was done to the row.
    #[serde(rename = "Type")]
    pub kind: Kind,
    /// When.
    #[serde(default)]
    pub info: Info,
    /// The row's key.
    pub primary_key: Vec<KeyColumn>,
    /// The columns that changed; none when the row was deleted.
    #[serde(default)]
    pub columns: Vec<Column>,
}

/// What was done to a row. See [`TablestoreEvent`] for an example.
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum Kind {
    /// A row was written as a whole.
    #[default]
    PutRow,
    /// Columns of a row were written or deleted.
    UpdateRow,
    /// A row was deleted.
    DeleteRow,
}

/// When a row changed.
///
/// ```
/// assert_eq!(fc_events::tablestore::Info::default().timestamp, 0);
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Info {
    /// Microseconds since 1970.
    #[serde(default, deserialize_with = "crate::lenient::number")]
    pub timestamp: i64,
}

/// A column of a row's key. See [`TablestoreEvent`] for an example.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct KeyColumn {
    /// The column's name.
    pub column_name: String,
    /// An integer, a text or bytes.
    pub value: Value,
}

/// A column that changed. See [`TablestoreEvent`] for an example.
#[derive(Clone, Debug, Default, Deserialize, PartialEq, Serialize)]
#[serde(rename_all = "PascalCase")]
#[non_exhaustive]
pub struct Column {
    /// What was done to the column.
    #[serde(rename = "Type")]
    pub kind: ColumnKind,
    /// The column's name.
    pub column_name: String,
    /// The new value; nothing when it was deleted.
    #[serde(default)]
    pub value: Value,
    /// The value's version: milliseconds since 1970.
    #[serde(
        default,
        deserialize_with = "crate::lenient::maybe_number",
        skip_serializing_if = "Option::is_none"
    )]
    pub timestamp: Option<i64>,
}

/// What was done to a column.
///
/// ```
/// assert_eq!(fc_events::tablestore::Column::default().kind, fc_events::tablestore::ColumnKind::Put);
/// ```
#[derive(Clone, Debug, Default, Deserialize, Eq, PartialEq, Serialize)]
#[non_exhaustive]
pub enum ColumnKind {
    /// A value was written.
    #[default]
    Put,
    /// One version of the value was deleted.
    DeleteOneVersion,
    /// All versions of the value were deleted.
    DeleteAllVersions,
}

/// A value of a column. See [`TablestoreEvent`] for an example.
#[derive(Clone, Debug, Default, PartialEq)]
#[non_exhaustive]
pub enum Value {
    /// Nothing: a column that was deleted.
    #[default]
    Nothing,
    /// An integer.
    Integer(i64),
    /// A truth value.
    Truth(bool),
    /// A floating-point number.
    Double(f64),
    /// A text.
    Text(String),
    /// Bytes.
    Bytes(Vec<u8>),
}

impl Serialize for Value {
    fn serialize<S: serde::Serializer>(&self, out: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Nothing => out.serialize_none(),
            Self::Integer(number) => out.serialize_i64(*number),
            Self::Truth(truth) => out.serialize_bool(*truth),
            Self::Double(number) => out.serialize_f64(*number),
            Self::Text(text) => out.serialize_str(text),
            Self::Bytes(bytes) => out.serialize_bytes(bytes),
        }
    }
}

impl<'de> Deserialize<'de> for Value {
    fn deserialize<D: serde::Deserializer<'de>>(reader: D) -> Result<Self, D::Error> {
        reader.deserialize_any(ValueVisitor)
    }
}

struct ValueVisitor;

impl<'de> Visitor<'de> for ValueVisitor {
    type Value = Value;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an integer of 64 bits, a truth value, a double, a text or bytes")
    }

    fn visit_unit<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_none<E: de::Error>(self) -> Result<Value, E> {
        Ok(Value::Nothing)
    }

    fn visit_bool<E: de::Error>(self, truth: bool) -> Result<Value, E> {
        Ok(Value::Truth(truth))
    }

    fn visit_i64<E: de::Error>(self, number: i64) -> Result<Value, E> {
        Ok(Value::Integer(number))
    }

    fn visit_u64<E: de::Error>(self, number: u64) -> Result<Value, E> {
        let integer = i64::try_from(number);
        integer.map(Value::Integer).map_err(|_| E::invalid_value(Unexpected::Unsigned(number), &self))
    }

    fn visit_f64<E: de::Error>(self, number: f64) -> Result<Value, E> {
        Ok(Value::Double(number))
    }

    fn visit_str<E: de::Error>(self, text: &str) -> Result<Value, E> {
        Ok(Value::Text(text.to_owned()))
    }

    fn visit_bytes<E: de::Error>(self, bytes: &[u8]) -> Result<Value, E> {
        Ok(Value::Bytes(bytes.to_vec()))
    }

    /// Bytes as JSON has them: an array of numbers. CBOR has bytes of its own.
    fn visit_seq<A: SeqAccess<'de>>(self, mut numbers: A) -> Result<Value, A::Error> {
        let mut bytes = Vec::new();
        while let Some(byte) = numbers.next_element()? {
            bytes.push(byte);
        }
        Ok(Value::Bytes(bytes))
    }
}

impl FromPayload for TablestoreEvent {
    const TRIGGERS: &'static [&'static str] = &["tablestore"];

    fn from_payload(payload: &[u8]) -> Result<Self, Error> {
        let mut reader = Deserializer::new(SliceReader::new(payload));
        let event = serde_path_to_error::deserialize(&mut reader).map_err(|error| {
            let path = error.path().to_string();
            match error.into_inner() {
                DecodeError::Custom(message) => Error::at(&path, message),
                DecodeError::Core(error) => Error::at(&path, not_cbor(&error)),
            }
        })?;
        let is_read = reader.into_inner().fill(1).is_ok_and(|rest| rest.as_ref().is_empty());
        if is_read { Ok(event) } else { Err(Error::whole("bytes after the event")) }
    }
}

fn not_cbor(error: &dec::Error<Infallible>) -> String {
    match error {
        dec::Error::Eof { .. } | dec::Error::RequireLength { .. } => "the CBOR ends too early".to_owned(),
        dec::Error::RequireUtf8 { .. } => "a text that is not UTF-8".to_owned(),
        dec::Error::DepthOverflow { .. } => "the CBOR is nested too deeply".to_owned(),
        dec::Error::Mismatch { name, .. } | dec::Error::Unsupported { name, .. } => {
            format!("expected {name}")
        }
        _ => "this is no CBOR".to_owned(),
    }
}
