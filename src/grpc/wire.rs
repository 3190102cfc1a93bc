//! The transport of a call: content type and time-out.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};

/// The variants of gRPC.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Wire {
    /// gRPC over HTTP/2, with the status in trailers.
    Grpc,
    /// gRPC-Web over any version of HTTP, with the status in the last frame of the body.
    Web,
    /// gRPC-Web in base64, for clients that read text only.
    WebText,
}

const PREFIX: &[u8] = b"application/grpc";
pub(crate) const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

impl Wire {
    /// The variant that the content type names. `None` if it is not gRPC.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        Self::with_format(headers).map(|(wire, _)| wire)
    }

    /// The transport that the content type names, and whether the messages are protobuf (the default). Media types are
    /// case-insensitive.
    pub(crate) fn with_format(headers: &HeaderMap) -> Option<(Self, bool)> {
        let rest = without(headers.get(CONTENT_TYPE)?.as_bytes(), PREFIX)?;
        let (wire, rest) = match without(rest, b"-web") {
            None => (Self::Grpc, rest),
            Some(rest) => match without(rest, b"-text") {
                None => (Self::Web, rest),
                Some(rest) => (Self::WebText, rest),
            },
        };
        // A message format or a parameter may follow.
        match rest.first() {
            None | Some(b';' | b' ' | b'\t') => Some((wire, true)),
            Some(b'+') => {
                let format = rest[1..].split(|byte| matches!(byte, b';' | b' ' | b'\t')).next();
                Some((wire, format.is_some_and(|format| format.eq_ignore_ascii_case(b"proto"))))
            }
            Some(_) => None,
        }
    }

    pub(crate) fn is_web(self) -> bool {
        self != Self::Grpc
    }

    pub(crate) fn content_type(self) -> HeaderValue {
        HeaderValue::from_static(match self {
            Self::Grpc => "application/grpc",
            Self::Web => "application/grpc-web+proto",
            Self::WebText => "application/grpc-web-text+proto",
        })
    }
}

/// The text behind `beginning`, compared without case.
fn without<'t>(text: &'t [u8], beginning: &[u8]) -> Option<&'t [u8]> {
    let (first, rest) = text.split_at_checked(beginning.len())?;
    // Nearly all clients write lower case, and equality is cheaper than a comparison without case.
    (first == beginning || first.eq_ignore_ascii_case(beginning)).then_some(rest)
}

/// The time-out that the client announces.
pub(crate) fn patience(headers: &HeaderMap) -> Option<Duration> {
    parse_timeout(headers.get(TIMEOUT)?.as_bytes())
}

/// Parses one to eight digits and a unit.
pub(crate) fn parse_timeout(text: &[u8]) -> Option<Duration> {
    let (unit, digits) = text.split_last()?;
    if digits.is_empty() || digits.len() > 8 || !digits.iter().all(u8::is_ascii_digit) {
        return None;
    }
    let count = digits.iter().fold(0, |sum: u64, digit| sum * 10 + u64::from(digit - b'0'));
    Some(match unit {
        b'H' => Duration::from_secs(count * 3600),
        b'M' => Duration::from_secs(count * 60),
        b'S' => Duration::from_secs(count),
        b'm' => Duration::from_millis(count),
        b'u' => Duration::from_micros(count),
        b'n' => Duration::from_nanos(count),
        _ => return None,
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_wire(content_type: &'static str, expected: Option<Wire>) {
        check_format(content_type, expected.map(|wire| (wire, true)));
    }

    #[track_caller]
    fn check_format(content_type: &'static str, expected: Option<(Wire, bool)>) {
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        assert_eq!(Wire::with_format(&headers), expected, "{content_type}");
    }

    #[test]
    fn the_content_type_says_what_carries_a_call() {
        check_wire("application/grpc", Some(Wire::Grpc));
        check_wire("application/grpc+proto", Some(Wire::Grpc));
        check_wire("application/grpc; charset=utf-8", Some(Wire::Grpc));
        check_wire("application/grpc-web", Some(Wire::Web));
        check_wire("application/grpc-web+proto", Some(Wire::Web));
        check_wire("application/grpc-web-text", Some(Wire::WebText));
        check_wire("application/grpc-web-text+proto", Some(Wire::WebText));
        check_wire("Application/gRPC-Web-Text+Proto;x=y+json", Some(Wire::WebText));
        check_format("application/grpc+json", Some((Wire::Grpc, false)));
        check_format("application/grpc-web+", Some((Wire::Web, false)));
        check_wire("application/grpcx", None);
        check_wire("application/grp", None);
        check_wire("application/grpc-webx", None);
        check_wire("application/json", None);
    }

    #[track_caller]
    fn check_timeout(text: &str, expected: Option<Duration>) {
        assert_eq!(parse_timeout(text.as_bytes()), expected, "{text:?}");
    }

    #[test]
    fn timeouts_are_digits_and_a_unit() {
        check_timeout("1H", Some(Duration::from_secs(3600)));
        check_timeout("2M", Some(Duration::from_secs(120)));
        check_timeout("3S", Some(Duration::from_secs(3)));
        check_timeout("250m", Some(Duration::from_millis(250)));
        check_timeout("99999999u", Some(Duration::from_micros(99_999_999)));
        check_timeout("0n", Some(Duration::ZERO));
        for wrong in ["", "S", "5", "5s", "-1S", "1.5S", "123456789S", "1 S"] {
            check_timeout(wrong, None);
        }
    }
}
