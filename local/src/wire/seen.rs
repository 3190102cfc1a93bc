//! Which of the headers that the gateway asks for a request has.

use fc_runtime::platform::names::RESERVED_PREFIX;
use http::HeaderMap;

/// The answer to most look-ups of a request. One pass over the few names that there are costs less than a look-up of each
/// that is absent.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) struct Seen(u16);

impl Seen {
    pub(crate) const CONNECTION: Seen = Seen(1);
    pub(crate) const CONTENT_LENGTH: Seen = Seen(1 << 1);
    pub(crate) const EXPECT: Seen = Seen(1 << 2);
    pub(crate) const ORIGIN: Seen = Seen(1 << 3);
    pub(crate) const SEC_FETCH_DEST: Seen = Seen(1 << 4);
    pub(crate) const TRANSFER_ENCODING: Seen = Seen(1 << 5);
    pub(crate) const UPGRADE: Seen = Seen(1 << 6);
    /// One of the other headers that concern one connection only.
    pub(crate) const HOP_BY_HOP: Seen = Seen(1 << 7);
    /// Whether the client says what it does with trailers, as all of gRPC do.
    pub(crate) const TE: Seen = Seen(1 << 9);
    /// One of the platform's own headers.
    pub(crate) const RESERVED: Seen = Seen(1 << 8);

    pub(crate) fn of(headers: &HeaderMap) -> Self {
        let mut all = 0;
        for name in headers.keys() {
            all |= Seen::named(name.as_str()).0;
        }
        Seen(all)
    }

    fn named(name: &str) -> Self {
        match name {
            "connection" => Seen::CONNECTION,
            "content-length" => Seen::CONTENT_LENGTH,
            "expect" => Seen::EXPECT,
            "origin" => Seen::ORIGIN,
            "sec-fetch-dest" => Seen::SEC_FETCH_DEST,
            "transfer-encoding" => Seen::TRANSFER_ENCODING,
            "upgrade" => Seen::UPGRADE,
            "keep-alive" | "proxy-connection" | "proxy-authenticate" | "proxy-authorization" => {
                Seen::HOP_BY_HOP
            }
            "te" => Seen::TE,
            _ if name.starts_with(RESERVED_PREFIX) => Seen::RESERVED,
            _ => Seen(0),
        }
    }

    /// These and those.
    pub(crate) const fn or(self, other: Seen) -> Seen {
        Seen(self.0 | other.0)
    }

    /// Whether there is one of `any`.
    pub(crate) fn has(self, any: Seen) -> bool {
        self.0 & any.0 != 0
    }
}

#[cfg(test)]
mod tests {
    use http::{HeaderName, HeaderValue};

    use super::*;

    #[test]
    fn what_is_seen_is_what_a_look_up_finds() {
        let all = [
            ("connection", Seen::CONNECTION),
            ("content-length", Seen::CONTENT_LENGTH),
            ("expect", Seen::EXPECT),
            ("origin", Seen::ORIGIN),
            ("sec-fetch-dest", Seen::SEC_FETCH_DEST),
            ("transfer-encoding", Seen::TRANSFER_ENCODING),
            ("upgrade", Seen::UPGRADE),
            ("te", Seen::TE),
            ("proxy-authorization", Seen::HOP_BY_HOP),
            ("x-fc-anything", Seen::RESERVED),
        ];
        for (name, expected) in all {
            let mut headers = HeaderMap::new();
            headers.insert("host", HeaderValue::from_static("a"));
            assert_eq!(Seen::of(&headers), Seen::default());
            headers.insert(HeaderName::from_static(name), HeaderValue::from_static("1"));
            let seen = Seen::of(&headers);
            for (other, place) in all {
                assert_eq!(seen.has(place), place == expected, "{name} {other}");
            }
            assert!(seen.has(Seen::EXPECT.or(expected)), "{name}");
        }
    }
}
