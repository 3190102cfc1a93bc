//! One line: a JSON object, built by hand into a buffer that is reused.

use std::fmt::{self, Write as _};

use crate::log::{Level, clock, current, sink};
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
                    text_into(out, id);
                }
                out.extend_from_slice(b"\",\"target\":\"");
                text_into(out, target);
                out.extend_from_slice(b"\",\"message\":\"");
                text_into(out, now);
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

/// Writes text as the inside of a JSON string.
pub(crate) fn text_into(out: &mut Vec<u8>, text: &str) {
    let bytes = text.as_bytes();
    let mut clean = 0;
    for (at, &byte) in bytes.iter().enumerate() {
        if byte >= 0x20 && byte != b'"' && byte != b'\\' {
            continue;
        }
        out.extend_from_slice(&bytes[clean..at]);
        clean = at + 1;
        match byte {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            _ => {
                let _ = write!(Raw(out), "\\u{byte:04x}");
            }
        }
    }
    out.extend_from_slice(&bytes[clean..]);
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
        text_into(self.0, name);
        self.0.extend_from_slice(b"\":");
    }
}

struct Escaped<'a>(&'a mut Vec<u8>);

impl fmt::Write for Escaped<'_> {
    fn write_str(&mut self, text: &str) -> fmt::Result {
        text_into(self.0, text);
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

    #[track_caller]
    fn check(text: &str) {
        let mut out = vec![b'"'];
        text_into(&mut out, text);
        out.push(b'"');
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }

    #[test]
    fn any_text_survives_as_json() {
        check("plain");
        check("quote \" backslash \\ newline \n tab \t return \r bell \u{7} é 漢");
        check("");
        check("\u{1b}[31mred");
    }

    #[test]
    fn text_is_cut_where_its_escaped_form_would_be_too_long() {
        assert_eq!(split("abcdef", 3), ("abc", "def"));
        assert_eq!(split("a\nb", 2), ("a", "\nb"));
        assert_eq!(split("éé", 3), ("é", "é"));
        assert_eq!(split("abc", 3), ("abc", ""));
    }
}
