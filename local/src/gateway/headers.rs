//! Which headers pass, in both directions.

use std::net::SocketAddr;

use fc_runtime::platform::names::{RESERVED_PREFIX, STRIPPED_REPLY_HEADERS, header as fc};
use http::header::{CONNECTION, CONTENT_DISPOSITION, HOST};
use http::{HeaderMap, HeaderName, HeaderValue};

use crate::failure::Failure;

/// Headers that concern one connection only.
const HOP_BY_HOP: [&str; 9] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// Framing is made anew on each side.
const FRAMING: [&str; 2] = ["content-length", "expect"];

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");

/// What a client asks of the platform, not of the function.
#[derive(Debug, Clone, Copy, Default)]
pub(crate) struct Control {
    pub(crate) wants_log: bool,
    is_async: bool,
}

impl Control {
    pub(crate) fn take(headers: &HeaderMap) -> Self {
        let is = |name: &str, word: &str| {
            headers.get(name).is_some_and(|value| value.as_bytes().eq_ignore_ascii_case(word.as_bytes()))
        };
        Control { wants_log: is("x-fc-log-type", "Tail"), is_async: is("x-fc-invocation-type", "Async") }
    }

    pub(crate) fn refuse_async(self) -> Result<(), Failure> {
        if self.is_async {
            return Err(Failure::invalid_argument(
                "fc-local does not support asynchronous calls yet; call it synchronously",
            ));
        }
        Ok(())
    }
}

/// Takes out what does not go to the function.
pub(crate) fn strip_request(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    for name in FRAMING {
        headers.remove(name);
    }
    strip_reserved(headers);
}

/// Takes out what a function's reply cannot set.
pub(crate) fn strip_reply(headers: &mut HeaderMap) {
    strip_hop_by_hop(headers);
    for name in STRIPPED_REPLY_HEADERS {
        headers.remove(name);
    }
    strip_reserved(headers);
}

fn strip_hop_by_hop(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| name.trim().parse().ok())
            // A request without its host means something else.
            .filter(|name| *name != HOST)
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
    for name in HOP_BY_HOP {
        headers.remove(name);
    }
}

fn strip_reserved(headers: &mut HeaderMap) {
    let is_reserved = |name: &HeaderName| name.as_str().starts_with(RESERVED_PREFIX);
    if headers.keys().any(is_reserved) {
        let reserved: Vec<HeaderName> = headers.keys().filter(|name| is_reserved(name)).cloned().collect();
        for name in reserved {
            headers.remove(name);
        }
    }
}

/// Tells the function who called.
pub(crate) fn add_forwarding(headers: &mut HeaderMap, peer: SocketAddr) {
    let address = peer.ip().to_string();
    let Ok(own) = HeaderValue::from_str(&address) else { return };
    let chain: Vec<&str> =
        headers.get_all(&FORWARDED_FOR).iter().filter_map(|value| value.to_str().ok()).collect();
    let chain = if chain.is_empty() {
        None
    } else {
        HeaderValue::from_str(&format!("{}, {address}", chain.join(", "))).ok()
    };
    headers.insert(FORWARDED_FOR, chain.unwrap_or_else(|| own.clone()));
    headers.insert(FORWARDED_PROTO, HeaderValue::from_static("http"));
    headers.insert(HeaderName::from_static(fc::CLIENT_IP), own);
}

/// Built-in hosts make browsers save a reply instead of showing it.
pub(crate) fn force_attachment(headers: &mut HeaderMap) {
    headers.insert(CONTENT_DISPOSITION, HeaderValue::from_static("attachment"));
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn what_belongs_to_the_connection_or_the_platform_is_taken_out() {
        let mut headers = map(&[
            ("host", "a"),
            ("connection", "close, x-private, host"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "trailers"),
            ("upgrade", "websocket"),
            ("x-fc-request-id", "mine"),
            ("x-fc-anything", "1"),
            ("content-length", "5"),
            ("x-fcx", "stays"),
        ]);
        strip_request(&mut headers);
        assert_eq!(headers, map(&[("host", "a"), ("x-fcx", "stays")]));

        let mut headers = map(&[
            ("server", "me"),
            ("date", "now"),
            ("x-fc-status", "200"),
            ("x-own", "1"),
            ("content-length", "1"),
        ]);
        strip_reply(&mut headers);
        assert_eq!(headers, map(&[("x-own", "1")]));
    }

    #[test]
    fn the_peer_is_appended_to_the_chain() {
        let mut headers = map(&[("x-forwarded-for", "1.2.3.4")]);
        add_forwarding(&mut headers, "127.0.0.1:5".parse().unwrap());
        assert_eq!(headers["x-forwarded-for"], "1.2.3.4, 127.0.0.1");
        assert_eq!(headers["x-fc-client-ip"], "127.0.0.1");
    }
}
