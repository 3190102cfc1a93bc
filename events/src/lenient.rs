//! Readers for fields that sources disagree about: numbers and truth values as text, maps of texts with a number among them.

use std::collections::BTreeMap;
use std::fmt;
use std::marker::PhantomData;
use std::str::FromStr;

use serde::de::{Deserializer, Error, MapAccess, Unexpected, Visitor};

/// A whole number, or a text that is one.
pub(crate) fn number<'de, T: Number, D: Deserializer<'de>>(reader: D) -> Result<T, D::Error> {
    reader.deserialize_any(NumberVisitor(PhantomData))
}

/// [`number`], or nothing for `null` and an empty text.
pub(crate) fn maybe_number<'de, T: Number, D: Deserializer<'de>>(reader: D) -> Result<Option<T>, D::Error> {
    reader.deserialize_any(MaybeVisitor(NumberVisitor(PhantomData)))
}

/// A truth value, or the text `true` or `false` in any case.
pub(crate) fn truth<'de, D: Deserializer<'de>>(reader: D) -> Result<bool, D::Error> {
    reader.deserialize_any(TruthVisitor)
}

/// A text, or a number or truth value, which becomes its text.
pub(crate) fn text<'de, D: Deserializer<'de>>(reader: D) -> Result<String, D::Error> {
    reader.deserialize_any(TextVisitor)
}

/// A map of texts; `null` is an empty map, and a value that is `null` an empty text.
pub(crate) fn texts<'de, D: Deserializer<'de>>(reader: D) -> Result<BTreeMap<String, String>, D::Error> {
    reader.deserialize_any(TextsVisitor)
}

/// The integers that events have.
pub(crate) trait Number: FromStr + TryFrom<i64> + TryFrom<u64> {}
impl<T: FromStr + TryFrom<i64> + TryFrom<u64>> Number for T {}

struct NumberVisitor<T>(PhantomData<T>);

impl<T: Number> Visitor<'_> for NumberVisitor<T> {
    type Value = T;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a whole number")
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<T, E> {
        T::try_from(value).map_err(|_| E::invalid_value(Unexpected::Signed(value), &"a number in range"))
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<T, E> {
        T::try_from(value).map_err(|_| E::invalid_value(Unexpected::Unsigned(value), &"a number in range"))
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<T, E> {
        value.trim().parse().map_err(|_| E::invalid_value(Unexpected::Str(value), &self))
    }
}

struct MaybeVisitor<T>(NumberVisitor<T>);

impl<T: Number> Visitor<'_> for MaybeVisitor<T> {
    type Value = Option<T>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.expecting(f)
    }

    fn visit_unit<E: Error>(self) -> Result<Option<T>, E> {
        Ok(None)
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<Option<T>, E> {
        self.0.visit_i64(value).map(Some)
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<Option<T>, E> {
        self.0.visit_u64(value).map(Some)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<Option<T>, E> {
        if value.is_empty() { Ok(None) } else { self.0.visit_str(value).map(Some) }
    }
}

struct TruthVisitor;

impl Visitor<'_> for TruthVisitor {
    type Value = bool;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("true or false")
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<bool, E> {
        Ok(value)
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<bool, E> {
        match value {
            _ if value.eq_ignore_ascii_case("true") => Ok(true),
            _ if value.eq_ignore_ascii_case("false") => Ok(false),
            _ => Err(E::invalid_value(Unexpected::Str(value), &self)),
        }
    }
}

struct TextVisitor;

impl Visitor<'_> for TextVisitor {
    type Value = String;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a text")
    }

    fn visit_unit<E: Error>(self) -> Result<String, E> {
        Ok(String::new())
    }

    fn visit_bool<E: Error>(self, value: bool) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_i64<E: Error>(self, value: i64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_u64<E: Error>(self, value: u64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_f64<E: Error>(self, value: f64) -> Result<String, E> {
        Ok(value.to_string())
    }

    fn visit_str<E: Error>(self, value: &str) -> Result<String, E> {
        Ok(value.to_owned())
    }

    fn visit_string<E: Error>(self, value: String) -> Result<String, E> {
        Ok(value)
    }
}

struct TextsVisitor;

impl<'de> Visitor<'de> for TextsVisitor {
    type Value = BTreeMap<String, String>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object of texts")
    }

    fn visit_unit<E: Error>(self) -> Result<Self::Value, E> {
        Ok(BTreeMap::new())
    }

    fn visit_map<M: MapAccess<'de>>(self, mut map: M) -> Result<Self::Value, M::Error> {
        let mut texts = BTreeMap::new();
        while let Some(name) = map.next_key::<String>()? {
            texts.insert(name, map.next_value::<Text>()?.0);
        }
        Ok(texts)
    }
}

#[derive(serde::Deserialize)]
#[serde(transparent)]
struct Text(#[serde(deserialize_with = "text")] String);
