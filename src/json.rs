//! A small JSON writer, for log lines and the runtime's own documents. `serde_json::Value` would link its maps and its
//! formatters into every function.

use std::fmt::{Display, Write as _};

/// Writes text as the content of a JSON string. `text` is UTF-8.
pub(crate) fn text_into(out: &mut Vec<u8>, text: &[u8]) {
    if !needs_escape(text) {
        out.extend_from_slice(text);
        return;
    }
    let mut rest = text;
    while let Some(at) = rest.iter().position(|byte| ESCAPED[usize::from(*byte)]) {
        let (clean, tail) = rest.split_at(at);
        out.extend_from_slice(clean);
        match tail[0] {
            b'"' => out.extend_from_slice(b"\\\""),
            b'\\' => out.extend_from_slice(b"\\\\"),
            b'\n' => out.extend_from_slice(b"\\n"),
            b'\r' => out.extend_from_slice(b"\\r"),
            b'\t' => out.extend_from_slice(b"\\t"),
            byte => {
                let digit = |nibble: u8| nibble + if nibble < 10 { b'0' } else { b'a' - 10 };
                out.extend_from_slice(&[b'\\', b'u', b'0', b'0', digit(byte >> 4), digit(byte & 15)]);
            }
        }
        rest = &tail[1..];
    }
    out.extend_from_slice(rest);
}

/// Whether any byte has to be escaped. Reads eight bytes at a time: most texts need no escape, and the access log
/// writes many.
fn needs_escape(text: &[u8]) -> bool {
    const ONES: u64 = 0x0101_0101_0101_0101;
    const HIGHS: u64 = ONES << 7;
    // Sets the high bit of a byte that is less than `bound`. The bits are right up to the first such byte.
    let less = |word: u64, bound: u64| word.wrapping_sub(ONES * bound) & !word & HIGHS;
    let is = |word: u64, byte: u8| less(word ^ (ONES * u64::from(byte)), 1);
    let (words, rest) = text.as_chunks();
    let found = words.iter().fold(0, |found, word| {
        let word = u64::from_le_bytes(*word);
        found | less(word, 0x20) | is(word, b'"') | is(word, b'\\')
    });
    rest.iter().fold(found != 0, |found, byte| found | ESCAPED[usize::from(*byte)])
}

/// An object that is written member by member.
pub(crate) struct Object(String);

impl Object {
    pub(crate) fn new() -> Self {
        Self("{".to_owned())
    }

    pub(crate) fn text(&mut self, name: &str, value: &str) {
        self.name(name);
        self.0.push_str(&quoted(value));
    }

    /// Adds a value whose printed form is JSON: a number, a boolean, a document.
    pub(crate) fn value(&mut self, name: &str, value: impl Display) {
        self.name(name);
        // Writing to memory cannot fail.
        let _ = write!(self.0, "{value}");
    }

    pub(crate) fn texts<'t>(&mut self, name: &str, values: impl IntoIterator<Item = &'t str>) {
        self.name(name);
        let mut before = '[';
        for value in values {
            self.0.push(before);
            self.0.push_str(&quoted(value));
            before = ',';
        }
        self.0.push_str(if before == '[' { "[]" } else { "]" });
    }

    pub(crate) fn end(mut self) -> String {
        self.0.push('}');
        self.0
    }

    fn name(&mut self, name: &str) {
        if self.0.len() > 1 {
            self.0.push(',');
        }
        self.0.push_str(&quoted(name));
        self.0.push(':');
    }
}

/// The text as a JSON string, with its quotes.
pub(crate) fn quoted(text: &str) -> String {
    let mut quoted = vec![b'"'];
    text_into(&mut quoted, text.as_bytes());
    quoted.push(b'"');
    String::from_utf8_lossy(&quoted).into_owned()
}

/// The bytes that JSON has to escape: control characters, the quote and the backslash.
const ESCAPED: [bool; 256] = {
    let mut table = [false; 256];
    let mut byte = 0;
    while byte < 0x20 {
        table[byte] = true;
        byte += 1;
    }
    table[b'"' as usize] = true;
    table[b'\\' as usize] = true;
    table
};

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str) {
        let mut out = vec![b'"'];
        text_into(&mut out, text.as_bytes());
        out.push(b'"');
        assert_eq!(serde_json::from_slice::<String>(&out).unwrap(), text);
    }

    #[test]
    fn any_text_survives_as_json() {
        check("plain");
        check("quote \" backslash \\ newline \n tab \t return \r bell \u{7} \u{1f} é 漢");
        check("");
        check("\u{1b}[31mred");
        // Each byte at each place of a word, and in the tail behind the words.
        for byte in 0..0x80_u8 {
            for at in 0..11 {
                let mut text = *b"abcdefghijk";
                text[at] = byte;
                check(std::str::from_utf8(&text).unwrap());
            }
        }
    }

    #[test]
    fn an_object_has_its_members_in_order() {
        let mut object = Object::new();
        object.text("a\"b", "line\nbreak");
        object.value("number", 1.5);
        object.texts("none", []);
        object.texts("two", ["x", "y"]);
        let mut inner = Object::new();
        inner.value("is", true);
        object.value("inner", inner.end());
        assert_eq!(
            object.end(),
            r#"{"a\"b":"line\nbreak","number":1.5,"none":[],"two":["x","y"],"inner":{"is":true}}"#
        );
        assert_eq!(Object::new().end(), "{}");
    }
}
