//! Conditional requests and ranges (RFC 9110, sections 13 and 14): what a request asks of the current content.

use std::ops::Range;
use std::time::{Duration, SystemTime};

use http::header::{IF_MATCH, IF_MODIFIED_SINCE, IF_NONE_MATCH, IF_RANGE, IF_UNMODIFIED_SINCE, RANGE};
use http::{HeaderMap, HeaderName, Method};

/// What tells one state of the content from another.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct State<'s> {
    /// The `ETag`, with its quotes.
    pub(crate) etag: Option<&'s [u8]>,
    /// The `Last-Modified`, without parts of a second.
    pub(crate) modified: Option<SystemTime>,
}

/// What the request gets.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Verdict {
    Whole,
    /// 206: these bytes.
    Part(Range<u64>),
    /// 304: the client has it.
    NotModified,
    /// 412: a precondition failed.
    Failed,
    /// 416: no byte of the range exists.
    Unsatisfiable,
}

/// Judges a request by its headers, in the order of the RFC. `length` is that of the whole content, if it can be given in
/// parts.
pub(crate) fn judge(method: &Method, headers: &HeaderMap, state: State<'_>, length: Option<u64>) -> Verdict {
    if !ASKED.iter().any(|name| headers.contains_key(name)) {
        return Verdict::Whole;
    }
    let reads = [Method::GET, Method::HEAD].contains(method);
    if headers.contains_key(IF_MATCH) {
        if !matches(headers, &IF_MATCH, state, is_strongly) {
            return Verdict::Failed;
        }
    } else if let (Some(date), Some(modified)) = (date(headers, &IF_UNMODIFIED_SINCE), state.modified)
        && modified > date
    {
        return Verdict::Failed;
    }
    if headers.contains_key(IF_NONE_MATCH) {
        if matches(headers, &IF_NONE_MATCH, state, is_weakly) {
            return if reads { Verdict::NotModified } else { Verdict::Failed };
        }
    } else if let (Some(date), Some(modified)) = (date(headers, &IF_MODIFIED_SINCE), state.modified)
        && reads
        && modified <= date
    {
        return Verdict::NotModified;
    }
    match length {
        Some(length) if *method == Method::GET && is_for_this(headers, state) => range(headers, length),
        _ => Verdict::Whole,
    }
}

/// The headers that this file reads, but for `If-Range`, which means nothing without `Range`.
const ASKED: [HeaderName; 5] = [IF_NONE_MATCH, RANGE, IF_MODIFIED_SINCE, IF_MATCH, IF_UNMODIFIED_SINCE];

/// The bytes that `Range` asks for. Several ranges, and what is no range of bytes, get the whole content.
fn range(headers: &HeaderMap, length: u64) -> Verdict {
    let mut lines = headers.get_all(RANGE).iter();
    let (Some(line), None) = (lines.next(), lines.next()) else { return Verdict::Whole };
    let Some((first, last)) = line.to_str().ok().and_then(one_range) else { return Verdict::Whole };
    match (first, last) {
        (Some(first), Some(last)) if last < first => Verdict::Whole,
        (Some(first), _) if first >= length => Verdict::Unsatisfiable,
        (Some(first), last) => {
            Verdict::Part(first..last.map_or(length, |last| length.min(last.saturating_add(1))))
        }
        (None, Some(0)) => Verdict::Unsatisfiable,
        // Nothing of nothing cannot be said with numbers.
        (None, Some(_)) if length == 0 => Verdict::Whole,
        // More than there is: all of it.
        (None, Some(most)) => Verdict::Part(length.saturating_sub(most)..length),
        (None, None) => Verdict::Whole,
    }
}

/// First and last byte of `bytes=1-2`, `bytes=1-` or `bytes=-2`.
fn one_range(line: &str) -> Option<(Option<u64>, Option<u64>)> {
    let (unit, range) = line.split_once('=')?;
    let (first, last) = range.trim().split_once('-')?;
    let number = |text: &str| match text.trim() {
        "" => Some(None),
        // Beyond 2^64 is beyond every content.
        digits if digits.bytes().all(|byte| byte.is_ascii_digit()) => {
            Some(Some(digits.parse().unwrap_or(u64::MAX)))
        }
        _ => None,
    };
    let range = (number(first)?, number(last)?);
    unit.trim().eq_ignore_ascii_case("bytes").then_some(range)
}

