//! The text of a status in `grpc-message`, with the escapes that gRPC requires and no others.
//!
//! `%x20`–`%x7E` stand for themselves, except `%`. Clients do not agree on further escapes: Node.js does not decode
//! `%3F`.

use http::{HeaderMap, HeaderName, HeaderValue};

pub(crate) const MESSAGE: HeaderName = HeaderName::from_static("grpc-message");

pub(crate) fn encode(text: &[u8]) -> HeaderValue {
    let mut encoded = Vec::with_capacity(text.len());
    for (at, &byte) in text.iter().enumerate() {
        // HTTP strips spaces from both ends of a header's value.
        let is_end = at == 0 || at + 1 == text.len();
        if matches!(byte, b' '..=b'~') && byte != b'%' && !(byte == b' ' && is_end) {
            encoded.push(byte);
        } else {
            encoded.extend_from_slice(&[b'%', hex(byte >> 4), hex(byte & 15)]);
        }
    }
    // `encode` makes printable ASCII only, so the value is always valid.
    HeaderValue::from_maybe_shared(bytes::Bytes::from(encoded))
        .unwrap_or_else(|_| HeaderValue::from_static(""))
}

/// Encodes the `grpc-message` of generated code anew: tonic escapes more characters than gRPC asks for.
pub(crate) fn encode_anew(headers: &mut HeaderMap) {
    if let Some(value) = headers.get_mut(MESSAGE)
        && value.as_bytes().contains(&b'%')
    {
        *value = encode(&decode(value.as_bytes()));
    }
}

fn decode(mut text: &[u8]) -> Vec<u8> {
    let mut decoded = Vec::with_capacity(text.len());
    while let Some((&byte, rest)) = text.split_first() {
        let digit = |at: usize| rest.get(at).and_then(|byte| char::from(*byte).to_digit(16));
        if let (b'%', Some(high), Some(low)) = (byte, digit(0), digit(1)) {
            decoded.push(u8::try_from(high << 4 | low).unwrap_or(b'%'));
            text = &rest[2..];
        } else {
            decoded.push(byte);
            text = rest;
        }
    }
    decoded
}

fn hex(digit: u8) -> u8 {
    b"0123456789ABCDEF"[usize::from(digit & 15)]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(text: &str, encoded: &str) {
        assert_eq!(encode(text.as_bytes()), encoded);
        assert_eq!(decode(encoded.as_bytes()), text.as_bytes());
    }

    #[test]
    fn every_text_has_one_spelling() {
        check("", "");
        check("what? \"a\" <b> #{c} `d`", "what? \"a\" <b> #{c} `d`");
        check("100%", "100%25");
        check(" a ", "%20a%20");
        check("\t\r\n\u{7f}\u{e9}", "%09%0D%0A%7F%C3%A9");
    }

    #[test]
    fn broken_escapes_stand_for_themselves() {
        assert_eq!(decode(b"%zz %4 %"), b"%zz %4 %");
        let mut headers = HeaderMap::from_iter([(MESSAGE, HeaderValue::from_static("what%3F%20100%25"))]);
        encode_anew(&mut headers);
        assert_eq!(headers[MESSAGE], "what? 100%25");
    }
}
