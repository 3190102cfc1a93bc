//! Takes a form apart: pure, byte by byte, whatever pieces the bytes come in.

use bytes::{Bytes, BytesMut};
use memchr::memmem::Finder;

use super::head::Head;

/// What comes next in a form.
#[derive(Debug)]
pub(super) enum Event {
    /// A part begins.
    Head(Box<Head>),
    /// Bytes of the part, never none.
    Data(Bytes),
    /// The part has ended.
    PartEnd,
    /// The form has ended.
    End,
    /// More bytes are needed.
    More,
}

/// The largest head of a part, in bytes.
const HEAD_MAX: usize = 8 * 1024;

/// The most blanks behind a boundary.
const PADDING_MAX: usize = 64;

pub(super) struct Parser {
    /// What has come and is not taken yet.
    rest: Bytes,
    /// The line break and the boundary.
    delimiter: Finder<'static>,
    state: State,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum State {
    /// Before the first boundary.
    Preamble,
    /// Behind a boundary, on its line.
    Delimited,
    Head,
    Body,
    Done,
}

impl Parser {
    pub(super) fn new(boundary: &str) -> Self {
        let delimiter = Finder::new(format!("\r\n--{boundary}").as_bytes()).into_owned();
        // The first boundary may be the first line.
        Self { rest: Bytes::from_static(b"\r\n"), delimiter, state: State::Preamble }
    }

    pub(super) fn feed(&mut self, data: Bytes) {
        if self.rest.is_empty() {
            self.rest = data;
            return;
        }
        // A few bytes that may belong to a boundary, or the beginning of a head.
        let mut joined = BytesMut::with_capacity(self.rest.len() + data.len());
        joined.extend_from_slice(&self.rest);
        joined.extend_from_slice(&data);
        self.rest = joined.freeze();
    }

    /// # Errors
    /// What is wrong with the form.
    pub(super) fn next(&mut self) -> Result<Event, &'static str> {
        match self.state {
            State::Preamble => {
                self.take_content();
                if self.take_delimiter() {
                    return self.next();
                }
                Ok(Event::More)
            }
            State::Delimited => self.delimited(),
            State::Head => self.head(),
            State::Body => {
                let content = self.take_content();
                if !content.is_empty() {
                    return Ok(Event::Data(content));
                }
                Ok(if self.take_delimiter() { Event::PartEnd } else { Event::More })
            }
            State::Done => Ok(Event::End),
        }
    }

    fn delimited(&mut self) -> Result<Event, &'static str> {
        if self.rest.starts_with(b"--") {
            self.state = State::Done;
            return Ok(Event::End);
        }
        let padding = self.rest.iter().take_while(|byte| matches!(byte, b' ' | b'\t')).count();
        let behind = &self.rest[padding..];
        if behind.starts_with(b"\r\n") && padding <= PADDING_MAX {
            // The line break stays: an empty head is one line break and another.
            self.rest = self.rest.slice(padding..);
            self.state = State::Head;
            return self.head();
        }
        let may_come = behind.is_empty() || behind == b"\r" || padding == 0 && behind == b"-";
        if may_come && padding <= PADDING_MAX {
            Ok(Event::More)
        } else {
            Err("a boundary does not end its line")
        }
    }

    fn head(&mut self) -> Result<Event, &'static str> {
        let searched = &self.rest[..self.rest.len().min(HEAD_MAX + 4)];
        let Some(end) = memchr::memmem::find(searched, b"\r\n\r\n") else {
            let is_long = self.rest.len() > HEAD_MAX;
            return if is_long { Err("the head of a part has more than 8 KiB") } else { Ok(Event::More) };
        };
        let head = Head::parse(&self.rest[..end])?;
        self.rest = self.rest.slice(end + 4..);
        self.state = State::Body;
        Ok(Event::Head(Box::new(head)))
    }

    /// Takes what is before the next delimiter, and cannot be the beginning of one.
    fn take_content(&mut self) -> Bytes {
        let end = self.delimiter.find(&self.rest).unwrap_or_else(|| self.rest.len() - self.unsure());
        self.rest.split_to(end)
    }

    /// How many bytes at the end may be the beginning of a delimiter.
    fn unsure(&self) -> usize {
        let needle = self.delimiter.needle();
        let tail = &self.rest[self.rest.len().saturating_sub(needle.len() - 1)..];
        let mut begins = memchr::memchr_iter(b'\r', tail);
        begins.find(|at| needle.starts_with(&tail[*at..])).map_or(0, |at| tail.len() - at)
    }

    fn take_delimiter(&mut self) -> bool {
        let needle = self.delimiter.needle();
        let is_there = self.rest.starts_with(needle);
        if is_there {
            self.rest = self.rest.slice(needle.len()..);
            self.state = State::Delimited;
        }
        is_there
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// The parts as `name=content`, or what is wrong, when the form comes in pieces of so many bytes.
    fn parse(form: &[u8], piece: usize) -> Result<Vec<String>, &'static str> {
        let (mut parser, mut pieces, mut parts) = (Parser::new("x"), form.chunks(piece), Vec::new());
        loop {
            match parser.next()? {
                Event::Head(head) => parts.push(format!("{}=", head.name)),
                Event::Data(data) => {
                    assert!(!data.is_empty());
                    parts.last_mut().unwrap().push_str(&String::from_utf8_lossy(&data));
                }
                Event::PartEnd => parts.last_mut().unwrap().push('.'),
                Event::End => return Ok(parts),
                Event::More => parser.feed(Bytes::copy_from_slice(pieces.next().ok_or("more")?)),
            }
        }
    }

    #[track_caller]
    fn check(form: &str, expected: Result<&[&str], &str>) {
        for piece in [1, 2, 3, 7, 64, 100_000] {
            let parsed = parse(form.as_bytes(), piece);
            let parsed = parsed.as_ref().map(|parts| parts.iter().map(String::as_str).collect::<Vec<_>>());
            assert_eq!(parsed.as_deref().map_err(|why| **why), expected, "pieces of {piece}: {form:?}");
        }
    }

    const A: &str = "content-disposition: form-data; name=a\r\n";

    #[test]
    fn parts_are_found_in_pieces_of_every_size() {
        check(&format!("--x\r\n{A}\r\n1\r\n--x--\r\n"), Ok(&["a=1."]));
        check(&format!("before\r\n--x \t\r\n{A}\r\n1\r\n--x\r\n{A}\r\n\r\n--x--after"), Ok(&["a=1.", "a=."]));
        check(
            &format!("--x\r\n{A}\r\n\r\n-x\r\n--\r\r\n--y\r\n\r\n--x--"),
            Ok(&["a=\r\n-x\r\n--\r\r\n--y\r\n."]),
        );
        check("--x--", Ok(&[]));
        check("\r\n--x--\r\n", Ok(&[]));
    }

    #[test]
    fn broken_forms_are_refused() {
        check("", Err("more"));
        check("--y--", Err("more"));
        check(&format!("--x\r\n{A}\r\n1"), Err("more"));
        check(&format!("--x\r\n{A}\r\n1\r\n--x"), Err("more"));
        check(&format!("--x\r\n{A}\r\n1\r\n--xy\r\n"), Err("a boundary does not end its line"));
        check(&format!("--x{}\r\n", " ".repeat(100)), Err("a boundary does not end its line"));
        check("--x\r\n\r\n1\r\n--x--", Err("a part has no Content-Disposition"));
        check(
            &format!("--x\r\n{A}b: {}\r\n\r\n", "c".repeat(9000)),
            Err("the head of a part has more than 8 KiB"),
        );
    }
}
