//! The headers that every request is checked for, found in one pass.
//!
//! A look-up hashes its name. One pass over a dozen headers costs less than three look-ups.

use http::{HeaderMap, HeaderValue};

use crate::platform::names::header;

/// The names that are looked for.
const NAMES: [&str; 10] = [
    "host",
    "transfer-encoding",
    "origin",
    "traceparent",
    "b3",
    "x-b3-traceid",
    "x-b3-sampled",
    header::REQUEST_ID,
    header::CONTROL_PATH,
    header::SERVICE_NAME,
];

/// Their lengths, each as a bit.
const LENGTHS: u64 = {
    let (mut lengths, mut at) = (0, 0);
    while at < NAMES.len() {
        lengths |= 1 << NAMES[at].len();
        at += 1;
    }
    lengths
};

/// The result of the pass.
#[derive(Default)]
#[allow(clippy::struct_excessive_bools, reason = "each is a finding of its own")]
pub(crate) struct HeadersSeen<'h> {
    /// The number of `Host` headers, and the first of them.
    pub(crate) hosts: usize,
    pub(crate) host: Option<&'h HeaderValue>,
    /// The number of `Transfer-Encoding` headers, and whether one of them is anything but `chunked`.
    pub(crate) codings: usize,
    pub(crate) is_unknown_coding: bool,
    /// Whether there is an `Origin` header: a browser page sent the request.
    pub(crate) has_origin: bool,
    pub(crate) request_id: Option<&'h HeaderValue>,
    pub(crate) control_path: Option<&'h HeaderValue>,
    /// Whether FC 2.0 sent the request: it names a service.
    pub(crate) is_fc2: bool,
    /// Whether a header names the trace of the request.
    pub(crate) has_trace: bool,
    /// The size of all names and values, in bytes.
    pub(crate) size: usize,
}

impl<'h> HeadersSeen<'h> {
    /// `trusted` means that the platform's own headers are believed.
    pub(crate) fn at(headers: &'h HeaderMap, trusted: bool) -> Self {
        let mut seen = Self::default();
        for (name, value) in headers {
            let name = name.as_str();
            seen.size += name.len() + value.len();
            // Most names are of no interest. Their lengths and their first letters exclude nearly all of them.
            if name.len() >= 64 || LENGTHS >> name.len() & 1 == 0 {
                continue;
            }
            if !matches!(name.as_bytes()[0], b'b' | b'h' | b'o' | b't' | b'x') {
                continue;
            }
            match name {
                "host" => {
                    seen.hosts += 1;
                    seen.host.get_or_insert(value);
                }
                "transfer-encoding" => {
                    seen.codings += 1;
                    seen.is_unknown_coding |= !value.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked");
                }
                "origin" => seen.has_origin = true,
                "traceparent" | "b3" | "x-b3-traceid" | "x-b3-sampled" => seen.has_trace = true,
                header::REQUEST_ID if trusted => seen.request_id = Some(value),
                header::CONTROL_PATH if trusted => seen.control_path = Some(value),
                header::SERVICE_NAME if trusted => seen.is_fc2 = true,
                _ => {}
            }
        }
        seen
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn one_pass_finds_what_requests_are_asked() {
        let mut headers = HeaderMap::new();
        for (name, value) in [
            ("host", "a"),
            ("host", "b"),
            ("x-fc-request-id", "1-x"),
            ("x-fc-control-path", "/invoke"),
            ("accept", "*"),
        ] {
            headers.append(name, HeaderValue::from_static(value));
        }
        let seen = HeadersSeen::at(&headers, true);
        assert_eq!((seen.hosts, seen.host.unwrap().as_bytes()), (2, &b"a"[..]));
        assert_eq!(seen.request_id.unwrap(), "1-x");
        assert_eq!(seen.control_path.unwrap(), "/invoke");
        assert!(!seen.has_origin && !seen.is_fc2);
        assert!(HeadersSeen::at(&headers, false).request_id.is_none());
    }

    /// Each known name is found, and every name adds to the size.
    #[test]
    fn no_name_is_passed_over() {
        let seen = |name: &'static str, value| {
            let headers = HeaderMap::from_iter([(
                http::HeaderName::from_static(name),
                HeaderValue::from_static(value),
            )]);
            let seen = HeadersSeen::at(&headers, true);
            assert_eq!(seen.size, name.len() + value.len());
            assert_eq!(seen.has_trace, name == "b3" || name == "traceparent");
            (seen.hosts, seen.codings, seen.is_unknown_coding, seen.has_origin, seen.is_fc2)
        };
        assert_eq!(seen("b3", "0"), (0, 0, false, false, false));
        assert_eq!(seen("traceparent", "x"), (0, 0, false, false, false));
        assert_eq!(seen("host", "a"), (1, 0, false, false, false));
        assert_eq!(seen("transfer-encoding", "chunked"), (0, 1, false, false, false));
        assert_eq!(seen("transfer-encoding", "gzip"), (0, 1, true, false, false));
        assert_eq!(seen("origin", "null"), (0, 0, false, true, false));
        assert_eq!(seen(header::SERVICE_NAME, "s"), (0, 0, false, false, true));
        assert_eq!(seen("accept", "*"), (0, 0, false, false, false));
    }
}
