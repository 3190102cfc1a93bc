//! The order in which rules are tried. A listener has many rules that ask for one path each: of those only the one is
//! tried that has the request's.

use std::collections::HashMap;

use super::condition::Test;

/// The rules of a listener by their places, the lowest priority number first.
#[derive(Debug, Default)]
pub(super) struct Order {
    /// The first rule that holds for each request with this path, whatever else the request is.
    by_path: HashMap<String, usize>,
    /// The other rules.
    others: Vec<usize>,
}

impl Order {
    /// Of rules with these conditions, in their order.
    pub(super) fn new<'a>(rules: impl Iterator<Item = &'a [Test]>) -> Self {
        let mut order = Order::default();
        for (place, tests) in rules.enumerate() {
            let paths = match tests {
                [Test::Path(values)] => values.iter().map(|value| value.whole()).collect::<Option<Vec<_>>>(),
                _ => None,
            };
            match paths {
                None => order.others.push(place),
                Some(paths) => {
                    for path in paths {
                        order.by_path.entry(path.to_owned()).or_insert(place);
                    }
                }
            }
        }
        order
    }

    /// The first rule that holds. `holds` is asked of rules that ask for more than a path.
    pub(super) fn first(&self, path: &str, mut holds: impl FnMut(usize) -> bool) -> Option<usize> {
        let by_path = self.by_path.get(path).copied();
        let mut before =
            self.others.iter().copied().take_while(|place| by_path.is_none_or(|own| *place < own));
        before.find(|place| holds(*place)).or(by_path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::alb::Pattern;

    #[test]
    fn the_first_rule_that_holds_is_found_whatever_kind_it_is() {
        let paths = |all: &[&str]| Test::Path(all.iter().map(|path| Pattern::path(path).unwrap()).collect());
        let rules = [
            vec![paths(&["/a"])],
            vec![paths(&["/b*"])],
            vec![paths(&["/b", "/c"])],
            vec![paths(&["/a", "/d"]), Test::Method(vec![http::Method::GET])],
            vec![paths(&["/d", "/c"])],
            vec![],
        ];
        let order = Order::new(rules.iter().map(Vec::as_slice));
        for (path, holding, expected, asked) in [
            ("/a", &[][..], Some(0), &[][..]),
            ("/b", &[1], Some(1), &[1]),
            ("/b", &[], Some(2), &[1]),
            ("/c", &[], Some(2), &[1]),
            ("/d", &[3], Some(3), &[1, 3]),
            ("/d", &[], Some(4), &[1, 3]),
            ("/e", &[5], Some(5), &[1, 3, 5]),
            ("/e", &[], None, &[1, 3, 5]),
        ] {
            let mut were_asked = Vec::new();
            let found = order.first(path, |place| {
                were_asked.push(place);
                holding.contains(&place)
            });
            assert_eq!((found, &*were_asked), (expected, asked), "{path}");
        }
    }
}
