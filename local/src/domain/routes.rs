//! Which route of a domain is for a path: the exact one, else the one with the longest begin.

use std::collections::HashMap;

/// The paths of a domain's routes, by their numbers.
#[derive(Debug, Default)]
pub(super) struct Paths {
    exact: HashMap<Box<str>, usize>,
    /// The longest first.
    prefixes: Vec<(Box<str>, usize)>,
}

impl Paths {
    pub(super) fn new<'a>(paths: impl Iterator<Item = &'a str>) -> Self {
        let mut own = Paths::default();
        for (number, path) in paths.enumerate() {
            match path.strip_suffix('*') {
                Some(prefix) => own.prefixes.push((prefix.into(), number)),
                None => {
                    own.exact.insert(path.into(), number);
                }
            }
        }
        own.prefixes.sort_by_key(|(prefix, _)| std::cmp::Reverse(prefix.len()));
        own
    }

    /// The number of the route for `path`.
    pub(super) fn find(&self, path: &str) -> Option<usize> {
        let exact = self.exact.get(path).copied();
        exact.or_else(|| {
            let longest = self.prefixes.iter().find(|(prefix, _)| path.starts_with(&**prefix));
            longest.map(|(_, number)| *number)
        })
    }
}

/// Checks the path of a route: what is wrong with it, if anything is.
pub(crate) fn check_path(path: &str) -> Result<(), &'static str> {
    if !path.starts_with('/') {
        return Err("must begin with `/`");
    }
    if path.strip_suffix('*').unwrap_or(path).contains('*') {
        return Err("can have one `*`, as its last character");
    }
    if path.contains(['?', '#']) || !path.bytes().all(|byte| byte.is_ascii_graphic()) {
        return Err(
            "must be a path as clients send it: without a query, and other characters written with `%`",
        );
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_exact_path_wins_then_the_longest_begin() {
        let routes = ["/login/*", "/a", "/login/a/*", "/login/a/b", "/img*"];
        let paths = Paths::new(routes.into_iter());
        for (path, expected) in [
            ("/a", Some("/a")),
            ("/a/", None),
            ("/A", None),
            ("/login/", Some("/login/*")),
            ("/login", None),
            ("/login/x/y", Some("/login/*")),
            ("/login/a", Some("/login/*")),
            ("/login/a/", Some("/login/a/*")),
            ("/login/a/b", Some("/login/a/b")),
            ("/login/a/b/", Some("/login/a/*")),
            ("/img.png", Some("/img*")),
            ("/img", Some("/img*")),
            ("/", None),
            ("*", None),
            ("/a/../login/a", None),
            ("/%61", None),
        ] {
            assert_eq!(paths.find(path).map(|number| routes[number]), expected, "{path}");
        }
        let all = Paths::new(["/*"].into_iter());
        assert_eq!((all.find("/"), all.find("/a/b"), all.find("*")), (Some(0), Some(0), None));
    }

    #[test]
    fn paths_that_cannot_match_are_mistakes() {
        for path in ["/", "/*", "/a", "/a/*", "/a*", "/a%20b", "/a.b-c_d~e"] {
            assert_eq!(check_path(path), Ok(()), "{path}");
        }
        for (path, why) in [
            ("a", "begin with `/`"),
            ("", "begin with `/`"),
            ("*", "begin with `/`"),
            ("/*/a", "one `*`"),
            ("/**", "one `*`"),
            ("/a?b", "query"),
            ("/a b", "query"),
            ("/\u{e4}", "query"),
        ] {
            assert!(check_path(path).unwrap_err().contains(why), "{path}");
        }
    }
}
