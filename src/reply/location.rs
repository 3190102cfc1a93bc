//! The target of a redirect, as a URI.

use http::HeaderValue;

/// Percent-encodes, as UTF-8, each character that a URI cannot have: blanks, quotes, everything beyond ASCII, and
/// brackets that clients treat differently. `None` if `target` needs no encoding. A percent sign stays.
pub(crate) fn encoded_location(target: &HeaderValue) -> Option<HeaderValue> {
    const HEX: &[u8; 16] = b"0123456789ABCDEF";
    if !target.as_bytes().iter().any(|byte| is_foreign(*byte)) {
        return None;
    }
    let mut encoded = Vec::with_capacity(target.len() + 16);
    for byte in target.as_bytes() {
        if is_foreign(*byte) {
            encoded.extend([b'%', HEX[usize::from(byte >> 4)], HEX[usize::from(byte & 15)]]);
        } else {
            encoded.push(*byte);
        }
    }
    HeaderValue::try_from(encoded).ok()
}

fn is_foreign(byte: u8) -> bool {
    !byte.is_ascii_graphic() || b"\"<>\\^`{|}".contains(&byte)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(target: &str, expected: Option<&str>) {
        let encoded = encoded_location(&HeaderValue::try_from(target).unwrap());
        assert_eq!(encoded.as_ref().map(|value| value.to_str().unwrap()), expected, "{target:?}");
    }

    #[test]
    fn what_a_uri_cannot_have_is_encoded() {
        check("/orders/7?a=b&c=%20d#e", None);
        check("https://[::1]:9000/a;b=(c)!$'*+,@~", None);
        check("", None);
        check("/green tea", Some("/green%20tea"));
        check("/caf\u{e9}/\u{8336}?q=\u{1f375}", Some("/caf%C3%A9/%E8%8C%B6?q=%F0%9F%8D%B5"));
        check("/a\tb\"<>\\^`{|}", Some("/a%09b%22%3C%3E%5C%5E%60%7B%7C%7D"));
        check("/100%", None);
    }
}
