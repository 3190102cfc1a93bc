//! Lines of a program's output, and the requests to which the lines belong.

use std::collections::VecDeque;
use std::sync::{Arc, LazyLock};

use fc_runtime::platform::limits::{KIB, LOG_LINE_MAX};
use memchr::{memchr, memmem};

use crate::event::Tail;

/// How many finished requests a late line may still name.
const ENDED_MAX: usize = 256;

/// How much of a line's earlier parts is kept, since a secret may lie across two. A function's variables have 4 KiB,
/// percent-encoded three times as much.
const BEFORE_MAX: usize = 12 * KIB;

/// Bytes cut into lines of at most 32 KiB. A longer line is given in parts.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
    /// The end of the parts that were given of this line.
    before: Vec<u8>,
}

/// A line, or a part of one.
#[derive(Debug)]
pub(super) struct Part<'a> {
    /// The end of what was given of this line.
    pub(super) before: &'a [u8],
    pub(super) bytes: &'a [u8],
    /// Whether the line ends here.
    pub(super) has_ended: bool,
}

impl Lines {
    /// Gives the lines that end in `bytes`, without their ends.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut give: impl FnMut(Part<'_>)) {
        while !bytes.is_empty() {
            let window = &bytes[..bytes.len().min(LOG_LINE_MAX - self.line.len())];
            let end = memchr(b'\n', window);
            self.line.extend_from_slice(&window[..end.unwrap_or(window.len())]);
            bytes = &bytes[end.map_or(window.len(), |end| end + 1)..];
            if end.is_some() {
                self.line.pop_if(|byte| *byte == b'\r');
            }
            if end.is_some() || self.line.len() >= LOG_LINE_MAX {
                self.give(end.is_some(), &mut give);
            }
        }
    }

    /// Gives what there is of the line that has not ended. Its rest is a further part.
    pub(super) fn flush(&mut self, give: impl FnMut(Part<'_>)) {
        if !self.line.is_empty() {
            self.give(false, give);
        }
    }

    fn give(&mut self, has_ended: bool, mut give: impl FnMut(Part<'_>)) {
        give(Part { before: &self.before, bytes: &self.line, has_ended });
        if has_ended {
            self.before.clear();
        } else {
            self.before.extend_from_slice(&self.line);
            self.before.drain(..self.before.len().saturating_sub(BEFORE_MAX));
        }
        self.line.clear();
    }

    /// What there is of the line that has not ended.
    pub(super) fn unfinished(&self) -> Option<Part<'_>> {
        (!self.line.is_empty()).then_some(Part { before: &self.before, bytes: &self.line, has_ended: false })
    }

    /// Whether the next byte belongs to a line that has begun.
    pub(super) fn is_within(&self) -> bool {
        !(self.line.is_empty() && self.before.is_empty())
    }
}

/// A request that lines may belong to.
#[derive(Debug, Clone)]
pub(super) struct Owner {
    pub(super) id: Arc<str>,
    /// Where its lines go too, while it is under way.
    pub(super) tail: Option<Tail>,
}

/// The requests in flight at an instance, and the latest finished requests.
#[derive(Debug, Default)]
pub(super) struct Requests {
    under_way: Vec<Owner>,
    ended: VecDeque<Owner>,
}

impl Requests {
    /// How many are under way.
    pub(super) fn count(&self) -> usize {
        self.under_way.len()
    }

    /// The one that the instance works on, if there is just one.
    pub(super) fn only(&self) -> Option<&Owner> {
        if let [only] = &self.under_way[..] { Some(only) } else { None }
    }

    pub(super) fn begin(&mut self, id: &Arc<str>, tail: Option<Tail>) {
        self.under_way.push(Owner { id: Arc::clone(id), tail });
    }

    pub(super) fn end(&mut self, id: &Arc<str>) {
        self.under_way.retain(|own| own.id != *id);
        if self.ended.len() >= ENDED_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back(Owner { id: Arc::clone(id), tail: None });
    }

    /// Where the lines of a request go, if it is under way.
    pub(super) fn tail(&self, id: &Arc<str>) -> Option<Tail> {
        self.under_way.iter().find(|own| own.id == *id).and_then(|own| own.tail.clone())
    }

