//! A request as bytes: its head, and the frames of its body.

use std::fmt;
use std::io::Write;

use bytes::Bytes;
use http::header::{CONTENT_LENGTH, TRAILER, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri};

/// Data up to this size is copied behind what is written already, in bytes. Larger data is written from where it lies.
const COPIED_MAX: usize = 8 * 1024;

/// The bytes of a request that are still to be written: `text`, then `piece`, then `tail`.
#[derive(Default)]
pub(super) struct Unwritten {
    pub(super) text: Vec<u8>,
    /// How much of `text` is written.
    pub(super) at: usize,
    pub(super) piece: Bytes,
    pub(super) tail: &'static [u8],
}

/// How the end of a request's body is told.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(super) enum Framing {
    #[default]
    Length,
    Chunks,
}

impl Unwritten {
    pub(super) fn is_empty(&self) -> bool {
        self.at == self.text.len() && self.piece.is_empty() && self.tail.is_empty()
    }

    /// Whether more data can be added before anything is written.
    pub(super) fn has_room(&self) -> bool {
        self.piece.is_empty() && self.tail.is_empty() && self.text.len() - self.at < COPIED_MAX
    }

    pub(super) fn clear(&mut self) {
        self.text.clear();
        (self.at, self.piece, self.tail) = (0, Bytes::new(), b"");
    }

    /// Notes that so many bytes were written.
    pub(super) fn advance(&mut self, mut length: usize) {
        let of_text = length.min(self.text.len() - self.at);
        self.at += of_text;
        length -= of_text;
        if self.at == self.text.len() {
            self.text.clear();
            self.at = 0;
        }
        let of_piece = length.min(self.piece.len());
        if of_piece > 0 {
            drop(self.piece.split_to(of_piece));
        }
        self.tail = self.tail.get(length - of_piece..).unwrap_or_default();
    }

    pub(super) fn line(&mut self, method: &Method, target: &Uri) {
        let target = target.path_and_query().map_or("/", |target| target.as_str());
        for part in [method.as_str().as_bytes(), b" ", target.as_bytes(), b" HTTP/1.1\r\n"] {
            self.text.extend_from_slice(part);
        }
    }

    pub(super) fn lines(&mut self, lines: &Lines) {
        self.text.extend_from_slice(lines.as_bytes());
    }

    pub(super) fn header(&mut self, name: &HeaderName, value: &HeaderValue) {
        write_header(&mut self.text, name, value);
    }

    pub(super) fn text_header(&mut self, name: &HeaderName, value: &str) {
        write_line(&mut self.text, name, value.as_bytes());
    }

    pub(super) fn number_header(&mut self, name: &HeaderName, value: u64) {
        self.text_header(name, itoa::Buffer::new().format(value));
    }

    /// Ends the head. `length` is that of the body, if there is one whose length is known.
    pub(super) fn end_head(&mut self, length: Option<u64>, has_body: bool) {
        match length {
            _ if !has_body => {}
            Some(length) => self.number_header(&CONTENT_LENGTH, length),
            None => self.header(&TRANSFER_ENCODING, &HeaderValue::from_static("chunked")),
        }
        self.text.extend_from_slice(b"\r\n");
    }

    pub(super) fn data(&mut self, data: Bytes, framing: Framing) {
        let is_chunk = framing == Framing::Chunks;
        if data.is_empty() {
            return;
        }
        if is_chunk {
            // Into memory, which does not fail.
            _ = write!(self.text, "{:x}\r\n", data.len());
        }
        let end: &'static [u8] = if is_chunk { b"\r\n" } else { b"" };
        if data.len() <= COPIED_MAX {
            self.text.extend_from_slice(&data);
            self.text.extend_from_slice(end);
        } else {
            (self.piece, self.tail) = (data, end);
        }
    }

    /// Ends the body. Of the trailers those are sent that `announced` names.
    pub(super) fn end(&mut self, framing: Framing, trailers: Option<&HeaderMap>, announced: &[HeaderName]) {
        if framing == Framing::Length {
            return;
        }
        // A piece has been written by now: more data is taken only when there is room.
        self.text.extend_from_slice(b"0\r\n");
        for (name, value) in trailers.into_iter().flatten() {
            if announced.contains(name) {
                write_header(&mut self.text, name, value);
            }
        }
        self.text.extend_from_slice(b"\r\n");
    }
}

