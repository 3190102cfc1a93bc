//! A pattern such as `/users/{id}/files/{*rest}`: its checks and its parameters.

use std::borrow::Cow;

use crate::route::meaning::{encode, plain_pattern};
use crate::route::params::params;
use crate::route::{PARAMS_MAX, Param};

/// A checked pattern.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) struct Pattern {
    /// The pattern as the author wrote it, with the prefixes of its groups.
    pub(crate) text: Cow<'static, str>,
    /// The parameters, in order.
    pub(crate) params: Vec<Param>,
}

impl Pattern {
    /// # Errors
    /// The pattern as it was given, and the mistake.
    pub(crate) fn parse(text: Cow<'static, str>) -> Result<Self, (Cow<'static, str>, Cow<'static, str>)> {
        match checked_params(&text) {
            Ok(params) => Ok(Self { text, params }),
            Err(what) => Err((text, what)),
        }
    }
}

/// The parameters of a pattern without mistakes.
fn checked_params(text: &str) -> Result<Vec<Param>, Cow<'static, str>> {
    if !text.starts_with('/') {
        return Err("it has to start with \"/\"".into());
    }
    if is_plain(text) {
        return Ok(Vec::new());
    }
    if text.contains(['?', '#']) {
        return Err("it may only hold a path: the query is read with `ex.query()`".into());
    }
    if let Some(old) = text.split('/').find(|segment| segment.starts_with([':', '*'])) {
        let name = old.trim_start_matches([':', '*']);
        let new = if old.starts_with('*') { format!("{{*{name}}}") } else { format!("{{{name}}}") };
        return Err(format!("a parameter is written {new:?}, not {old:?}").into());
    }
    let params = params(&plain_pattern(text));
    let is_twice = |(at, param): &(usize, &Param)| params[..*at].iter().any(|other| other.name == param.name);
    if let Some((_, twice)) = params.iter().enumerate().find(is_twice) {
        return Err(format!("it has two parameters named {:?}", twice.name).into());
    }
    if params.len() > PARAMS_MAX {
        return Err(format!("it has {} parameters; {PARAMS_MAX} are the most", params.len()).into());
    }
    Ok(params)
}

/// A pattern as paths are looked up: characters that a client has to percent-encode are encoded, and no others.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Lookup {
    /// One path, as the author wrote it.
    Path,
    /// One path, which is spelled so.
    Spelled(String),
    /// Paths of many values, or with braces of their own.
    Braces(String),
}

impl Lookup {
    pub(super) fn of(text: &str) -> Self {
        if is_plain(text) {
            return Self::Path;
        }
        let mut encoded = String::with_capacity(text.len());
        for c in plain_pattern(text).chars() {
            if c.is_ascii_graphic() {
                encoded.push(c);
            } else {
                c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| encode(byte, &mut encoded));
            }
        }
        match encoded {
            encoded if encoded.contains(['{', '}']) => Self::Braces(encoded),
            encoded if encoded == text => Self::Path,
            encoded => Self::Spelled(encoded),
        }
    }
}

/// Whether a pattern is a path without anything special in it, as most are. One pass, since an instance has to read all
/// of them before it can answer.
fn is_plain(text: &str) -> bool {
    text.bytes().all(|byte| PLAIN[usize::from(byte)])
}

/// The bytes that mean themselves in a pattern.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = b'!';
    while byte <= b'~' {
        plain[byte as usize] = !matches!(byte, b'{' | b'}' | b'%' | b'?' | b'#' | b':' | b'*');
        byte += 1;
    }
    plain
};

/// Puts a group's prefix before a pattern: `/admin` and `/` give `/admin`.
pub(crate) fn join(prefix: &str, pattern: &str) -> String {
    let prefix = prefix.trim_end_matches('/');
    match (prefix, pattern) {
        ("", pattern) => pattern.to_owned(),
        (prefix, "/" | "") => prefix.to_owned(),
        // A mistake, which `parse` reports.
        (_, pattern) if !pattern.starts_with('/') => pattern.to_owned(),
        (prefix, pattern) => format!("{prefix}{pattern}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, expected: Result<&[&str], &str>) {
        match (Pattern::parse(text.to_owned().into()), expected) {
            (Ok(pattern), Ok(names)) => {
                assert_eq!(pattern.params.iter().map(|param| &*param.name).collect::<Vec<_>>(), names);
            }
            (Err((_, message)), Err(part)) => assert!(message.contains(part), "{message}"),
            (got, _) => panic!("{text:?} gave {got:?}"),
        }
    }

    #[test]
    fn patterns_name_their_parameters_or_say_what_is_wrong() {
        check("/", Ok(&[]));
        check("/users/{id}/posts/{post}", Ok(&["id", "post"]));
        check("/files/{*rest}", Ok(&["rest"]));
        check("/{{literal}}/{x}", Ok(&["x"]));
        check("users", Err("start with"));
        check("/users/:id", Err("written \"{id}\", not \":id\""));
        check("/files/*rest", Err("written \"{*rest}\""));
        check("/a?b", Err("query"));
        check("/{a}/{a}", Err("two parameters named \"a\""));
        check("/{a}/{b}/{c}/{d}/{e}/{f}/{g}/{h}/{i}", Err("9 parameters"));
    }

    #[test]
    fn prefixes_join_without_doubled_slashes() {
        assert_eq!(join("", "/a"), "/a");
        assert_eq!(join("/admin", "/"), "/admin");
        assert_eq!(join("/admin/", "/stats"), "/admin/stats");
        assert_eq!(join("/", "/stats"), "/stats");
        assert_eq!(join("/admin", "stats"), "stats");
    }

    #[test]
    fn text_beyond_ascii_is_matched_as_clients_send_it() {
        assert_eq!(Lookup::of("/café x"), Lookup::Spelled("/caf%C3%A9%20x".to_owned()));
        assert_eq!(Lookup::of("/a%2Eb/{x}"), Lookup::Braces("/a.b/{x}".to_owned()));
        assert_eq!(Lookup::of("/a%7Bb"), Lookup::Braces("/a{{b".to_owned()));
        for path in ["/", "/a.b", "/a:b", "/~a/(b)"] {
            assert_eq!(Lookup::of(path), Lookup::Path, "{path}");
        }
    }
}
