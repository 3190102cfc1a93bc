//! The WebSocket handshake: the checks of the request, and the headers of the reply.

use http::header::{
    CONNECTION, CONTENT_LENGTH, HOST, ORIGIN, SEC_WEBSOCKET_KEY, SEC_WEBSOCKET_PROTOCOL,
    SEC_WEBSOCKET_VERSION, TRANSFER_ENCODING, UPGRADE,
};
use http::request::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Method, StatusCode, Version};
use tokio_tungstenite::tungstenite::handshake::derive_accept_key;

use crate::cors::SealedCors;
use crate::error::{Error, Result};
use crate::negotiate::lists;

const WEBSOCKET: HeaderValue = HeaderValue::from_static("websocket");
const SWITCH: HeaderValue = HeaderValue::from_static("upgrade");

/// The headers of the reply to a valid handshake.
///
/// # Errors
/// 400, or 426 with the headers that name the protocol to ask for.
pub(super) fn answer(head: &Parts) -> Result<HeaderMap> {
    let wrong = |why: &'static str| Err(Error::of_ours(StatusCode::BAD_REQUEST, why));
    if head.version == Version::HTTP_2 {
        return wrong("a WebSocket needs HTTP/1.1: over HTTP/2 (RFC 8441) none is offered");
    }
    if !lists(&head.headers, &UPGRADE, "websocket") {
        return Err(required("this is a WebSocket: ask for it with \"Upgrade: websocket\""));
    }
    if head.version != Version::HTTP_11 {
        return wrong("a WebSocket needs HTTP/1.1");
    }
    if head.method != Method::GET {
        return wrong("the handshake of a WebSocket is a GET");
    }
    if !lists(&head.headers, &CONNECTION, "upgrade") {
        return wrong(
            "the handshake has no \"Connection: Upgrade\"; a proxy in between may have to be told to pass it on",
        );
    }
    if has_body(&head.headers) {
        return wrong("the handshake of a WebSocket has no body");
    }
    if head.headers.get(SEC_WEBSOCKET_VERSION).is_none_or(|version| version != "13") {
        return Err(required("only version 13 of the WebSocket protocol is spoken here")
            .with_header(SEC_WEBSOCKET_VERSION, HeaderValue::from_static("13")));
    }
    let mut keys = head.headers.get_all(SEC_WEBSOCKET_KEY).iter();
    let (Some(key), None) = (keys.next().filter(|key| is_key(key.as_bytes())), keys.next()) else {
        return wrong("Sec-WebSocket-Key has to be there once, with 16 bytes in base64");
    };
    let mut headers = HeaderMap::with_capacity(4);
    headers.insert(CONNECTION, SWITCH);
    headers.insert(UPGRADE, WEBSOCKET);
    headers.insert(http::header::SEC_WEBSOCKET_ACCEPT, accept(key));
    Ok(headers)
}

/// A 426, which has to name the protocol to use (RFC 9110, section 15.5.22).
fn required(why: &'static str) -> Error {
    let error = Error::of_ours(StatusCode::UPGRADE_REQUIRED, why);
    error.with_header(CONNECTION, SWITCH).with_header(UPGRADE, WEBSOCKET)
}

fn list<'h>(headers: &'h HeaderMap, name: &HeaderName) -> impl Iterator<Item = &'h str> {
    // The header is split as bytes, so that a word that is not text does not hide the others.
    let words = headers.get_all(name).iter().flat_map(|line| line.as_bytes().split(|byte| *byte == b','));
    words.filter_map(|word| std::str::from_utf8(word.trim_ascii()).ok())
}

fn has_body(headers: &HeaderMap) -> bool {
    headers.contains_key(TRANSFER_ENCODING) || headers.get(CONTENT_LENGTH).is_some_and(|length| length != "0")
}

/// Whether the key is 16 bytes in base64: 22 letters and `==`. The last letter holds two bits.
fn is_key(key: &[u8]) -> bool {
    let Some((letters, b"==")) = key.split_last_chunk() else { return false };
    letters.len() == 22
        && letters.iter().all(|letter| letter.is_ascii_alphanumeric() || b"+/".contains(letter))
        && letters.last().is_some_and(|last| b"AQgw".contains(last))
}

/// The accept key, which shows the client that the server speaks WebSocket.
fn accept(key: &HeaderValue) -> HeaderValue {
    // Base64 is ASCII.
    HeaderValue::try_from(derive_accept_key(key.as_bytes())).unwrap_or(HeaderValue::from_static(""))
}

/// The index of the first of our subprotocols that the client offers.
pub(super) fn protocol<P: AsRef<str>>(head: &Parts, ours: &[P]) -> Option<usize> {
    ours.iter()
        .position(|own| list(&head.headers, &SEC_WEBSOCKET_PROTOCOL).any(|offered| offered == own.as_ref()))
}

/// Whether pages of the request's origin may open sockets here: pages of this host, and those that the CORS policy
/// allows.
///
/// Browsers open sockets across origins with cookies and without a preflight, so that other origins need an explicit
/// permission.
pub(super) fn is_allowed(head: &Parts, host: Option<&str>, cors: Option<&SealedCors>) -> bool {
    // No browser sends two origins.
    let mut origins = head.headers.get_all(ORIGIN).iter();
    match (origins.next(), origins.next()) {
        (None, _) => true,
        (Some(origin), None) => {
            let host = host.or_else(|| head.headers.get(HOST)?.to_str().ok());
            is_own(origin, host) || cors.is_some_and(|cors| cors.allows(origin))
        }
        _ => false,
    }
}

/// Whether an origin is the requested host. The scheme is not compared, because TLS ends before the function.
fn is_own(origin: &HeaderValue, host: Option<&str>) -> bool {
    let (Ok(origin), Some(host)) = (origin.to_str(), host) else { return false };
    let Some((scheme, own)) = origin.split_once("://") else { return false };
    let port = match scheme {
        "http" => ":80",
        "https" => ":443",
        _ => return false,
    };
    let host = host.strip_suffix(port).unwrap_or(host);
    own.eq_ignore_ascii_case(host)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_example_of_the_standard() {
        let key = HeaderValue::from_static("dGhlIHNhbXBsZSBub25jZQ==");
        assert!(is_key(key.as_bytes()));
        assert_eq!(accept(&key), "s3pPLMBiTxaQ9kYGzzhZRbK+xOo=");
    }

    #[test]
    fn keys_are_16_bytes() {
        for wrong in
            ["", "==", "dGhlIHNhbXBsZSBub25jZQ=", "dGhlIHNhbXBsZSBub25jZR==", "dGhlIHNhbXBsZSBub25j*Q=="]
        {
            assert!(!is_key(wrong.as_bytes()), "{wrong}");
        }
    }

    #[track_caller]
    fn check(origin: &str, host: &str, expected: bool) {
        assert_eq!(
            is_own(&HeaderValue::from_str(origin).unwrap(), Some(host)),
            expected,
            "{origin} at {host}"
        );
    }

    #[test]
    fn an_origin_is_the_same_as_its_host() {
        check("https://fn.example", "fn.example", true);
        check("http://fn.example:9000", "fn.example:9000", true);
        check("https://fn.example", "FN.example:443", true);
        check("https://fn.example", "fn.example:80", false);
        check("https://evil.example", "fn.example", false);
        check("https://fn.example.evil.example", "fn.example", false);
        check("null", "null", false);
        check("file://fn.example", "fn.example", false);
    }
}
