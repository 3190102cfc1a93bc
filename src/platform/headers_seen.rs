//! One look over a request's headers, for all that every request is asked.
//!
//! A look-up hashes its name; one pass over a dozen headers costs less than three look-ups.

use http::{HeaderMap, HeaderValue};

use crate::platform::names::header;

/// What one pass over the headers found.
#[derive(Default)]
pub(crate) struct HeadersSeen<'h> {
    /// How many `Host` headers there are, and the first.
    pub(crate) hosts: usize,
    pub(crate) host: Option<&'h HeaderValue>,
    /// How many `Transfer-Encoding` headers there are, and whether each of them is `chunked` and nothing else.
    pub(crate) codings: usize,
    pub(crate) is_unknown_coding: bool,
    /// Whether there is an `Origin`: the request comes from a page.
    pub(crate) has_origin: bool,
    pub(crate) request_id: Option<&'h HeaderValue>,
    pub(crate) control_path: Option<&'h HeaderValue>,
    /// Whether the headers are FC 2.0's.
    pub(crate) is_fc2: bool,
    /// Names and values together, in bytes.
    pub(crate) size: usize,
}

impl<'h> HeadersSeen<'h> {
    /// `trusted`: whether the platform's own headers mean anything.
    pub(crate) fn at(headers: &'h HeaderMap, trusted: bool) -> Self {
        let mut seen = Self::default();
        for (name, value) in headers {
            let name = name.as_str();
            seen.size += name.len() + value.len();
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
        for (name, value) in
            [("host", "a"), ("host", "b"), ("x-fc-request-id", "1-x"), ("x-fc-control-path", "/invoke")]
        {
            headers.append(name, HeaderValue::from_static(value));
        }
        let seen = HeadersSeen::at(&headers, true);
        assert_eq!((seen.hosts, seen.host.unwrap().as_bytes()), (2, &b"a"[..]));
        assert_eq!(seen.request_id.unwrap(), "1-x");
        assert_eq!(seen.control_path.unwrap(), "/invoke");
        assert!(!seen.has_origin && !seen.is_fc2);
        assert!(HeadersSeen::at(&headers, false).request_id.is_none());
    }
}
