//! The transport of a call: its content type, its encoding, its time-out.

use std::time::Duration;

use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};

use crate::error::{Error, Result};
use crate::exchange::Call;
use crate::grpc::status::of_ours;
use tonic::Code;

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

/// The compression of messages that are flagged as compressed.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
}

const PREFIX: &[u8] = b"application/grpc";
const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPTED: HeaderName = HeaderName::from_static("grpc-accept-encoding");
const TIMEOUT: HeaderName = HeaderName::from_static("grpc-timeout");

impl Wire {
    /// The variant that the content type names. `None` if it is not gRPC.
    pub(crate) fn of(headers: &HeaderMap) -> Option<Self> {
        let rest = headers.get(CONTENT_TYPE)?.as_bytes().strip_prefix(PREFIX)?;
        let (wire, rest) = match rest.strip_prefix(b"-web") {
            None => (Self::Grpc, rest),
            Some(rest) => match rest.strip_prefix(b"-text") {
                None => (Self::Web, rest),
                Some(rest) => (Self::WebText, rest),
            },
        };
        // A message format or a parameter may follow.
        matches!(rest.first(), None | Some(b'+' | b';' | b' ')).then_some(wire)
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

/// Checks the head of a call, before its body is read.
///
/// # Errors
/// 415 if the request is not gRPC; a gRPC status for all else.
pub(crate) fn accept(call: &Call) -> Result<Wire> {
    let headers = &call.head.headers;
    let Some(wire) = Wire::of(headers).filter(|_| is_protobuf(headers)) else {
        return Err(Error::of_ours(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "this is a gRPC method: its content type is application/grpc or application/grpc-web, with protobuf",
        ));
    };
    if wire == Wire::Grpc && call.head.version != Version::HTTP_2 {
        return Err(of_ours(Code::Unimplemented, "gRPC needs HTTP/2; over HTTP/1.1 there is gRPC-Web"));
    }
    if let Some(text) = headers.get(TIMEOUT)
        && parse_timeout(text.as_bytes()).is_none()
    {
        return Err(of_ours(
            Code::InvalidArgument,
            "grpc-timeout has to be at most 8 digits and a unit: H, M, S, m, u or n",
        ));
    }
    Ok(wire)
}

/// Whether the message format, which follows a `+`, is protobuf. Protobuf is the default.
fn is_protobuf(headers: &HeaderMap) -> bool {
    let text = headers.get(CONTENT_TYPE).map_or(&b""[..], HeaderValue::as_bytes);
    let format = text.split(|byte| *byte == b'+').nth(1).unwrap_or(b"proto");
    let format = format.split(|byte| matches!(byte, b';' | b' ')).next().unwrap_or_default();
    format == b"proto"
}

/// The compression that the call announces.
///
/// # Errors
/// A status for an unknown compression, with a header that lists the known ones.
pub(crate) fn encoding(headers: &HeaderMap) -> Result<Encoding> {
    match headers.get(ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(Encoding::Identity),
        Some(b"gzip") => Ok(Encoding::Gzip),
        Some(_) => {
            let error = of_ours(Code::Unimplemented, "this grpc-encoding is not supported");
            Err(error.with_header(ACCEPTED, HeaderValue::from_static("identity,gzip")))
        }
    }
}

/// The time-out that the client announces.
pub(crate) fn patience(headers: &HeaderMap) -> Option<Duration> {
    parse_timeout(headers.get(TIMEOUT)?.as_bytes())
}

/// Parses one to eight digits and a unit.
fn parse_timeout(text: &[u8]) -> Option<Duration> {
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
        let headers = HeaderMap::from_iter([(CONTENT_TYPE, HeaderValue::from_static(content_type))]);
        assert_eq!(Wire::of(&headers), expected, "{content_type}");
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
        check_wire("application/grpcx", None);
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
