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
        let refused = misfit::refused();
        match T::deserialize(self) {
            Ok(value) if !self.was_guessed.get() || misfit::refused() == refused => Ok(value),
            first => self.read_again(first).map_err(|misfit| misfit.named_by(|text| self.only_name_of(text))),
        }
    }

    /// Reads once more with other guesses, if there were any: see [`guess`]. A read in which a type has refused a value is
    /// not the last word either: with another guess an earlier variant of an enum may fit.
    #[cold]
    fn read_again<T: DeserializeOwned>(&self, first: Result<T, Misfit>) -> Result<T, Misfit> {
        if !self.was_guessed.get() {
            return first;
        }
        let mut best = first;
        for round in 0..guess::ROUNDS_MAX {
            if round == guess::NUMBERS_FIRST {
                if best.is_ok() {
                    break;
                }
                self.guesses.replace(Guesses::texts_first());
            }
            self.pairs.iter().for_each(|pair| pair.is_taken.set(false));
            let (read, refusals) = misfit::recording(|| T::deserialize(self));
            match read {
                Ok(value) if refusals.is_empty() => return Ok(value),
                read if best.is_err() => best = read,
                _ => {}
            }
            let values: Vec<&str> = self.pairs.iter().map(|pair| &*pair.value).collect();
            let has_learnt = self.guesses.borrow_mut().learn(&refusals, &values);
            if !has_learnt && (best.is_ok() || round >= guess::NUMBERS_FIRST) {
                break;
            }
        }
        best
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
mod tests {
    use std::collections::BTreeMap;
    use std::fmt::Debug;

    use serde::Deserialize;

    use super::*;

    #[track_caller]
    #[allow(clippy::needless_pass_by_value, reason = "reads better")]
    fn check<T: DeserializeOwned + PartialEq + Debug>(form: &str, expected: T) {
        let read = Form::parse(form.as_bytes(), 100).unwrap().read::<T>();
        assert_eq!(read.unwrap_or_else(|misfit| panic!("{form:?}: {misfit:?}")), expected, "{form:?}");
    }

    #[track_caller]
    fn check_misfit<T: DeserializeOwned + Debug>(form: &str, field: Option<&str>, part: &str) {
        let misfit = Form::parse(form.as_bytes(), 100).unwrap().read::<T>().unwrap_err();
        assert_eq!(misfit.field(), field, "{form:?}: {misfit}");
        assert!(misfit.to_string().contains(part), "{form:?}: {misfit}");
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Search {
        q: String,
        page: Option<u32>,
        #[serde(default)]
        tags: Vec<String>,
        #[serde(default)]
        sizes: Vec<u8>,
        #[serde(default)]
        exact: bool,
        sort: Option<Sort>,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(rename_all = "lowercase")]
    enum Sort {
        Name,
        Price,
    }

    fn search(q: &str) -> Search {
        Search { q: q.to_owned(), page: None, tags: vec![], sizes: vec![], exact: false, sort: None }
    }

    fn texts<const N: usize>(texts: [&str; N]) -> Vec<String> {
        texts.map(str::to_owned).to_vec()
    }

    #[test]
    fn a_struct_reads_what_pages_send() {
        check("q=tea", search("tea"));
        check("q=green+tea%20%C3%A9", search("green tea é"));
        check("q=&page=&sort=", search(""));
        check("q=tea&page=2&exact=on&sort=price", {
            Search { page: Some(2), exact: true, sort: Some(Sort::Price), ..search("tea") }
        });
        check("tags=a&q=tea&tags=b&sizes=1&tags=&sizes=2", {
            Search { tags: texts(["a", "b", ""]), sizes: vec![1, 2], ..search("tea") }
        });
        check("q=tea&unknown=1&unknown=2&&=", search("tea"));
    }

    #[test]
    fn what_does_not_fit_is_named() {
        check_misfit::<Search>("q=tea&page=x", Some("page"), "\"x\" is not a whole number");
        check_misfit::<Search>("q=tea&page=-1", Some("page"), "\"-1\" is not between 0 and 4294967295");
        check_misfit::<Search>(
            "q=tea&sizes=1&sizes=300",
            Some("sizes[1]"),
            "\"300\" is not between 0 and 255",
        );
        check_misfit::<Search>("q=tea&exact=maybe", Some("exact"), "neither true nor false");
        check_misfit::<Search>("q=tea&sort=size", Some("sort"), "unknown variant `size`");
        check_misfit::<Search>("page=1", None, "missing field `q`");
        check_misfit::<Search>("q=a&q=b", None, "duplicate field `q`");
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Listing {
        shop: String,
        #[serde(flatten)]
        window: Window,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Window {
        page: u32,
        zip: String,
        size: Option<u8>,
        #[serde(default)]
        tags: Vec<String>,
        #[serde(default)]
        open: bool,
    }

    #[test]
    fn flattened_fields_have_their_own_types() {
        let window =
            |page, zip: &str| Window { page, zip: zip.to_owned(), size: None, tags: vec![], open: false };
        let listing = |window| Listing { shop: "5".to_owned(), window };
        check("shop=5&page=2&zip=a", listing(window(2, "a")));
        // The zip looks like a number, and is a text.
        check("shop=5&page=2&zip=01234", listing(window(2, "01234")));
        check("shop=5&page=5&zip=5", listing(window(5, "5")));
        check("shop=5&zip=5&page=5&tags=5", listing(Window { tags: texts(["5"]), ..window(5, "5") }));
        check("shop=5&page=2&zip=a&size=", listing(window(2, "a")));
        check("shop=5&page=2&zip=a&size=3&open=true", {
            listing(Window { size: Some(3), open: true, ..window(2, "a") })
        });
        check("shop=5&page=2&zip=a&tags=7", listing(Window { tags: texts(["7"]), ..window(2, "a") }));
        check(
            "shop=5&page=2&zip=a&tags=7&tags=b",
            listing(Window { tags: texts(["7", "b"]), ..window(2, "a") }),
        );
        check_misfit::<Listing>("shop=5&page=x&zip=a", Some("page"), "expected u32");
        check_misfit::<Listing>("shop=5&zip=a", None, "missing field `page`");
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(tag = "by", rename_all = "lowercase")]
    enum Payment {
        Card { number: String, year: u16 },
        Invoice { days: u8 },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Place {
        Id { id: u64 },
        Name { name: String, floor: i8 },
    }

    #[derive(Debug, PartialEq, Deserialize)]
    struct Visit {
        guests: u8,
        #[serde(flatten)]
        place: Place,
    }

    #[derive(Debug, PartialEq, Deserialize)]
    #[serde(untagged)]
    enum Loose {
        Text(String),
        Number(u32),
    }

    #[test]
    fn enums_read_numbers_and_texts() {
        check("by=card&number=4111&year=2027", Payment::Card { number: "4111".to_owned(), year: 2027 });
        check("days=30&by=invoice", Payment::Invoice { days: 30 });
        check("id=7", Place::Id { id: 7 });
        check("name=12&floor=-1", Place::Name { name: "12".to_owned(), floor: -1 });
        check("guests=2&id=7", Visit { guests: 2, place: Place::Id { id: 7 } });
        check("guests=2&name=hall&floor=3", {
            Visit { guests: 2, place: Place::Name { name: "hall".to_owned(), floor: 3 } }
        });
        check_misfit::<Payment>("by=card&number=1&year=soon", Some("year"), "expected u16");
        check(
            "2=2&1=1",
            BTreeMap::from([
                ("1".to_owned(), Loose::Text("1".to_owned())),
                ("2".to_owned(), Loose::Text("2".to_owned())),
            ]),
        );
        check_misfit::<Place>("other=1", None, "did not match any variant");
    }

    #[test]
    fn maps_and_lists_of_pairs_are_read_too() {
        let map = |pairs: &[(&str, &str)]| -> BTreeMap<String, String> {
            pairs.iter().map(|(name, value)| ((*name).to_owned(), (*value).to_owned())).collect()
        };
        check("a=1&b=2&a=3", map(&[("a", "3"), ("b", "2")]));
        check("a=1&b=2&a=3", BTreeMap::from([("a".to_owned(), vec![1u8, 3]), ("b".to_owned(), vec![2])]));
        check("1=a&2=b", BTreeMap::from([(1u8, 'a'), (2, 'b')]));
        check(
            "a=1&b=&a=2",
            vec![("a".to_owned(), Some(1u8)), ("b".to_owned(), None), ("a".to_owned(), Some(2))],
        );
        check("", ());
        check("", None::<Search>);
    }

    #[test]
    fn a_form_of_many_texts_that_look_like_numbers_is_read_in_bounded_rounds() {
        #[derive(Debug, Deserialize)]
        struct Open {
            #[serde(flatten)]
            #[allow(dead_code, reason = "only its shape matters")]
            rest: BTreeMap<String, String>,
        }
        let form: Vec<String> = (0..90).map(|at| format!("k{at}={at}")).collect();
        let form = form.join("&");
        let read = Form::parse(form.as_bytes(), 100).unwrap().read::<Open>();
        assert_eq!(read.unwrap().rest["k7"], "7");
        assert!(Form::parse(form.as_bytes(), 89).is_none());
    }
}
