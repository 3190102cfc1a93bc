//! The names of fields on the wire. `garde` tells a field by its name in Rust, and a client knows what serde makes of it.

use std::fmt;

use garde::error::Kind;
use serde::de::value::StrDeserializer;
use serde::de::{self, DeserializeOwned, DeserializeSeed, Deserializer, IntoDeserializer, Visitor};
use serde::forward_to_deserialize_any;

/// The parts of a path, with the names that `T` is deserialized by. A part for which there is no such name stays.
pub(super) fn on_the_wire<T: DeserializeOwned>(path: Vec<(Kind, String)>) -> Vec<String> {
    let mut walk = Walk { path, at: 0, wraps_left: WRAPS_MAX };
    // The walk ends in an error, wherever it gets to.
    let _ = T::deserialize(Probe(&mut walk));
    walk.path.into_iter().map(|(_, part)| part).collect()
}

struct Walk {
    path: Vec<(Kind, String)>,
    /// The next part.
    at: usize,
    /// How many more options and newtypes the walk goes into. These take no part of the path, so that a type which is made of
    /// nothing else would never end.
    wraps_left: usize,
}

const WRAPS_MAX: usize = 100;

/// A deserializer that hears which names a type asks for, and leads the type along the path: each struct is given the one
/// field that the path goes through, each list one item.
struct Probe<'w>(&'w mut Walk);

/// The end of a walk.
#[derive(Debug)]
struct End;

impl Probe<'_> {
    fn kind(&self) -> Option<Kind> {
        self.0.path.get(self.0.at).map(|(kind, _)| *kind)
    }

    /// Goes into an option or a newtype.
    fn into_wrapped(self) -> Result<Self, End> {
        self.0.wraps_left = self.0.wraps_left.checked_sub(1).ok_or(End)?;
        Ok(self)
    }
}

impl<'de> Deserializer<'de> for Probe<'_> {
    type Error = End;

    /// What asks for anything has no names to tell: a flattened struct, an enum without a tag of its own, a value of JSON.
    fn deserialize_any<V: Visitor<'de>>(self, _: V) -> Result<V::Value, End> {
        Err(End)
    }

    fn deserialize_option<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, End> {
        visitor.visit_some(self.into_wrapped()?)
    }

    fn deserialize_newtype_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        visitor: V,
    ) -> Result<V::Value, End> {
        visitor.visit_newtype_struct(self.into_wrapped()?)
    }

    fn deserialize_seq<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, End> {
        if self.kind() == Some(Kind::Index) { visitor.visit_seq(One(self)) } else { Err(End) }
    }

    fn deserialize_tuple<V: Visitor<'de>>(self, _: usize, visitor: V) -> Result<V::Value, End> {
        // An item before the one of the path may have any type.
        if self.0.path.get(self.0.at).is_some_and(|(kind, part)| *kind == Kind::Index && part == "0") {
            return visitor.visit_seq(One(self));
        }
        Err(End)
    }

    fn deserialize_map<V: Visitor<'de>>(self, visitor: V) -> Result<V::Value, End> {
        if self.kind() == Some(Kind::Key) { visitor.visit_map(One(self)) } else { Err(End) }
    }

    fn deserialize_struct<V: Visitor<'de>>(
        self,
        _: &'static str,
        fields: &'static [&'static str],
        visitor: V,
    ) -> Result<V::Value, End> {
        let Walk { path, at, .. } = &mut *self.0;
        let Some((Kind::Key, part)) = path.get_mut(*at) else { return Err(End) };
        let name = fields.iter().find(|name| *name == part);
        let name = name.or_else(|| fields.iter().find(|name| is_spelling(name, part))).ok_or(End)?;
        (*name).clone_into(part);
        visitor.visit_map(One(self))
    }

    forward_to_deserialize_any! {
        bool i8 i16 i32 i64 i128 u8 u16 u32 u64 u128 f32 f64 char str string bytes byte_buf unit unit_struct
        tuple_struct enum identifier ignored_any
    }
}

/// The one item or field that the path goes through.
struct One<'w>(Probe<'w>);

impl<'de> de::SeqAccess<'de> for One<'_> {
    type Error = End;

    fn next_element_seed<T: DeserializeSeed<'de>>(&mut self, seed: T) -> Result<Option<T::Value>, End> {
        // An item that swallows errors would have its list ask for another one without end.
        if self.0.kind() != Some(Kind::Index) {
            return Err(End);
        }
        self.0.0.at += 1;
        seed.deserialize(Probe(self.0.0)).map(Some)
    }
}

impl<'de> de::MapAccess<'de> for One<'_> {
    type Error = End;

    fn next_key_seed<K: DeserializeSeed<'de>>(&mut self, seed: K) -> Result<Option<K::Value>, End> {
        let Some((_, part)) = self.0.0.path.get(self.0.0.at) else { return Err(End) };
        let part: StrDeserializer<'_, End> = part.as_str().into_deserializer();
        seed.deserialize(part).map(Some)
    }

    fn next_value_seed<V: DeserializeSeed<'de>>(&mut self, seed: V) -> Result<V::Value, End> {
        self.0.0.at += 1;
        seed.deserialize(Probe(self.0.0))
    }
}

