//! Writes one log event, from the author or from this crate, as one JSON line or several.

use std::fmt::{self, Write as _};

use crate::json::text_into;
use crate::log::current::Tagged;
use crate::log::{Level, current, format, sink, stamp, text};
use crate::platform::limits::LOG_LINE_MAX;

/// The most text in one line, in bytes. The rest of the platform's limit is for time, level, request id and target.
const TEXT_MAX: usize = LOG_LINE_MAX - 2048;

/// The longest escape of a character in JSON, `\u001f`, in bytes.
const ESCAPE_MAX: usize = 6;

/// Writes one event, in as many lines as its text needs. Lines after the first carry `"part"`.
///
/// `fields` are JSON members, already written, each with a comma before it.
pub(crate) fn event(level: Level, target: &str, text: &str, fields: &[u8]) {
    if format::is_text() {
        return text::line(level, target, text, fields);
    }
    current::with(|tag| {
        let is_short = text.len() * ESCAPE_MAX + fields.len() <= TEXT_MAX;
        let (now, mut rest, used) = if is_short { (text, "", 0) } else { split(text, TEXT_MAX) };
        let fits = used + fields.len() <= TEXT_MAX;
        let whole = fits && rest.is_empty();
        line(level, tag, target, now, if fits { fields } else { b"" }, u32::from(!whole));
        let mut part = 2;
        while !rest.is_empty() {
            let (now, later, _) = split(rest, TEXT_MAX);
            line(level, tag, target, now, b"", part);
            (rest, part) = (later, part + 1);
        }
        if !fits {
            let (text, fields) = if fields.len() <= TEXT_MAX {
                ("", fields)
            } else {
                ("the fields were too long for a line", &b""[..])
            };
            line(level, tag, target, text, fields, part);
        }
    });
}

/// Writes one line. `part` 0 means that the line is the whole event.
fn line(level: Level, tag: Option<&dyn Tagged>, target: &str, text: &str, fields: &[u8], part: u32) {
    sink::write(|out| {
        out.extend_from_slice(b"{\"time\":\"");
        stamp(out);
        out.extend_from_slice(b"\",\"level\":\"");
        out.extend_from_slice(level.name().as_bytes());
        if let Some(tag) = tag {
            out.extend_from_slice(b"\",\"request_id\":\"");
            text_into(out, tag.request_id().as_bytes());
        }
        out.extend_from_slice(b"\",\"target\":\"");
        text_into(out, target.as_bytes());
        out.extend_from_slice(b"\",\"message\":\"");
        text_into(out, text.as_bytes());
        out.push(b'"');
        if let Some(trace) = tag.and_then(Tagged::known_trace) {
            trace.log_into(out);
        }
        out.extend_from_slice(fields);
        if part > 0 {
            let _ = write!(Raw(out), ",\"part\":{part}");
        }
        out.extend_from_slice(b"}\n");
    });
}

/// Splits `text` so that the head, once escaped for JSON, takes at most `room` bytes. Gives the head, the tail, and the
/// escaped length of the head.
fn split(text: &str, room: usize) -> (&str, &str, usize) {
    let mut used = 0;
    for (at, c) in text.char_indices() {
        let more = match c {
            '"' | '\\' | '\n' | '\r' | '\t' => 2,
            c if (c as u32) < 0x20 => 6,
            c => c.len_utf8(),
        };
        if used + more > room {
            let (head, tail) = text.split_at(at);
            return (head, tail, used);
        }
        used += more;
    }
    (text, "", used)
}

/// Collects fields: as JSON members, each with a comma before it, or as ` name=value` for a terminal.
pub(crate) struct Fields<'a>(pub(crate) &'a mut Vec<u8>);

impl Fields<'_> {
    pub(crate) fn text(&mut self, name: &str, value: &dyn fmt::Display) {
        if format::is_text() {
            return self.plain(name, value);
        }
        self.name(name);
        self.0.push(b'"');
        let _ = write!(Escaped(self.0), "{value}");
        self.0.push(b'"');
    }

    /// Adds a value whose printed form is already JSON: a number or a boolean.
    pub(crate) fn plain(&mut self, name: &str, value: &dyn fmt::Display) {
        self.name(name);
        let _ = write!(Raw(self.0), "{value}");
    }

    fn name(&mut self, name: &str) {
        if format::is_text() {
            let _ = write!(Raw(self.0), " {name}=");
            return;
        }
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
        assert_eq!(split("abcdef", 3), ("abc", "def", 3));
        assert_eq!(split("a\nb", 2), ("a", "\nb", 1));
        assert_eq!(split("éé", 3), ("é", "é", 2));
        assert_eq!(split("abc", 3), ("abc", "", 3));
    }
}
