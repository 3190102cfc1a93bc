//! Heads that hyper cannot read. hyper's own reply to them has no body and no record; these get both.
//!
//! hyper has no setting for this, and does not say which head it could not read. So [`Io`] holds
//! hyper's reply back, and the connection goes on with another hyper on the same socket: one that reads more fields, or
//! one that reads a request line of ours and answers the refusal.

use std::time::Duration;

use bytes::Bytes;
use http::request::Parts;
use http::{HeaderName, HeaderValue, Method, Request, Uri};
use tokio::net::TcpStream;
use tokio::sync::OwnedSemaphorePermit;

use crate::platform::limits::{KIB, REQUEST_HEADERS_MAX, TARGET_MAX};
use crate::request::Refusal;
use crate::serve::io::Io;

/// The largest head that hyper reads, in bytes. The room is more than our own limits need, so that those refuse first.
pub(super) const HEAD_MAX: usize = REQUEST_HEADERS_MAX + TARGET_MAX + 8 * KIB;

/// The status of hyper for too many fields, and for a head larger than [`HEAD_MAX`].
const TOO_LARGE: u16 = 431;

/// How long and how many bytes are read away behind a refusal. A connection that closes with unread bytes is reset, and
/// the client may lose the reply.
const LINGER: Duration = Duration::from_secs(1);
const LINGER_MAX: usize = 256 * KIB;

/// A head that was not read, and why.
pub(super) struct Unread {
    status: u16,
    /// The bytes that were read of the head.
    start: Bytes,
}

impl Unread {
    /// What hyper, or the limit on slow heads, says of `start`.
    pub(super) fn new(status: u16, start: Bytes) -> Self {
        Self { status, start }
    }

    /// Whether a hyper that accepts more fields may be able to read the head.
    pub(super) fn has_many_fields(&self) -> bool {
        // A body may have come with the head, so that the bytes say nothing of the head's size.
        let is_whole = || self.start().windows(3).any(|end| end.starts_with(b"\n\n") || end == b"\n\r\n");
        self.status == TOO_LARGE
            && (self.start.len() < HEAD_MAX || self.start().ends_with(b"\n\n") || is_whole())
    }

    pub(super) fn into_start(self) -> Bytes {
        self.start
    }

    /// A request for hyper to read, so that hyper writes the reply. A reply to `HEAD` has no body.
    pub(super) fn stand_in(&self) -> Bytes {
        Bytes::from_static(if self.head().method == Method::HEAD {
            b"HEAD / HTTP/1.1\r\nconnection: close\r\n\r\n"
        } else {
            b"GET / HTTP/1.1\r\nconnection: close\r\n\r\n"
        })
    }

    /// The head, as far as it can be read: what the record says of it.
    pub(super) fn head(&self) -> Parts {
        let (mut head, ()) = Request::new(()).into_parts();
        let known = !self.is_behind();
        let method = self.method().filter(|_| known);
        // A dash is a token, and a URI without a path.
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

    /// The target, if it is complete.
    fn target(&self) -> Option<Uri> {
        let target = self.start().split(|byte| *byte == b' ' || *byte == b'\r' || *byte == b'\n').nth(1)?;
        let is_whole = self.line().is_some() || target.len() > TARGET_MAX;
        Uri::try_from(target).ok().filter(|_| is_whole)
    }

    /// The request line, if its end has come.
    fn line(&self) -> Option<&[u8]> {
        let end = self.start().iter().position(|byte| *byte == b'\n')?;
        Some(&self.start()[..end])
    }

    /// Whether the bytes come behind the head. hyper gives nothing back of a head that it refuses after it was taken
    /// apart, for its target or its framing. What is left then has no fault in its shape.
    fn is_behind(&self) -> bool {
        if self.status != 400 {
            return false;
        }
        let mut lines = self.start().split(|byte| *byte == b'\n').map(<[u8]>::trim_ascii_end);
        let line = lines.next().unwrap_or_default();
        (line.is_empty() || is_request_line(line))
            && lines.take_while(|line| !line.is_empty()).all(is_header_line)
    }

    /// The bytes without the blank lines that may stand before a request.
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

/// Reads away what the client still sends, until it has seen the end of the reply and closes. The connection keeps its
/// place meanwhile.
pub(super) async fn linger(io: Io, _place: OwnedSemaphorePermit) {
    let half = io.handle();
    let stream: &TcpStream = (*half).as_ref();
    let mut left = LINGER_MAX;
    let mut away = [0; 4 * KIB];
    let read_away = async {
        while left > 0 && stream.readable().await.is_ok() {
            match stream.try_read(&mut away) {
                Ok(0) => return,
                Ok(length) => left = left.saturating_sub(length),
                Err(error) if error.kind() == std::io::ErrorKind::WouldBlock => {}
                Err(_) => return,
            }
        }
    };
    let _ = tokio::time::timeout(LINGER, read_away).await;
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
        // What comes behind a head that was refused is not the head.
        check("GET /smuggled HTTP/1.1\r\nhost: a\r\n\r\nbody", "-", "");
        check("GET /smuggled HTTP/1.1\r\nhost: a\r\nx y: z\r\n\r\n", "GET", "/smuggled");
    }
}
