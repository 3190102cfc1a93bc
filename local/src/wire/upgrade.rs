//! The upgrade to WebSocket in headers, on both sides of the gateway.

use bytes::Bytes;
use http::header::{CONNECTION, UPGRADE};
use http::{HeaderMap, HeaderValue, Method, Request, Version};
use hyper::upgrade::Upgraded;
use hyper_util::rt::TokioIo;
use tokio::io::{AsyncRead, AsyncWrite};

use super::headers::names;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");

/// Whether a client asks for a WebSocket. The function answers the handshake, and checks version and key. Other
/// upgrades are ignored, which HTTP allows.
pub(crate) fn is_handshake<B>(request: &Request<B>) -> bool {
    let headers = request.headers();
    headers.contains_key(UPGRADE)
        && request.method() == Method::GET
        && request.version() == Version::HTTP_11
        && names(headers, &CONNECTION, "upgrade")
        && names(headers, &UPGRADE, "websocket")
}

/// Whether the function's 101 answers a WebSocket handshake.
pub(crate) fn is_agreed(headers: &HeaderMap) -> bool {
    names(headers, &CONNECTION, "upgrade") && names(headers, &UPGRADE, "websocket")
}

/// Adds the headers of a handshake, or of its answer. They are hop-by-hop, so they were removed before.
pub(crate) fn set(headers: &mut HeaderMap) {
    headers.insert(CONNECTION, HeaderValue::from_static("upgrade"));
    headers.insert(UPGRADE, WEBSOCKET);
}

/// The original connection, which hyper got as a `T`, and the bytes that hyper had already read. `None` if the
/// connection is not a `T`.
pub(crate) fn take_apart<T>(upgraded: Upgraded) -> Option<(T, Bytes)>
where
    T: AsyncRead + AsyncWrite + Unpin + 'static,
{
    let parts = upgraded.downcast::<TokioIo<T>>().ok()?;
    Some((parts.io.into_inner(), parts.read_buf))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(method: &str, version: Version, headers: &[(&str, &str)], expected: bool) {
        let mut request = Request::builder().method(method).version(version);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        assert_eq!(is_handshake(&request), expected, "{request:?}");
    }

    #[test]
    fn a_handshake_is_a_get_that_asks_for_this_upgrade() {
        let asked = [("connection", "Upgrade"), ("upgrade", "websocket")];
        check("GET", Version::HTTP_11, &asked, true);
        check(
            "GET",
            Version::HTTP_11,
            &[("connection", "keep-alive, upgrade"), ("upgrade", "WebSocket")],
            true,
        );
        check("GET", Version::HTTP_11, &[asked[0], ("upgrade", "h2c"), asked[1]], true);
        check("GET", Version::HTTP_11, &[asked[0], ("upgrade", "h2c, websocket")], true);
        check("GET", Version::HTTP_11, &[asked[1]], false);
        check("GET", Version::HTTP_11, &[asked[0]], false);
        check("GET", Version::HTTP_11, &[asked[0], ("upgrade", "h2c")], false);
        check("GET", Version::HTTP_11, &[("connection", "close"), asked[1]], false);
        check("POST", Version::HTTP_11, &asked, false);
        check("GET", Version::HTTP_10, &asked, false);
    }
}
