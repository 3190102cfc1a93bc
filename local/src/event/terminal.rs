//! Texts of others on a terminal, which must not steer the terminal.

use std::borrow::Cow;

/// Whether the character changes what a terminal shows of the text around it. Tabs and ends of lines do not count.
pub(crate) fn steers(c: char) -> bool {
    c.is_control() && c != '\t' && c != '\n'
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` without the terminal's control characters: a function must not overwrite the output of other functions.
pub(crate) fn neutral(text: &str) -> Cow<'_, str> {
    // Without an early end the compiler looks at many bytes at once.
    let is_plain = text.bytes().fold(true, |is_plain, byte| is_plain & matches!(byte, b' '..=b'~'));
    if is_plain || !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if steers(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    });
    Cow::Owned(escaped)
}
