//! What types read from forms.

use std::collections::BTreeMap;
use std::fmt::Debug;

use serde::Deserialize;

use super::*;

#[track_caller]
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
    check_misfit::<Search>("q=tea&page=-1", Some("page"), "invalid digit");
    check_misfit::<Search>("q=tea&sizes=1&sizes=300", Some("sizes[1]"), "too large");
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
    check("shop=5&page=2&zip=a&size=", listing(window(2, "a")));
    check("shop=5&page=2&zip=a&size=3&open=true", {
        listing(Window { size: Some(3), open: true, ..window(2, "a") })
    });
    check("shop=5&page=2&zip=a&tags=7", listing(Window { tags: texts(["7"]), ..window(2, "a") }));
    check("shop=5&page=2&zip=a&tags=7&tags=b", listing(Window { tags: texts(["7", "b"]), ..window(2, "a") }));
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
    check("a=1&b=&a=2", vec![("a".to_owned(), Some(1u8)), ("b".to_owned(), None), ("a".to_owned(), Some(2))]);
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
