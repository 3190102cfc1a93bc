//! One text of a form, read as the type that is asked for.

use std::fmt::Display;
use std::str::FromStr;

use serde::de::value::StrDeserializer;
use serde::de::{Deserializer, Error as _, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

use crate::form::Misfit;

/// A text: the name or the value of a pair.
#[derive(Clone, Copy)]
pub(super) struct Scalar<'t>(pub(super) &'t str);

impl Scalar<'_> {
    fn parsed<T: FromStr<Err: Display>>(self, kind: &str) -> Result<T, Misfit> {
        self.0.parse().map_err(|error| Misfit::custom(format_args!("{:?} is not {kind}: {error}", self.0)))
    }

    /// A whole number from `least` to `most`, the bounds of its type.
    fn whole<T: FromStr + Display>(self, least: &T, most: &T) -> Result<T, Misfit> {
        self.0.parse().map_err(|_| {
            let digits = self.0.strip_prefix(['-', '+']).unwrap_or(self.0);
            if !digits.is_empty() && digits.bytes().all(|byte| byte.is_ascii_digit()) {
                Misfit::custom(format_args!("{:?} is not between {least} and {most}", self.0))
            } else {
                Misfit::custom(format_args!("{:?} is not a whole number", self.0))
            }
        })
    }

    /// As pages and people write it: a checkbox sends `on`.
    fn truth(self) -> Result<bool, Misfit> {
        match self.0 {
            "true" | "on" | "1" => Ok(true),
            "false" | "off" | "0" => Ok(false),
            other => Err(Misfit::custom(format_args!("{other:?} is neither true nor false"))),
        }
    }
}

macro_rules! whole_numbers {
    ($($method:ident $visit:ident $number:ident,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            visitor.$visit(self.whole(&$number::MIN, &$number::MAX)?)
        }
    )*};
}

macro_rules! others {
    ($($method:ident $visit:ident $kind:literal,)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            visitor.$visit(self.parsed($kind)?)
        }
    )*};
}

impl<'de> Deserializer<'de> for Scalar<'_> {
    type Error = Misfit;

    whole_numbers! {
        deserialize_i8 visit_i8 i8,
        deserialize_i16 visit_i16 i16,
        deserialize_i32 visit_i32 i32,
        deserialize_i64 visit_i64 i64,
        deserialize_i128 visit_i128 i128,
        deserialize_u8 visit_u8 u8,
        deserialize_u16 visit_u16 u16,
        deserialize_u32 visit_u32 u32,
        deserialize_u64 visit_u64 u64,
        deserialize_u128 visit_u128 u128,
    }

    others! {
        deserialize_f32 visit_f32 "a number",
        deserialize_f64 visit_f64 "a number",
        deserialize_char visit_char "a character",
    }

    fn deserialize_bool<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_bool(self.truth()?)
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_str(self.0)
    }

    /// A field that was left empty is sent all the same.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.0.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_enum<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        let text: StrDeserializer<'_, Misfit> = self.0.into_deserializer();
        visitor.visit_enum(text)
    }

    fn deserialize_unit<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    fn deserialize_ignored_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        visitor.visit_unit()
    }

    forward_to_deserialize_any! {
        str string bytes byte_buf seq tuple tuple_struct map struct identifier
    }
}

impl IntoDeserializer<'_, Misfit> for Scalar<'_> {
    type Deserializer = Self;

    fn into_deserializer(self) -> Self {
        self
    }
}
