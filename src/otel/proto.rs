//! OTLP's protobuf, as far as spans need it. <https://github.com/open-telemetry/opentelemetry-proto>

/// A message that is written field by field.
#[derive(Debug, Default)]
pub(super) struct Message(pub(super) Vec<u8>);

const VARINT: u32 = 0;
const FIXED64: u32 = 1;
const BYTES: u32 = 2;
const FIXED32: u32 = 5;

impl Message {
    pub(super) fn bytes(&mut self, field: u32, value: &[u8]) {
        self.tag(field, BYTES);
        self.raw(value.len() as u64);
        self.0.extend_from_slice(value);
    }

    pub(super) fn text(&mut self, field: u32, value: &str) {
        self.bytes(field, value.as_bytes());
    }

    pub(super) fn varint(&mut self, field: u32, value: u64) {
        self.tag(field, VARINT);
        self.raw(value);
    }

    pub(super) fn fixed64(&mut self, field: u32, value: u64) {
        self.tag(field, FIXED64);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    pub(super) fn fixed32(&mut self, field: u32, value: u32) {
        self.tag(field, FIXED32);
        self.0.extend_from_slice(&value.to_le_bytes());
    }

    /// Writes a `KeyValue`.
    pub(super) fn attribute(&mut self, field: u32, key: &str, value: &Value<'_>) {
        let mut any = Self::default();
        match value {
            Value::Text(text) => any.text(1, text),
            Value::Bool(value) => any.varint(2, u64::from(*value)),
            Value::Int(value) => any.varint(3, value.cast_unsigned()),
            Value::Double(value) => any.fixed64(4, value.to_bits()),
        }
        let mut pair = Self::default();
        pair.text(1, key);
        pair.bytes(2, &any.0);
        self.bytes(field, &pair.0);
    }

    fn tag(&mut self, field: u32, kind: u32) {
        self.raw(u64::from(field << 3 | kind));
    }

    fn raw(&mut self, mut value: u64) {
        while value >= 0x80 {
            self.0.push(value.to_le_bytes()[0] | 0x80);
            value >>= 7;
        }
        self.0.push(value.to_le_bytes()[0]);
    }
}

/// The value of an attribute.
pub(super) enum Value<'a> {
    Text(&'a str),
    Bool(bool),
    Int(i64),
    Double(f64),
}
