//! Lines of a program's output, and the requests they belong to.

use std::collections::VecDeque;
use std::sync::Arc;

use fc_runtime::platform::limits::LOG_LINE_MAX;

use crate::event::Tail;

/// How many requests that have ended may still be named by a late line.
const ENDED_MAX: usize = 256;

/// Bytes cut into lines of at most 32 KiB.
#[derive(Debug, Default)]
pub(super) struct Lines {
    line: Vec<u8>,
}

impl Lines {
    /// Gives the lines that end in `bytes`, without their ends.
    pub(super) fn push(&mut self, mut bytes: &[u8], mut give: impl FnMut(&[u8])) {
        while !bytes.is_empty() {
            let window = &bytes[..bytes.len().min(LOG_LINE_MAX - self.line.len())];
            let end = window.iter().position(|byte| *byte == b'\n');
            self.line.extend_from_slice(&window[..end.unwrap_or(window.len())]);
            bytes = &bytes[end.map_or(window.len(), |end| end + 1)..];
            if end.is_some() {
                self.line.pop_if(|byte| *byte == b'\r');
            }
            if end.is_some() || self.line.len() >= LOG_LINE_MAX {
                give(&self.line);
                self.line.clear();
            }
        }
    }

    /// The line that has not ended, if there is one.
    pub(super) fn flush(&mut self) -> Option<Vec<u8>> {
        (!self.line.is_empty()).then(|| std::mem::take(&mut self.line))
    }
}

/// The requests that an instance works on, and those that it has worked on lately.
#[derive(Debug, Default)]
pub(super) struct Requests {
    under_way: Vec<(Arc<str>, Option<Tail>)>,
    ended: VecDeque<Arc<str>>,
}

impl Requests {
    /// How many are under way.
    pub(super) fn count(&self) -> usize {
        self.under_way.len()
    }

    /// Whether the instance works on this request alone.
    pub(super) fn is_only(&self, request: &Arc<str>) -> bool {
        matches!(&self.under_way[..], [(only, _)] if only == request)
    }

    pub(super) fn begin(&mut self, request: &Arc<str>, tail: Option<Tail>) {
        self.under_way.push((Arc::clone(request), tail));
    }

    pub(super) fn end(&mut self, request: &Arc<str>) {
        self.under_way.retain(|(id, _)| id != request);
        if self.ended.len() >= ENDED_MAX {
            self.ended.pop_front();
        }
        self.ended.push_back(Arc::clone(request));
    }

    /// The request that a line belongs to: the one it names, or the only one there is. The line goes into its tail.
    pub(super) fn attribute(&self, line: &str) -> Option<Arc<str>> {
        let (id, tail) = match ids_in(line).find_map(|id| self.named(id)) {
            Some(named) => named,
            None => match &self.under_way[..] {
                [(only, tail)] => (only, tail.as_ref()),
                _ => return None,
            },
        };
        if let Some(tail) = tail {
            tail.push(line);
        }
        Some(Arc::clone(id))
    }

    fn named(&self, id: &str) -> Option<(&Arc<str>, Option<&Tail>)> {
        let under_way = self.under_way.iter().find(|(own, _)| **own == *id);
        let ended = || self.ended.iter().rev().find(|own| ***own == *id).map(|own| (own, None));
        under_way.map(|(own, tail)| (own, tail.as_ref())).or_else(ended)
    }
}

/// The texts in a line that have the form of a request's id.
fn ids_in(line: &str) -> impl Iterator<Item = &str> {
    const LENGTH: usize = "1-00000000-00000000-000000000000".len();
    let is_id = |text: &&str| {
        text.bytes().enumerate().skip(1).all(|(at, byte)| match at {
            1 | 10 | 19 => byte == b'-',
            _ => byte.is_ascii_hexdigit(),
        })
    };
    line.match_indices("1-").filter_map(|(at, _)| line.get(at..at + LENGTH)).filter(is_id)
}

#[cfg(test)]
mod tests {
    use fc_runtime::platform::RequestId;

    use super::*;

    #[test]
    fn lines_end_with_a_line_feed_or_where_they_are_too_long() {
        let mut lines = Lines::default();
        let mut seen = Vec::new();
        let mut give = |line: &[u8]| seen.push(String::from_utf8_lossy(line).into_owned());
        lines.push(b"one\r\n\ntw", &mut give);
        lines.push(b"o\nthree", &mut give);
        assert_eq!(lines.flush().as_deref(), Some(&b"three"[..]));
        assert_eq!(lines.flush(), None);
        lines.push(&vec![b'x'; LOG_LINE_MAX + 1], &mut give);
        lines.push(b"y\n", &mut give);
        let long = "x".repeat(LOG_LINE_MAX);
        assert_eq!(seen, ["one", "", "two", &long, "xy"]);
    }

    #[test]
    fn a_line_belongs_to_the_request_it_names_or_to_the_only_one() {
        let [one, two, three] = [(); 3].map(|()| Arc::<str>::from(RequestId::generate().as_str()));
        let mut requests = Requests::default();
        assert_eq!(requests.attribute("nobody's"), None);
        requests.begin(&one, None);
        assert_eq!(requests.attribute("of one"), Some(Arc::clone(&one)));
        requests.begin(&two, None);
        assert_eq!(requests.attribute("of either"), None);
        assert_eq!(requests.attribute(&format!("1-a {three} {two}!")), Some(Arc::clone(&two)));
        requests.end(&one);
        // A record that comes late names its own request.
        assert_eq!(requests.attribute(&format!("{{\"id\":\"{one}\"}}")), Some(Arc::clone(&one)));
        assert_eq!(requests.attribute(&three), Some(Arc::clone(&two)));
        requests.end(&two);
        assert_eq!(requests.attribute(&two), Some(two));
        for _ in 0..ENDED_MAX {
            requests.end(&three);
        }
        assert_eq!(requests.attribute(&one), None);
    }
}
