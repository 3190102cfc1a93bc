//! From a reply to the JSON that doors read.

use ::http::header::{CONTENT_LENGTH, SET_COOKIE};
use ::http::{HeaderMap, HeaderValue};
use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use bytes::Bytes;
use fc_events::http;

use crate::error::Result;
use crate::platform::limits::EVENT_REPLY_MAX;
use crate::reply::{Body, Reply};
use crate::request::too_large;

/// The reply as an event's.
///
/// # Errors
/// 500 when it is larger than a door takes.
pub(crate) fn written(reply: &mut Reply) -> Result<Bytes> {
    let mut out = http::Reply::default();
    out.status_code = reply.status().as_u16();
    add_headers(&mut out, reply.headers());
    let body = match std::mem::replace(&mut reply.body, Body::Empty) {
        Body::Once(body) => body,
        _ => Bytes::new(),
    };
    match std::str::from_utf8(&body) {
        Ok(text) if is_plain(&body) => text.clone_into(&mut out.body),
        _ => (out.body, out.is_base64_encoded) = (STANDARD.encode(&body), true),
    }
    let written = serde_json::to_vec(&out)?;
    if written.len() > EVENT_REPLY_MAX {
        return Err(too_large(written.len()));
    }
    Ok(written.into())
}

/// Whether the bytes stay small as the text of a JSON string: controls become six characters each.
fn is_plain(body: &[u8]) -> bool {
    !body.iter().any(|byte| byte.is_ascii_control() && !matches!(byte, b'\t' | b'\n' | b'\r'))
}

fn add_headers(out: &mut http::Reply, headers: &HeaderMap) {
    for name in headers.keys().filter(|name| **name != SET_COOKIE && **name != CONTENT_LENGTH) {
        let values: Vec<_> = headers.get_all(name).iter().map(text).collect();
        out.headers.insert(name.to_string(), values.join(", "));
    }
    for (number, cookie) in headers.get_all(SET_COOKIE).iter().enumerate().take(COOKIES_MAX) {
        out.headers.insert(in_other_case(SET_COOKIE.as_str(), number), text(cookie));
    }
}

/// As many cookies as there are ways to write the header's name.
const COOKIES_MAX: usize = 1 << 9;

/// The name with those letters in upper case that the bits of `number` choose: names of headers are the same in any case, keys of JSON are not.
fn in_other_case(name: &str, number: usize) -> String {
    let mut letter = 0;
    let choose = |c: char| {
        if !c.is_ascii_alphabetic() {
            return c;
        }
        letter += 1;
        if number >> (letter - 1) & 1 == 1 { c.to_ascii_uppercase() } else { c }
    };
    name.chars().map(choose).collect()
}

/// The value as text: UTF-8, else each byte as the character of its number.
fn text(value: &HeaderValue) -> String {
    let bytes = value.as_bytes();
    match std::str::from_utf8(bytes) {
        Ok(text) => text.to_owned(),
        Err(_) => bytes.iter().map(|byte| char::from(*byte)).collect(),
    }
}

#[cfg(test)]
mod tests {
    use std::collections::BTreeSet;

    use super::*;

    #[test]
    fn each_cookie_has_a_name_of_its_own() {
        let names: BTreeSet<_> = (0..COOKIES_MAX).map(|number| in_other_case("set-cookie", number)).collect();
        assert_eq!(names.len(), COOKIES_MAX);
        assert!(names.contains("set-cookie") && names.contains("Set-cookie") && names.contains("SET-COOKIE"));
    }

    #[test]
    fn a_body_is_text_if_it_is_plain() {
        for (body, text, is_base64) in [
            (&b"caf\xc3\xa9\n"[..], "caf\u{e9}\n", false),
            (b"", "", false),
            (b"\xff\x00", "/wA=", true),
            (b"a\x00b", "YQBi", true),
        ] {
            let mut reply = Reply::new(body.to_vec()).with_header("x-a", "1").with_added_header("x-a", "2");
            let written: http::Reply = fc_events::read(&written(&mut reply).unwrap()).unwrap();
            assert_eq!((&*written.body, written.is_base64_encoded), (text, is_base64));
            assert_eq!((written.status_code, &*written.headers["x-a"]), (200, "1, 2"));
        }
        assert!(written(&mut Reply::new(vec![0xff; EVENT_REPLY_MAX / 4 * 3])).is_err());
    }
}
