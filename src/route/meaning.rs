//! Canonical paths: one spelling for all paths that decode to the same text.

use std::borrow::Cow;

/// The canonical spelling of a path, if it differs. Most paths are canonical, which costs one pass over their bytes.
///
/// Visible ASCII is written plainly; other bytes are percent-encoded with capital digits. An encoded slash or percent
/// sign stays encoded, because its plain form would separate segments or begin an encoding.
pub(crate) fn plain(path: &str) -> Option<Box<str>> {
    // Without a branch for each byte: nearly every path is looked through to its end.
    let is_other = |found, byte: u8| found | u8::from(byte == b'%') | u8::from(!byte.is_ascii_graphic());
    if path.bytes().fold(0, is_other) == 0 {
        return None;
    }
    let plain = respelled(path, &[]);
    (plain != path).then(|| plain.into())
}

/// The canonical spelling of a pattern. Encoded braces become doubled braces.
pub(crate) fn plain_pattern(text: &str) -> Cow<'_, str> {
    if text.contains('%') { Cow::Owned(respelled(text, b"{}")) } else { Cow::Borrowed(text) }
}

/// Decodes and encodes to the canonical spelling. A byte in `doubled` is written twice where it was encoded. For
/// patterns, which pass `doubled`, characters beyond ASCII stay as they are: `Lookup` encodes them.
fn respelled(text: &str, doubled: &[u8]) -> String {
    let mut plain = String::with_capacity(text.len() + 2);
    let mut chars = text.char_indices();
    while let Some((at, c)) = chars.next() {
        match (c, encoded(&text.as_bytes()[at..])) {
            ('%', Some(byte)) => {
                chars.nth(1);
                if byte.is_ascii_graphic() && !matches!(byte, b'/' | b'%') {
                    plain.push(char::from(byte));
                    plain.extend(doubled.contains(&byte).then_some(char::from(byte)));
                } else {
                    encode(byte, &mut plain);
                }
            }
            // A percent sign that begins no encoding is encoded, so that it cannot begin one later.
            ('%', None) => encode(b'%', &mut plain),
            (c, _) if c.is_ascii_graphic() || !doubled.is_empty() => plain.push(c),
            (c, _) => c.encode_utf8(&mut [0; 4]).bytes().for_each(|byte| encode(byte, &mut plain)),
        }
    }
    plain
}

/// The byte that a percent-encoding at the start of `bytes` stands for.
fn encoded(bytes: &[u8]) -> Option<u8> {
    let [b'%', high, low, ..] = bytes else { return None };
    let digit = |byte: &u8| char::from(*byte).to_digit(16).and_then(|digit| u8::try_from(digit).ok());
    Some(digit(high)? * 16 + digit(low)?)
}

pub(super) fn encode(byte: u8, into: &mut String) {
    into.push('%');
    into.extend([byte >> 4, byte & 15].map(|digit| char::from(b"0123456789ABCDEF"[usize::from(digit)])));
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(path: &str, expected: &str) {
        let plain = plain(path);
        assert_eq!(plain.is_some(), path != expected, "{path}");
        assert_eq!(plain.as_deref().unwrap_or(path), expected);
    }

    #[test]
    fn paths_that_mean_the_same_are_spelled_alike() {
        check("/users/me", "/users/me");
        check("/users/%6De", "/users/me");
        check("/%7euser/%2E%2d%5F", "/~user/.-_");
        check("/%40me/a%3Ab", "/@me/a:b");
        check("/caf%c3%a9", "/caf%C3%A9");
        check("/café", "/caf%C3%A9");
        check("/caf%C3%A9", "/caf%C3%A9");
        check("/a%2fb", "/a%2Fb");
        check("/100%25", "/100%25");
        check("/a%20b", "/a%20b");
    }

    /// A decoded text must not be decoded again.
    #[test]
    fn no_encoding_comes_of_it() {
        check("/%2541", "/%2541");
        check("/%2%35", "/%2525");
        check("/100%", "/100%25");
        check("/%zz", "/%25zz");
        check("/%%41", "/%25A");
        check("/%é", "/%25%C3%A9");
    }

    #[test]
    fn patterns_too() {
        assert_eq!(plain_pattern("/%7Bx%7d/{x}/é"), "/{{x}}/{x}/é");
        assert_eq!(plain_pattern("/caf%c3%a9/%6d"), "/caf%C3%A9/m");
        assert_eq!(plain_pattern("/{x}"), "/{x}");
    }
}
