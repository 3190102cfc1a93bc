//! One event of the author's or of ours, as one line or several.

use std::fmt::{self, Write as _};

use crate::log::{Level, clock, current, sink, text_into};
use crate::platform::limits::LOG_LINE_MAX;

/// What a line may hold before it is continued in another: room is left for the names around it.
const TEXT_MAX: usize = LOG_LINE_MAX - 2048;

/// Writes one event, in as many lines as its text needs. Lines after the first carry `"part"`.
///
/// `fields` are JSON members, already written, each with a comma before it.
pub(crate) fn event(level: Level, target: &str, text: &str, fields: &[u8]) {
    current::with_id(|id| {
        let mut rest = text;
        let mut part = 1_u32;
        loop {
            let (now, later) = split(rest, TEXT_MAX);
            sink::write(true, |out| {
                out.extend_from_slice(b"{\"time\":\"");
                clock::stamp(out);
                out.extend_from_slice(b"\",\"level\":\"");
                out.extend_from_slice(level.name().as_bytes());
                if let Some(id) = id {
                    out.extend_from_slice(b"\",\"request_id\":\"");
                    text_into(out, id.as_bytes());
                }
                out.extend_from_slice(b"\",\"target\":\"");
                text_into(out, target.as_bytes());
                out.extend_from_slice(b"\",\"message\":\"");
                text_into(out, now.as_bytes());
                out.push(b'"');
                if part == 1 && fields.len() <= TEXT_MAX - now.len().min(TEXT_MAX) {
                    out.extend_from_slice(fields);
                }
                if part > 1 || !later.is_empty() {
                    let _ = write!(Raw(out), ",\"part\":{part}");
                }
                out.extend_from_slice(b"}\n");
            });
            if later.is_empty() {
                return;
            }
            rest = later;
            part += 1;
        }
    });
}

/// The longest head whose escaped form fits, and what is left.
fn split(text: &str, room: usize) -> (&str, &str) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        used += match c {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            c if (c as u32) < 0x20 => 6,
            c => c.len_utf8(),
        };
        if used > room {
            return text.split_at(at);
        }
    }
    (text, "")
}

/// Collects an event's fields as JSON members, each with a comma before it.
pub(crate) struct Fields<'a>(pub(crate) &'a mut Vec<u8>);

impl Fields<'_> {
    pub(crate) fn text(&mut self, name: &str, value: &dyn fmt::Display) {
        self.name(name);
        self.0.push(b'"');
        let _ = write!(Escaped(self.0), "{value}");
        self.0.push(b'"');
    }

    /// A value that is JSON as it is printed: a number or a boolean.
    pub(crate) fn plain(&mut self, name: &str, value: &dyn fmt::Display) {
        self.name(name);
        let _ = write!(Raw(self.0), "{value}");
    }

    fn name(&mut self, name: &str) {
        self.0.extend_from_slice(b",\"");
        text_into(self.0, name.as_bytes());
        self.0.extend_from_slice(b"\":");
    }
}

struct Escaped<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text_into(self.0, text.as_bytes());
        Ok(())
    }
}

struct Raw<'a>(&'a mut Vec<u8>);

impl fmt::Write for Raw<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        self.0.extend_from_slice(text.as_bytes());
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn text_is_cut_where_its_escaped_form_would_be_too_long() {
        assert_eq!(split("abcdef", 3), ("abc", "def"));
        assert_eq!(split("a\nb", 2), ("a", "\nb"));
        assert_eq!(split("éé", 3), ("é", "é"));
        assert_eq!(split("abc", 3), ("abc", ""));
    }
}
