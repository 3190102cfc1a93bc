//! gRPC at the front: which requests are calls, and a failure as the status of a call.

use std::fmt::Write;

use bytes::Bytes;
use fc_runtime::platform::names::header as fc;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue, Request, Response, StatusCode, Version};

use super::body::plain;
use super::refusal::{self, ERROR_TYPE};
use crate::failure::{Failure, FailureKind};

const STATUS: HeaderName = HeaderName::from_static("grpc-status");
const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

/// The longest text of a status, in bytes as they are sent. Clients refuse large heads.
const MESSAGE_BYTES_MAX: usize = 2048;

/// Whether a request is a gRPC call. gRPC-Web is HTTP.
pub(crate) fn is_call<B>(request: &Request<B>) -> bool {
    request.version() == Version::HTTP_2
        && request.headers().get(CONTENT_TYPE).is_some_and(|value| {
            let rest = value.as_bytes().strip_prefix(b"application/grpc");
            rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'+' | b';' | b' ')))
        })
}

/// The code of a status: a number of gRPC's table, 0 for success.
pub(crate) fn code_of(headers: &HeaderMap) -> Option<u32> {
    headers.get(STATUS)?.to_str().ok()?.parse().ok()
}

/// The status of gRPC for a failure. For most of them it is gRPC's own table of HTTP statuses.
fn code(failure: &Failure) -> u32 {
    match failure.kind {
        FailureKind::TimedOut => 4,
        FailureKind::EntityTooLarge => 8,
        kind => match refusal::status(kind).as_u16() {
            400 => 13,
            401 => 16,
            403 => 7,
            404 => 12,
            429 => 8,
            // An instance that does not start (412) is as unavailable as one that has ended.
            _ => 14,
        },
    }
}

/// A failure as the trailers of a call.
pub(crate) fn trailers(failure: &Failure) -> HeaderMap {
    let mut headers = HeaderMap::new();
    headers.insert(STATUS, HeaderValue::from(code(failure)));
    if let Ok(text) = HeaderValue::from_str(&encode(failure.message())) {
        headers.insert(MESSAGE, text);
    }
    headers
}

/// A failure as the whole reply to a call: a head with a status, and no message.
pub(crate) fn reply(failure: &Failure, id: &str) -> Response<Bytes> {
    let mut headers = trailers(failure);
    headers.insert(CONTENT_TYPE, HeaderValue::from_static("application/grpc"));
    headers.insert(ERROR_TYPE, refusal::error_type(failure.kind));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(fc::REQUEST_ID, id);
    }
    plain(StatusCode::OK, headers, Bytes::new())
}

/// The text of a status: printable ASCII but for `%` is sent as it is.
fn encode(message: &str) -> String {
    let mut text = String::with_capacity(message.len());
    for byte in message.bytes() {
        if text.len() + 3 > MESSAGE_BYTES_MAX {
            break;
        }
        match byte {
            b'%' | ..b' ' | 0x7f.. => {
                // Writing into a string cannot fail.
                _ = write!(text, "%{byte:02X}");
            }
            byte => text.push(char::from(byte)),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn a_call_is_told_by_version_and_content_type() {
        for (version, content_type, expected) in [
            (Version::HTTP_2, "application/grpc", true),
            (Version::HTTP_2, "application/grpc+proto", true),
            (Version::HTTP_2, "application/grpc;charset=x", true),
            (Version::HTTP_2, "application/grpc-web+proto", false),
            (Version::HTTP_2, "application/grpcx", false),
            (Version::HTTP_2, "application/json", false),
            (Version::HTTP_11, "application/grpc", false),
        ] {
            let request = Request::builder().version(version).header("content-type", content_type).body(());
            assert_eq!(is_call(&request.unwrap()), expected, "{version:?} {content_type}");
        }
        assert!(!is_call(&Request::builder().version(Version::HTTP_2).body(()).unwrap()));
    }

    #[test]
    fn each_failure_has_a_status() {
        let second = Duration::from_secs(1);
        for (failure, expected) in [
            (Failure::invalid_argument("x"), 13),
            (Failure::entity_too_large(1), 8),
            (Failure::access_denied("x"), 7),
            (Failure::function_not_found("f"), 12),
            (Failure::trigger_not_found("f", None), 12),
            (Failure::domain_not_found("a", "b"), 12),
            (Failure::exhausted("f", 1), 8),
            (Failure::unavailable("x"), 14),
            (Failure::bad_response("x"), 14),
            (Failure::exited_at_start(1, "f", ""), 14),
            (Failure::not_started(9000, second, ""), 14),
            (Failure::process_exited(second, 0), 14),
            (Failure::timed_out(second, second, 0), 4),
        ] {
            assert_eq!(code(&failure), expected, "{failure:?}");
            assert_eq!(code_of(&trailers(&failure)), Some(expected));
        }
    }

    #[test]
    fn a_text_is_encoded_and_bounded() {
        assert_eq!(encode("a b%c\nd é"), "a b%25c%0Ad %C3%A9");
        assert_eq!(encode(&"\n".repeat(10_000)).len(), 2046);
    }
}
