//! Percent-encoding as signatures need it.

/// Decodes percent-encoding. What is no encoding stays as it is. In queries and forms a `+` is a space.
pub(crate) fn decode(text: &str, has_plus: bool) -> Vec<u8> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.as_bytes();
    while let [first, after @ ..] = rest {
        let pair = if *first == b'%' { after.split_at_checked(2) } else { None };
        if let Some((digits, after)) = pair
            && let Some(byte) = hex_pair(digits)
        {
            bytes.push(byte);
            rest = after;
        } else {
            bytes.push(if *first == b'+' && has_plus { b' ' } else { *first });
            rest = after;
        }
    }
    bytes
}

/// Encodes all but `A-Za-z0-9-._~`, with upper-case digits, as RFC 3986 recommends.
pub(crate) fn encode(bytes: &[u8]) -> String {
    let mut text = String::with_capacity(bytes.len());
    for byte in bytes {
        if byte.is_ascii_alphanumeric() || b"-._~".contains(byte) {
            text.push(char::from(*byte));
        } else {
            const DIGITS: &[u8; 16] = b"0123456789ABCDEF";
            let digit = |value: u8| char::from(DIGITS[usize::from(value)]);
            text.extend(['%', digit(byte >> 4), digit(byte & 15)]);
        }
    }
    text
}

/// The pairs of a query or a form, decoded, in their order. The last value says whether there was a `=`.
pub(crate) fn pairs(query: &str) -> impl Iterator<Item = (Vec<u8>, Vec<u8>, bool)> + '_ {
    query.split('&').filter(|pair| !pair.is_empty()).map(|pair| match pair.split_once('=') {
        Some((key, value)) => (decode(key, true), decode(value, true), true),
        None => (decode(pair, true), Vec::new(), false),
    })
}

/// Bytes as lower-case hexadecimal digits.
pub(crate) fn hex(bytes: &[u8]) -> String {
    bytes
        .iter()
        .flat_map(|byte| [byte >> 4, byte & 15])
        .filter_map(|digit| char::from_digit(digit.into(), 16))
        .collect()
}

/// The bytes of hexadecimal digits.
pub(crate) fn from_hex(text: &str) -> Option<Vec<u8>> {
    text.as_bytes().chunks(2).map(hex_pair).collect()
}

fn hex_pair(digits: &[u8]) -> Option<u8> {
    let [high, low] = digits else { return None };
    let digit = |byte: u8| char::from(byte).to_digit(16);
    u8::try_from(digit(*high)? * 16 + digit(*low)?).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn texts_are_decoded_and_encoded() {
        for (text, has_plus, decoded) in [
            ("a+b%20c", true, "a b c"),
            ("a+b%20c", false, "a+b c"),
            ("%2f%2F%e4%BD%a0", false, "//你"),
            ("100%", false, "100%"),
            ("%4", false, "%4"),
            ("%zz%41", false, "%zzA"),
            ("%+1", false, "%+1"),
        ] {
            assert_eq!(String::from_utf8(decode(text, has_plus)).unwrap(), decoded, "{text}");
        }
        assert_eq!(encode("a-._~b /+*é".as_bytes()), "a-._~b%20%2F%2B%2A%C3%A9");
        assert_eq!(
            (hex(&[0, 255]).as_str(), from_hex("00fF"), from_hex("0"), from_hex("0g")),
            ("00ff", Some(vec![0, 255]), None, None)
        );
    }
}
