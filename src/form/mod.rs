//! Queries and HTML forms as values: pairs of texts, read by the types that fields have.

mod guess;
mod misfit;
mod scalar;
mod values;

use std::borrow::Cow;
use std::cell::{Cell, OnceCell, RefCell};
use std::collections::HashMap;

use serde::de::value::{MapAccessDeserializer, MapDeserializer};
use serde::de::{DeserializeOwned, DeserializeSeed, Deserializer, MapAccess, Visitor};
use serde::forward_to_deserialize_any;

use guess::Guesses;
pub(crate) use misfit::Misfit;
use scalar::Scalar;
use values::Values;

/// The pairs of a query or a form.
pub(crate) struct Form<'b> {
    pairs: Vec<Pair<'b>>,
    /// For each pair, the next one with the same name. Made when a list is first asked for.
    links: OnceCell<Vec<usize>>,
    /// Whether a type has asked for a value without saying its kind.
    was_guessed: Cell<bool>,
    guesses: RefCell<Guesses>,
}

struct Pair<'b> {
    name: Cow<'b, str>,
    value: Cow<'b, str>,
    /// Whether the list of an earlier pair has taken this value.
    is_taken: Cell<bool>,
}

/// In place of the index of the next pair: there is none.
const NO_PAIR: usize = usize::MAX;

impl<'b> Form<'b> {
    /// Takes the pairs apart. `None` if there are more than `most`.
    pub(crate) fn parse(bytes: &'b [u8], most: usize) -> Option<Self> {
        let mut pairs = Vec::with_capacity(8);
        for (name, value) in form_urlencoded::parse(bytes) {
            if pairs.len() == most {
                return None;
            }
            pairs.push(Pair { name, value, is_taken: Cell::new(false) });
        }
        Some(Self {
            pairs,
            links: OnceCell::new(),
            was_guessed: Cell::new(false),
            guesses: RefCell::default(),
        })
    }

    /// Reads the pairs as a struct, a map, an enum or a list of pairs.
    pub(crate) fn read<T: DeserializeOwned>(&self) -> Result<T, Misfit> {
        match T::deserialize(self) {
            Ok(value) => Ok(value),
            Err(misfit) => {
                self.read_again(misfit).map_err(|misfit| misfit.named_by(|text| self.only_name_of(text)))
            }
        }
    }

    /// Reads once more with other guesses, if there were any: see [`guess`].
    fn read_again<T: DeserializeOwned>(&self, first: Misfit) -> Result<T, Misfit> {
        if !self.was_guessed.get() {
            return Err(first);
        }
        let mut last = first;
        for _ in 0..guess::ROUNDS_MAX {
            self.pairs.iter().for_each(|pair| pair.is_taken.set(false));
            let (read, refusals) = misfit::recording(|| T::deserialize(self));
            match read {
                Ok(value) => return Ok(value),
                Err(misfit) => last = misfit,
            }
            if !self.guesses.borrow_mut().learn(&refusals) {
                break;
            }
        }
        Err(last)
    }

    /// The name of the pair with this value, if there is only one.
    fn only_name_of(&self, value: &str) -> Option<&str> {
        let mut found = self.pairs.iter().filter(|pair| pair.value == value);
        found.next().filter(|_| found.next().is_none()).map(|pair| &*pair.name)
    }

    /// The next pair with the name of the pair at this index, or `NO_PAIR`.
    fn next_of(&self, at: usize) -> usize {
        let links = self.links.get_or_init(|| {
            let (mut links, mut last) = (vec![NO_PAIR; self.pairs.len()], HashMap::new());
            for (at, pair) in self.pairs.iter().enumerate() {
                if let Some(before) = last.insert(&*pair.name, at) {
                    links[before] = at;
                }
            }
            links
        });
        links[at]
    }
}

macro_rules! by_pairs {
    ($($method:ident($($arg:ident: $type:ty),*))*) => {$(
        fn $method<V: Visitor<'de>>(self, $($arg: $type,)* visitor: V) -> Result<V::Value, Misfit> {
            visitor.visit_map(Entries { form: self, at: 0 })
        }
    )*};
}

impl<'de> Deserializer<'de> for &Form<'_> {
    type Error = Misfit;

    by_pairs! {
        deserialize_any()
        deserialize_map()
        deserialize_struct(_name: &'static str, _fields: &'static [&'static str])
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        let pairs = self.pairs.iter().map(|pair| (Scalar(&pair.name), Scalar(&pair.value)));
        MapDeserializer::new(pairs).deserialize_seq(visitor)
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_tuple_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        _: usize,
        visitor: V,
    ) -> Result<V::Value, Misfit> {
        self.deserialize_seq(visitor)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, Misfit> {
        if self.pairs.is_empty() { visitor.visit_none() } else { visitor.visit_some(self) }
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
        visitor.visit_enum(MapAccessDeserializer::new(Entries { form: self, at: 0 }))
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

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf identifier ignored_any
    }
}

/// The pairs as the entries of a map. A value that is read as a list takes all pairs of its name; else each pair is an
/// entry.
struct Entries<'f, 'b> {
    form: &'f Form<'b>,
    at: usize,
}

impl<'de> MapAccess<'de> for Entries<'_, '_> {
    type Error = Misfit;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, Misfit> {
        while let Some(pair) = self.form.pairs.get(self.at) {
            self.at += 1;
            if !pair.is_taken.get() {
                return seed
                    .deserialize(Scalar(&pair.name))
                    .map(Some)
                    .map_err(|misfit| misfit.at(&pair.name));
            }
        }
        Ok(None)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, Misfit> {
        let at = self.at - 1;
        let read = seed.deserialize(Values { form: self.form, at });
        read.map_err(|misfit| misfit.at(&self.form.pairs[at].name))
    }
}

#[cfg(test)]
mod tests;
