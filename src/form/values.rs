//! The values of one name: a scalar type reads one, a list takes all.

use serde::de::{DeserializeSeed, Deserializer, SeqAccess, Visitor};

use crate::form::guess::Guess;
use crate::form::scalar::Scalar;
use crate::form::{Form, Misfit, NO_PAIR};

/// The value of a pair, and with it those of later pairs of the same name.
#[derive(Clone, Copy)]
pub(super) struct Values<'f, 'b> {
    pub(super) form: &'f Form<'b>,
    pub(super) at: usize,
}

impl<'f> Values<'f, '_> {
    fn scalar(self) -> Scalar<'f> {
        Scalar(&self.form.pairs[self.at].value)
    }

    fn list<'de, V: Visitor<'de>>(self, visitor: V, is_guessed: bool) -> Result<V::Value, Misfit> {
        visitor.visit_seq(List { form: self.form, next: self.at, index: 0, is_guessed })
    }

    /// A value for a type that has not said its kind, as serde does for `flatten`, `tag` and `untagged`.
    fn guessed<'de, V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.form.was_guessed.set(true);
        if self.form.next_of(self.at) != NO_PAIR || self.form.guesses.borrow().is_list(self.at) {
            return self.list(visitor, true);
        }
        guessed(self.form, self.at, visitor)
    }
}

fn guessed<'de, V: Visitor<'de>>(form: &Form<'_>, at: usize, visitor: V) -> Result<V::Value, Misfit> {
    let text = &*form.pairs[at].value;
    let guess = form.guesses.borrow().of(at, text);
    match guess {
        Guess::Text => visitor.visit_str(text),
        Guess::Unsigned(number) => visitor.visit_u64(number),
        Guess::Signed(number) => visitor.visit_i64(number),
        Guess::Float(number) => visitor.visit_f64(number),
        Guess::Bool(truth) => visitor.visit_bool(truth),
        Guess::Absent => visitor.visit_none(),
    }
}

macro_rules! as_scalar {
    ($($method:ident)*) => {$(
        fn $method<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
            self.scalar().$method(visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Values<'_, '_> {
    type Error = Misfit;

    as_scalar! {
        deserialize_bool deserialize_i8 deserialize_i16 deserialize_i32 deserialize_i64 deserialize_i128
        deserialize_u8 deserialize_u16 deserialize_u32 deserialize_u64 deserialize_u128
        deserialize_f32 deserialize_f64 deserialize_char deserialize_str deserialize_string
        deserialize_bytes deserialize_byte_buf deserialize_unit deserialize_identifier
        deserialize_ignored_any deserialize_map
    }

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.guessed(visitor)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        self.list(visitor, false)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.list(visitor, false)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.list(visitor, false)
    }

    /// Only a single empty value is nothing: several make a list.
    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.scalar().0.is_empty() && self.form.next_of(self.at) == NO_PAIR {
            visitor.visit_none()
        } else {
            visitor.visit_some(self)
        }
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
        name: &'static str,
        variants: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.scalar().deserialize_enum(name, variants, visitor)
    }

    fn deserialize_unit_struct<V: Visitor<'de>>(
        self,
        name: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.scalar().deserialize_unit_struct(name, visitor)
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.scalar().deserialize_any(visitor)
    }
}

/// All values of one name, in their order.
struct List<'f, 'b> {
    form: &'f Form<'b>,
    next: usize,
    index: usize,
    is_guessed: bool,
}

impl<'de> SeqAccess<'de> for List<'_, '_> {
    type Error = Misfit;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, Misfit> {
        let (form, at) = (self.form, self.next);
        let Some(pair) = form.pairs.get(at) else { return Ok(None) };
        pair.is_taken.set(true);
        self.next = self.form.next_of(self.next);
        let index = self.index;
        self.index += 1;
        let element = Element { form, at, text: &pair.value, is_guessed: self.is_guessed };
        seed.deserialize(element).map(Some).map_err(|misfit| misfit.in_list(index))
    }
}

/// One value of a list.
struct Element<'f, 'b> {
    form: &'f Form<'b>,
    at: usize,
    text: &'f str,
    is_guessed: bool,
}

macro_rules! as_element {
    ($($method:ident($($arg:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, Misfit> {
            Scalar(self.text).$method($($arg,)* visitor)
        }
    )*};
}

impl<'de> Deserializer<'de> for Element<'_, '_> {
    type Error = Misfit;

    fn deserialize_any<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if !self.is_guessed {
            self.form.was_guessed.set(true);
        }
        guessed(self.form, self.at, visitor)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        visitor.visit_newtype_struct(self)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.text.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
    }

    as_element! {
        deserialize_bool() deserialize_i8() deserialize_i16() deserialize_i32() deserialize_i64()
        deserialize_i128() deserialize_u8() deserialize_u16() deserialize_u32() deserialize_u64()
        deserialize_u128() deserialize_f32() deserialize_f64() deserialize_char() deserialize_str()
        deserialize_string() deserialize_bytes() deserialize_byte_buf() deserialize_unit()
        deserialize_identifier() deserialize_ignored_any() deserialize_map() deserialize_seq()
        deserialize_tuple(length: usize)
        deserialize_tuple_struct(name: &'static str, length: usize)
        deserialize_unit_struct(name: &'static str)
        deserialize_enum(name: &'static str, variants: &'static [&'static str])
        deserialize_struct(name: &'static str, fields: &'static [&'static str])
    }
}