/// Whether `If-Range`, if there is one, names this state.
fn is_for_this(headers: &HeaderMap, state: State<'_>) -> bool {
    let Some(condition) = headers.get(IF_RANGE).map(|line| line.as_bytes().trim_ascii()) else { return true };
    if condition.ends_with(b"\"") {
        return state.etag.is_some_and(|etag| is_strongly(condition, etag));
    }
    let named = std::str::from_utf8(condition).ok().and_then(|text| httpdate::parse_http_date(text).ok());
    named.is_some() && named == state.modified
}

fn matches(
    headers: &HeaderMap,
    name: &HeaderName,
    state: State<'_>,
    is_same: fn(&[u8], &[u8]) -> bool,
) -> bool {
    headers.get_all(name).iter().any(|line| {
        let line = line.as_bytes().trim_ascii();
        // The star is every state of what exists, and what is asked for does.
        line == b"*" || state.etag.is_some_and(|own| tags(line).any(|tag| is_same(tag, own)))
    })
}

/// The tags of a list. A comma may stand inside a tag.
fn tags(line: &[u8]) -> impl Iterator<Item = &[u8]> {
    let mut quoted = false;
    let tags = line.split(move |byte| {
        quoted ^= *byte == b'"';
        *byte == b',' && !quoted
    });
    tags.map(<[u8]>::trim_ascii)
}

/// Equal and both strong.
fn is_strongly(one: &[u8], other: &[u8]) -> bool {
    one == other && !one.starts_with(b"W/")
}

fn is_weakly(one: &[u8], other: &[u8]) -> bool {
    let opaque = |tag: &[u8]| tag.strip_prefix(b"W/").unwrap_or(tag).to_vec();
    one == other || opaque(one) == opaque(other)
}

/// The date of a header. What is no date counts as absent.
fn date(headers: &HeaderMap, name: &HeaderName) -> Option<SystemTime> {
    headers.get(name)?.to_str().ok().and_then(|text| httpdate::parse_http_date(text.trim()).ok())
}

/// A time without parts of a second, as headers say it. `None` before 1970.
pub(crate) fn whole_second(time: SystemTime) -> Option<SystemTime> {
    let since = time.duration_since(SystemTime::UNIX_EPOCH).ok()?;
    Some(SystemTime::UNIX_EPOCH + Duration::from_secs(since.as_secs()))
}

#[cfg(test)]
mod tests {
    use http::HeaderValue;

    use super::*;

    /// The 9th of November 1994, in all three forms of a date.
    const DATE: &str = "Wed, 09 Nov 1994 08:49:37 GMT";
    const DATES: [&str; 3] = [DATE, "Wednesday, 09-Nov-94 08:49:37 GMT", "Wed Nov  9 08:49:37 1994"];
    const EARLIER: &str = "Wed, 09 Nov 1994 08:49:36 GMT";

    fn ask(method: &Method, lines: &[(&'static str, &str)], length: u64) -> Verdict {
        let headers = lines
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_str(value).unwrap()));
        let modified = httpdate::parse_http_date(DATE).ok();
        judge(method, &headers.collect(), State { etag: Some(b"\"a,b\""), modified }, Some(length))
    }

