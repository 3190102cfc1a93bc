//! The cookies of a request. The header is split as bytes, so that a cookie that is not text does not hide the others.

use http::HeaderMap;
use http::header::COOKIE;

/// All cookies, over all lines of the header: HTTP/2 clients may send one line for each.
pub(super) fn all(headers: &HeaderMap) -> impl Iterator<Item = (&[u8], &[u8])> {
    let lines = headers.get_all(COOKIE).iter();
    let pairs = lines.flat_map(|line| line.as_bytes().split(|byte| *byte == b';'));
    pairs.filter_map(|pair| {
        let pair = pair.trim_ascii();
        let (name, value) = pair.split_at(pair.iter().position(|byte| *byte == b'=')?);
        Some((name, &value[1..]))
    })
}

/// The values of the cookies with this name.
pub(super) fn named<'h>(headers: &'h HeaderMap, name: &str) -> impl Iterator<Item = &'h [u8]> {
    all(headers).filter(move |(own, _)| *own == name.as_bytes()).map(|(_, value)| value)
}

/// How many cookies of one name are tried. Other hosts of the domain may set some, which come first.
#[cfg(feature = "cookies")]
const TRIED_MAX: usize = 8;

/// The first cookie of this name that can be opened. Some clients put quotes around a value that has `=` in it, as each
/// signature has.
#[cfg(feature = "cookies")]
pub(super) fn genuine(
    headers: &HeaderMap,
    name: &str,
    open: impl Fn(&str) -> Option<String>,
) -> Option<String> {
    let mut texts = named(headers, name).take(TRIED_MAX).filter_map(|value| std::str::from_utf8(value).ok());
    texts.find_map(|sent| {
        let unquoted = || sent.strip_prefix('"')?.strip_suffix('"');
        open(sent).or_else(|| open(unquoted()?))
    })
}