/// Whether two names differ only in how they separate and capitalize their words, as by `rename_all`.
fn is_spelling(one: &str, other: &str) -> bool {
    let letters = |name: &str| -> Vec<u8> {
        name.bytes().filter(|byte| !b"_-".contains(byte)).map(|byte| byte.to_ascii_lowercase()).collect()
    };
    letters(one) == letters(other)
}

impl de::Error for End {
    fn custom<T: fmt::Display>(_: T) -> Self {
        Self
    }
}

impl fmt::Display for End {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the end of a walk along the names of a type")
    }
}

impl std::error::Error for End {}

#[cfg(test)]
mod tests {
    use std::collections::BTreeMap;

    use serde::Deserialize;

    use super::*;

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its names are asked for")]
    #[serde(rename_all = "camelCase")]
    struct Order {
        ship_to: Option<Address>,
        tea_lines: Vec<Line>,
        by_shelf: BTreeMap<String, Line>,
        first_and_last: (Line, Line),
        #[serde(rename = "type")]
        kind: String,
        in_json: serde_json::Value,
        #[serde(default, skip)]
        left_out: u8,
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its names are asked for")]
    #[serde(rename_all = "SCREAMING-KEBAB-CASE", deny_unknown_fields)]
    struct Address {
        post_code: Code,
        #[serde(alias = "town")]
        city_name: String,
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its names are asked for")]
    struct Code(String);

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its names are asked for")]
    struct Line {
        #[serde(rename = "unitPrice")]
        unit_price: u32,
        inner: Option<Box<Line>>,
    }

    /// A type without an end.
    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its names are asked for")]
    struct Nest(Option<Box<Nest>>);

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its names are asked for")]
    #[serde(rename_all = "camelCase")]
    struct Flat {
        own_name: u8,
        #[serde(flatten)]
        line: Line,
    }

    /// A field or an item that takes its default where it cannot be read.
    #[allow(dead_code, reason = "only its names are asked for")]
    struct Lenient(u8);

    impl<'de> Deserialize<'de> for Lenient {
        fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
            Ok(Self(u8::deserialize(deserializer).unwrap_or_default()))
        }
    }

    #[derive(Deserialize)]
    #[allow(dead_code, reason = "only its names are asked for")]
    #[serde(rename_all = "camelCase")]
    struct Tolerant {
        all_items: Vec<Lenient>,
        by_name: BTreeMap<String, Lenient>,
        one_item: Lenient,
    }

    #[track_caller]
    fn check<T: DeserializeOwned>(path: &str, expected: &str) {
        let kind = |part: &str| if part.parse::<usize>().is_ok() { Kind::Index } else { Kind::Key };
        let path = path.split('.').map(|part| (kind(part), part.to_owned())).collect();
        assert_eq!(on_the_wire::<T>(path).join("."), expected);
    }

    #[test]
    fn fields_have_the_names_of_the_wire() {
        check::<Order>("ship_to", "shipTo");
        check::<Order>("ship_to.post_code", "shipTo.POST-CODE");
        check::<Order>("ship_to.city_name", "shipTo.CITY-NAME");
        check::<Order>("tea_lines.17.unit_price", "teaLines.17.unitPrice");
        check::<Order>("tea_lines.1.inner.inner.unit_price", "teaLines.1.inner.inner.unitPrice");
        check::<Order>("by_shelf.ship_to.unit_price", "byShelf.ship_to.unitPrice");
        check::<Order>("first_and_last.0.unit_price", "firstAndLast.0.unitPrice");
        check::<Vec<Order>>("3.ship_to", "3.shipTo");
    }

    #[test]
    fn a_type_that_swallows_errors_ends_the_walk() {
        check::<Tolerant>("all_items.3", "allItems.3");
        check::<Tolerant>("all_items.3.7.inner_part", "allItems.3.7.inner_part");
        check::<Tolerant>("by_name.a_b", "byName.a_b");
        check::<Tolerant>("one_item.a_b", "oneItem.a_b");
        check::<Vec<Lenient>>("0", "0");
    }

    /// What serde does not tell stays as it is in Rust.
    #[test]
    fn other_parts_stay() {
        check::<Order>("kind", "kind");
        check::<Order>("left_out.post_code", "left_out.post_code");
        check::<Order>("in_json.a_b", "inJson.a_b");
        check::<Order>("first_and_last.1.unit_price", "firstAndLast.1.unit_price");
        check::<Flat>("own_name", "own_name");
        check::<String>("any_thing", "any_thing");
        check::<Nest>("any_thing", "any_thing");
    }
}