    #[track_caller]
    #[allow(clippy::needless_pass_by_value, reason = "reads better")]
    fn check(lines: &[(&'static str, &str)], expected: Verdict) {
        assert_eq!(ask(&Method::GET, lines, 100), expected, "{lines:?}");
    }

    #[test]
    fn ranges_are_cut_to_the_content() {
        for (range, expected) in [
            ("bytes=0-0", Verdict::Part(0..1)),
            ("bytes=10-19", Verdict::Part(10..20)),
            ("Bytes = 10 - 19", Verdict::Part(10..20)),
            ("bytes=90-1000", Verdict::Part(90..100)),
            ("bytes=90-", Verdict::Part(90..100)),
            ("bytes=90-18446744073709551615", Verdict::Part(90..100)),
            ("bytes=90-99999999999999999999999", Verdict::Part(90..100)),
            ("bytes=-10", Verdict::Part(90..100)),
            ("bytes=-65536", Verdict::Part(0..100)),
            ("bytes=100-", Verdict::Unsatisfiable),
            ("bytes=99999999999999999999999-", Verdict::Unsatisfiable),
            ("bytes=-0", Verdict::Unsatisfiable),
            ("bytes=20-10", Verdict::Whole),
            ("bytes=0-1,5-6", Verdict::Whole),
            ("bytes=-", Verdict::Whole),
            ("bytes=a-b", Verdict::Whole),
            ("bytes=+1-2", Verdict::Whole),
            ("lines=0-1", Verdict::Whole),
            ("0-1", Verdict::Whole),
        ] {
            check(&[("range", range)], expected);
        }
        check(&[("range", "bytes=0-1"), ("range", "bytes=5-6")], Verdict::Whole);
        assert_eq!(ask(&Method::HEAD, &[("range", "bytes=0-1")], 100), Verdict::Whole);
        assert_eq!(ask(&Method::GET, &[("range", "bytes=-5")], 0), Verdict::Whole);
        assert_eq!(ask(&Method::GET, &[("range", "bytes=0-")], 0), Verdict::Unsatisfiable);
    }

    #[test]
    fn a_range_of_another_state_gets_the_whole() {
        let range = ("range", "bytes=0-1");
        check(&[range, ("if-range", "\"a,b\"")], Verdict::Part(0..2));
        check(&[range, ("if-range", DATE)], Verdict::Part(0..2));
        for other in ["\"b\"", "W/\"a,b\"", EARLIER, "nonsense", ""] {
            check(&[range, ("if-range", other)], Verdict::Whole);
        }
        check(&[("if-range", "\"a,b\"")], Verdict::Whole);
    }

    #[test]
    fn a_client_that_has_the_state_gets_nothing_anew() {
        for tags in ["\"a,b\"", "W/\"a,b\"", "*", "\"x\", \"a,b\"", "\"x,y\" , W/\"a,b\""] {
            check(&[("if-none-match", tags)], Verdict::NotModified);
            assert_eq!(ask(&Method::PUT, &[("if-none-match", tags)], 1), Verdict::Failed, "{tags}");
        }
        check(&[("if-none-match", "\"x\""), ("if-none-match", "\"a,b\"")], Verdict::NotModified);
        check(&[("if-none-match", "\"x\", \"a\"")], Verdict::Whole);
        // The tag decides where there is one.
        check(&[("if-none-match", "\"x\""), ("if-modified-since", DATE)], Verdict::Whole);
        for date in DATES {
            check(&[("if-modified-since", date)], Verdict::NotModified);
        }
        check(&[("if-modified-since", EARLIER)], Verdict::Whole);
        check(&[("if-modified-since", "yesterday")], Verdict::Whole);
        assert_eq!(ask(&Method::PUT, &[("if-modified-since", DATE)], 1), Verdict::Whole);
        check(&[("if-none-match", "\"a,b\""), ("range", "bytes=0-1")], Verdict::NotModified);
    }

    #[test]
    fn a_precondition_that_does_not_hold_fails() {
        check(&[("if-match", "\"a,b\"")], Verdict::Whole);
        check(&[("if-match", "*")], Verdict::Whole);
        check(&[("if-match", "\"x\"")], Verdict::Failed);
        check(&[("if-match", "W/\"a,b\"")], Verdict::Failed);
        check(&[("if-unmodified-since", DATE)], Verdict::Whole);
        check(&[("if-unmodified-since", EARLIER)], Verdict::Failed);
        check(&[("if-match", "\"a,b\""), ("if-unmodified-since", EARLIER)], Verdict::Whole);
        check(&[("if-match", "\"a,b\""), ("if-none-match", "\"a,b\"")], Verdict::NotModified);
    }

    #[test]
    fn without_a_state_only_the_star_matches() {
        let judge = |name: &'static str, value: &'static str| {
            let headers =
                HeaderMap::from_iter([(HeaderName::from_static(name), HeaderValue::from_static(value))]);
            judge(&Method::GET, &headers, State::default(), None)
        };
        assert_eq!(judge("if-none-match", "\"a\""), Verdict::Whole);
        assert_eq!(judge("if-none-match", "*"), Verdict::NotModified);
        assert_eq!(judge("if-match", "\"a\""), Verdict::Failed);
        assert_eq!(judge("if-modified-since", DATE), Verdict::Whole);
        assert_eq!(judge("range", "bytes=0-1"), Verdict::Whole);
    }
}
