//! Events that are like a sample, with other values: reproducible, from the name of the kind.

use std::collections::hash_map::DefaultHasher;
use std::hash::{Hash, Hasher};

use serde_json::{Map, Number, Value};

/// A source of values (xorshift).
pub(crate) struct Generator(u64);

impl Generator {
    pub(crate) fn new(name: &str) -> Self {
        let mut hasher = DefaultHasher::new();
        name.hash(&mut hasher);
        Self(hasher.finish() | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, bound: usize) -> usize {
        usize::try_from(self.next() >> 16).unwrap_or_default() % bound
    }

    pub(crate) fn number(&mut self, bound: usize) -> i64 {
        i64::try_from(self.below(bound)).unwrap_or_default()
    }

    /// The same fields with other values. Arrays have another length; a text of digits stays one.
    pub(crate) fn like(&mut self, sample: &Value) -> Value {
        match sample {
            Value::Null => Value::Null,
            Value::Bool(_) => Value::Bool(self.below(2) == 0),
            Value::Number(number) => Value::Number(self.like_number(number)),
            Value::String(text) if text.len() > 9 && text.bytes().all(|byte| byte.is_ascii_digit()) => {
                Value::String((1_000_000_000 + self.below(1_000_000_000)).to_string())
            }
            Value::String(_) => Value::String(self.text()),
            Value::Array(elements) if elements.is_empty() => Value::Array(Vec::new()),
            Value::Array(elements) => {
                let length = 1 + self.below(3);
                Value::Array((0..length).map(|at| self.like(&elements[at % elements.len()])).collect())
            }
            Value::Object(fields) => {
                let made = fields.iter().map(|(name, value)| (name.clone(), self.like(value)));
                Value::Object(made.collect::<Map<_, _>>())
            }
        }
    }

    /// Within the range of the smallest type that a field has: statuses are the only small ones.
    fn like_number(&mut self, sample: &Number) -> Number {
        let small = sample.as_u64().is_some_and(|number| number < 1000);
        Number::from(self.below(if small { 1000 } else { 1 << 40 }))
    }

    fn text(&mut self) -> String {
        const LETTERS: [char; 12] =
            ['a', 'Z', '7', '-', '/', '"', '\\', '\n', '\u{0}', 'é', '茶', '\u{1F375}'];
        let length = self.below(9);
        // A text of a batch that begins like JSON is read as JSON, so no text begins so.
        (0..length).map(|_| LETTERS[self.below(LETTERS.len())]).collect()
    }
}
