//! Heads that hyper cannot parse. hyper's own reply has no body and no record; here the refusal gets both.
//!
//! hyper has no setting for this, and does not say which head it could not parse. So [`Io`](crate::serve::io::Io) withholds hyper's reply,
//! and another hyper takes over the socket. It accepts more fields, or reads a stand-in request and answers with the
//! refusal.

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};

use crate::platform::limits::{KIB, REQUEST_HEADERS_MAX, TARGET_MAX};
use crate::request::Refusal;

/// The largest head that hyper reads, in bytes. Larger than our own limits, so that ours refuse first.
pub(super) const HEAD_MAX: usize = REQUEST_HEADERS_MAX + TARGET_MAX + 8 * KIB;

/// hyper's status for too many fields, and for a head over [`HEAD_MAX`].
const TOO_LARGE: u16 = 431;

/// A head that was not parsed, and hyper's status.
pub(super) struct Unread {
    status: u16,
    /// The bytes of the head so far.
    start: Bytes,
}

impl Unread {
    /// `status` is from hyper, or from the limit on slow heads.
    pub(super) fn new(status: u16, start: Bytes) -> Self {
        Self { status, start }
    }

    /// Whether a hyper that accepts more fields may parse the head.
    pub(super) fn has_many_fields(&self) -> bool {
        // A body may have come with the head, so the length of `start` is not the size of the head.
        let is_whole = || self.start().windows(3).any(|end| end.starts_with(b"\n\n") || end == b"\n\r\n");
        self.status == TOO_LARGE
            && (self.start.len() < HEAD_MAX || self.start().ends_with(b"\n\n") || is_whole())
    }

    pub(super) fn into_start(self) -> Bytes {
        self.start
    }

    /// A stand-in request, so that hyper writes the reply. For `HEAD` the stand-in is a `HEAD` too: the reply has no
    /// body.
    pub(super) fn stand_in(&self) -> Bytes {
        Bytes::from_static(if self.head().method == Method::HEAD {
            b"HEAD / HTTP/1.1\r\nconnection: close\r\n\r\n"
        } else {
            b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n"
        })
    }

    /// The known parts of the head, for the record.
    pub(super) fn head(&self) -> Parts {
        let (mut head, ()) = Request::new(()).into_parts();
        let known = !self.is_behind();
        let method = self.method().filter(|_| known);
        // A dash is a valid method, and a valid URI without a path.
        head.method = method.or_else(|| Method::from_bytes(b"-").ok()).unwrap_or_default();
        head.uri = self.target().filter(|_| known).unwrap_or_else(|| Uri::from_static("-"));
        head
    }

    pub(super) fn refusal(&self) -> Refusal {
        match self.status {
            408 => Refusal::TooSlow,
            414 => Refusal::TargetTooLong,
            TOO_LARGE if self.line().is_none() => Refusal::TargetTooLong,
            TOO_LARGE if self.has_many_fields() => Refusal::TooManyFields,
            TOO_LARGE => Refusal::HeadersTooLarge,
            _ if self.is_behind() => {
                Refusal::BadShape("the target or the framing of the request cannot be read")
            }
            _ => Refusal::BadShape("the head of the request cannot be read"),
        }
    }

    fn method(&self) -> Option<Method> {
        let end = self.start().iter().position(|byte| *byte == b' ')?;
        Method::from_bytes(&self.start()[..end]).ok()
    }

    /// The target. `None` if it is incomplete.
    fn target(&self) -> Option<Uri> {
        let target = self.start().split(|byte| *byte == b' ' || *byte == b'\r' || *byte == b'\n').nth(1)?;
        let is_whole = self.line().is_some() || target.len() > TARGET_MAX;
        Uri::try_from(target).ok().filter(|_| is_whole)
    }

    /// The request line. `None` if it is incomplete.
    fn line(&self) -> Option<&[u8]> {
        let end = self.start().iter().position(|byte| *byte == b'\n')?;
        Some(&self.start()[..end])
    }

    /// Whether `start` has the bytes behind the head. hyper drops a head that it refuses after parsing, for the target
    /// or the framing. The remaining bytes then look valid.
    fn is_behind(&self) -> bool {
        if self.status != 400 {
            return false;
        }
        let mut lines = self.start().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let line = lines.next().unwrap_or_default();
        (line.is_empty() || is_request_line(line))
            && lines.take_while(|line| !line.is_empty()).all(is_header_line)
    }

    /// The bytes without leading blank lines, which HTTP allows before a request.
    fn start(&self) -> &[u8] {
        let blank = self.start.iter().take_while(|byte| matches!(byte, b'\r' | b'\n')).count();
        &self.start[blank..]
    }
}

fn is_request_line(line: &[u8]) -> bool {
    let mut words = line.split(|byte| *byte == b' ');
    words.next().is_some_and(|method| Method::from_bytes(method).is_ok())
        && words.next().is_some_and(|target| Uri::try_from(target).is_ok())
        && matches!(words.next(), Some(b"HTTP/1.0" | b"HTTP/1.1"))
        && words.next().is_none()
}

fn is_header_line(line: &[u8]) -> bool {
    let colon = line.iter().position(|byte| *byte == b':').unwrap_or(line.len());
    let (name, value) = line.split_at(colon);
    let value = value.strip_prefix(b":").map(HeaderValue::from_bytes);
    HeaderName::from_bytes(name).is_ok() && matches!(value, Some(Ok(_)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(start: &str, method: &str, path: &str) {
        let head = Unread::new(400, Bytes::copy_from_slice(start.as_bytes())).head();
        assert_eq!((head.method.as_str(), head.uri.path()), (method, path), "{start:?}");
    }

    #[test]
    fn the_record_says_what_can_be_read() {
        check("GET /a?b HTTP/1.1\r\nx y\r\n\r\n", "GET", "/a");
        check("\r\n\nGET /a HTTP/9\r\n", "GET", "/a");
        check("GET http://a/b HTTP/1.1\r\n:\r\n", "GET", "/b");
        check("OPTIONS * HTTP/2\n", "OPTIONS", "*");
        check("GET /a\n", "GET", "/a");
        check("GET /cut-of", "GET", "");
        check("GET /a\0b HTTP/1.1\r\n", "GET", "");
        check("GET", "-", "");
        check("(x) /a HTTP/1.1\r\n", "-", "/a");
        check("", "-", "");
        check("\r\n\r\n", "-", "");
        check(" \r\n", "-", "");
        // The bytes behind a refused head are not taken for the head.
        check("GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\nbody", "-", "");
        check("GET /smuggled HTTP/1.1\r\nhost: a\r\nx y: z\r\n\r\n", "GET", "/smuggled");
    }
}
