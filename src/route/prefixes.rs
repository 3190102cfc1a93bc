//! What holds for a path and for all paths below it.

use http::Method;

use crate::route::pattern::join;
use crate::route::table::{Found, Table};

/// Values by the prefixes of groups. The longest prefix of a path decides; a fixed segment wins over a parameter, as among
/// routes.
pub(crate) struct Prefixes<E>(Table<E>);

impl<E: Clone> Prefixes<E> {
    /// Of two equal prefixes the first counts. A prefix with a mistake is passed over: its routes tell of it.
    pub(crate) fn new(values: impl IntoIterator<Item = (String, E)>) -> Self {
        let mut table = Table::default();
        for (prefix, value) in values {
            if !prefix.starts_with('/') {
                continue;
            }
            let prefix = join(&prefix, "/");
            let bare = prefix.trim_end_matches('/');
            for pattern in [format!("{bare}/"), format!("{bare}/{{*below}}"), prefix] {
                let _ = table.insert(pattern.into(), None, value.clone());
            }
        }
        Self(table)
    }

    pub(crate) fn at(&self, path: &str) -> Option<&E> {
        match self.0.find(&Method::GET, path) {
            Found::Endpoint(value) => Some(value),
            _ => None,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_longest_prefix_decides_by_whole_segments() {
        let of =
            |list: &[(&str, u8)]| Prefixes::new(list.iter().map(|(at, value)| ((*at).to_owned(), *value)));
        let prefixes = of(&[
            ("/api", 1),
            ("/api/v1", 2),
            ("/api", 3),
            ("/tenants/{id}", 4),
            ("/tenants/{name}/admin/", 5),
            ("/caf\u{e9}", 6),
            ("mistaken", 7),
            ("/{open", 8),
        ]);
        for (path, value) in [
            ("/api", Some(1)),
            ("/api/", Some(1)),
            ("/api/x/y", Some(1)),
            ("/apix", None),
            ("/api/v1x/y", Some(1)),
            ("/api/v1", Some(2)),
            ("/api/v1/", Some(2)),
            ("/api/v1/x", Some(2)),
            ("/tenants", None),
            ("/tenants/7", Some(4)),
            ("/tenants/7/x", Some(4)),
            ("/tenants/7/admin", Some(5)),
            ("/tenants/7/admin/x", Some(5)),
            ("/caf%C3%A9/x", Some(6)),
            ("/", None),
            ("*", None),
        ] {
            assert_eq!(prefixes.at(path).copied(), value, "{path}");
        }
        assert_eq!(of(&[("/", 1)]).at("/x/y"), Some(&1));
        assert_eq!(of(&[("/", 1)]).at("/"), Some(&1));
    }
}