/// Headers that are the same for many requests, each with the end of its line.
pub(crate) struct Lines(Vec<u8>);

impl Lines {
    pub(crate) fn of<'a>(headers: impl IntoIterator<Item = (&'a HeaderName, &'a HeaderValue)>) -> Self {
        let mut lines = Vec::new();
        for (name, value) in headers {
            write_header(&mut lines, name, value);
        }
        Lines(lines)
    }

    pub(crate) fn as_bytes(&self) -> &[u8] {
        &self.0
    }
}

/// Without the values, some of which are secrets.
impl fmt::Debug for Lines {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Lines").field("length", &self.0.len()).finish_non_exhaustive()
    }
}

/// Appends `name: value` as a line.
pub(crate) fn write_header(text: &mut Vec<u8>, name: &HeaderName, value: &HeaderValue) {
    write_line(text, name, value.as_bytes());
}

fn write_line(text: &mut Vec<u8>, name: &HeaderName, value: &[u8]) {
    let name = name.as_str().as_bytes();
    text.reserve(name.len() + value.len() + 4);
    // One by one, so that the compiler knows the lengths of two of them.
    text.extend_from_slice(name);
    text.extend_from_slice(b": ");
    text.extend_from_slice(value);
    text.extend_from_slice(b"\r\n");
}

/// The names of the trailers that a request announces.
pub(super) fn announced(name: &HeaderName, value: &HeaderValue, into: &mut Vec<HeaderName>) {
    if name == TRAILER {
        let names = value.as_bytes().split(|byte| *byte == b',');
        into.extend(names.filter_map(|name| HeaderName::from_bytes(name.trim_ascii()).ok()));
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn what_is_written_in_parts_is_whole() {
        for step in [1, 3, 7, 10_000, usize::MAX] {
            let mut unwritten = Unwritten::default();
            unwritten.line(&Method::POST, &"/a?b".parse().unwrap());
            unwritten.end_head(None, true);
            unwritten.data(Bytes::from_static(b"small"), Framing::Chunks);
            unwritten.data(Bytes::from(vec![b'x'; COPIED_MAX + 1]), Framing::Chunks);
            let mut written = Vec::new();
            while !unwritten.is_empty() {
                let parts = [&unwritten.text[unwritten.at..], &unwritten.piece, unwritten.tail].concat();
                let length = step.min(parts.len());
                written.extend_from_slice(&parts[..length]);
                unwritten.advance(length);
            }
            assert!(unwritten.has_room());
            let mut expected =
                b"POST /a?b HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n5\r\nsmall\r\n2001\r\n".to_vec();
            expected.resize(expected.len() + COPIED_MAX + 1, b'x');
            expected.extend_from_slice(b"\r\n");
            assert!(written == expected, "{step}");
        }
    }

    #[test]
    fn only_a_body_is_framed() {
        for (length, has_body, head) in [
            (None, false, "\r\n"),
            (Some(0), false, "\r\n"),
            (Some(0), true, "content-length: 0\r\n\r\n"),
            (None, true, "transfer-encoding: chunked\r\n\r\n"),
        ] {
            let mut unwritten = Unwritten::default();
            unwritten.end_head(length, has_body);
            assert_eq!(unwritten.text, head.as_bytes(), "{length:?} {has_body}");
        }
    }

    #[test]
    fn only_announced_trailers_are_sent() {
        let mut names = Vec::new();
        announced(&TRAILER, &HeaderValue::from_static("x-sum, , X-Other"), &mut names);
        let mut trailers = HeaderMap::new();
        for name in ["x-sum", "x-hidden"] {
            trailers.insert(name, HeaderValue::from_static("1"));
        }
        let mut unwritten = Unwritten::default();
        unwritten.end(Framing::Chunks, Some(&trailers), &names);
        assert_eq!(unwritten.text, b"0\r\nx-sum: 1\r\n\r\n");
    }
}