    /// The request that a line belongs to: the one it names, or the one that was alone when the line began.
    pub(super) fn of<'a>(&'a self, line: &str, alone: Option<&'a Owner>) -> Option<&'a Owner> {
        candidates(line).find_map(|id| self.named(id)).or(alone)
    }

    fn named(&self, id: &str) -> Option<&Owner> {
        let own = |own: &&Owner| *own.id == *id;
        // Those that have ended are many. Their ids are looked for only by what has the form of one.
        let ended = || if is_id(id) { self.ended.iter().rev().find(own) } else { None };
        self.under_way.iter().find(own).or_else(ended)
    }
}

/// The length of a request's id.
const ID_LENGTH: usize = "1-00000000-00000000-000000000000".len();

/// The texts in a line that may be a request's id.
fn candidates(line: &str) -> impl Iterator<Item = &str> {
    static BEGIN: LazyLock<memmem::Finder<'static>> = LazyLock::new(|| memmem::Finder::new("1-"));
    BEGIN.find_iter(line.as_bytes()).filter_map(|at| line.get(at..at + ID_LENGTH))
}

/// Whether a text has the form of a request's id.
fn is_id(text: &str) -> bool {
    text.bytes().enumerate().skip(1).all(|(at, byte)| match at {
        1 | 10 | 19 => byte == b'-',
        _ => byte.is_ascii_hexdigit(),
    })
}

#[cfg(test)]
mod tests {
    use fc_runtime::platform::RequestId;

    use super::*;

    #[test]
    fn lines_end_with_a_line_feed_or_where_they_are_too_long() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        let mut give = |part: Part<'_>| {
            let [before, bytes] =
                [part.before, part.bytes].map(|bytes| String::from_utf8_lossy(bytes).into_owned());
            seen.push((before, bytes, part.has_ended));
        };
        lines.push(b"one\r\n\ntw", &mut give);
        lines.push(b"o\nthree", &mut give);
        lines.flush(&mut give);
        lines.flush(&mut give);
        assert!(lines.is_within());
        lines.push(b"\r\nfour\n", &mut give);
        assert!(!lines.is_within());
        lines.push(&vec![b'x'; LOG_LINE_MAX + 1], &mut give);
        lines.push(b"y\nlast", &mut give);
        lines.flush(&mut give);
        let (long, end) = ("x".repeat(LOG_LINE_MAX), "x".repeat(BEFORE_MAX));
        let expected = [
            ("", "one", true),
            ("", "", true),
            ("", "two", true),
            ("", "three", false),
            ("three", "", true),
            ("", "four", true),
            ("", &long, false),
            (&end, "xy", true),
            ("", "last", false),
        ];
        assert_eq!(seen, expected.map(|(before, bytes, end)| (before.to_owned(), bytes.to_owned(), end)));
    }

    #[test]
    fn a_line_belongs_to_the_request_it_names_or_to_the_only_one() {
        fn of(requests: &Requests, line: &str) -> Option<Arc<str>> {
            requests.of(line, requests.only()).map(|owner| Arc::clone(&owner.id))
        }
        let [one, two, three] = [(); 3].map(|()| Arc::<str>::from(RequestId::generate().as_str()));
        let mut requests = Requests::default();
        assert_eq!(of(&requests, "nobody's"), None);
        requests.begin(&one, None);
        assert_eq!(of(&requests, "of one"), Some(Arc::clone(&one)));
        requests.begin(&two, None);
        assert_eq!(of(&requests, "of either"), None);
        assert_eq!(of(&requests, &format!("1-a {three} {two}!")), Some(Arc::clone(&two)));
        requests.end(&one);
        // A record that comes late names its own request.
        assert_eq!(of(&requests, &format!("{{\"id\":\"{one}\"}}")), Some(Arc::clone(&one)));
        assert_eq!(of(&requests, &three), Some(Arc::clone(&two)));
        requests.end(&two);
        assert_eq!(of(&requests, &two), Some(two));
        for _ in 0..ENDED_MAX {
            requests.end(&three);
        }
        assert_eq!(of(&requests, &one), None);
    }
}
