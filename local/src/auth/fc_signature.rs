//! `FC id:signature`, the signature of the SDKs before 2023, and URLs that carry their signature.

use base64::Engine;
use base64::engine::general_purpose::STANDARD;
use http::request::Parts;
use http::{HeaderMap, HeaderName, header};
use ring::hmac;

use super::encoding::{decode, encode, pairs};

/// The scheme in the `Authorization` header.
pub(crate) const SCHEME: &str = "FC";

pub(crate) const TOKEN: HeaderName = HeaderName::from_static("x-fc-security-token");

const CONTENT_MD5: HeaderName = HeaderName::from_static("content-md5");
const PREFIX: &str = "x-fc-";
const EXPIRES: &str = "x-fc-expires";
const KEY_ID: &str = "x-fc-access-key-id";
const SIGNATURE: &str = "x-fc-signature";

/// What a signature covers of the target.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Resource {
    /// Calls of the API: the path alone.
    Path,
    /// Calls of an HTTP trigger: the path and the query.
    PathAndQuery,
}

/// Whether the base64 `signature` is that of the request.
pub(crate) fn is_right(head: &Parts, resource: Resource, secret: &[u8], signature: &str) -> bool {
    let date = single(&head.headers, &header::DATE);
    date.is_some_and(|date| verify(head, date, resource, secret, signature))
}

/// The parameters of a URL that carries its signature.
#[derive(Debug, PartialEq, Eq)]
pub(crate) struct Presigned {
    pub(crate) key_id: String,
    /// Unix seconds.
    pub(crate) expires: u64,
    pub(crate) token: Vec<u8>,
    expires_text: String,
    signature: String,
}

impl Presigned {
    /// Whether a URL claims to carry its signature.
    pub(crate) fn is_in(query: &str) -> bool {
        pairs(query).any(|(key, ..)| key == SIGNATURE.as_bytes())
    }

    /// `None` if parameters are absent, repeated or cannot be read.
    pub(crate) fn parse(query: &str) -> Option<Self> {
        let values = |name: &str| -> Vec<String> {
            let named = pairs(query).filter(|(key, ..)| key == name.as_bytes());
            named.map(|(_, value, _)| String::from_utf8_lossy(&value).into_owned()).collect()
        };
        let one = |mut values: Vec<String>| if values.len() == 1 { values.pop() } else { None };
        let expires_text =
            one(values(EXPIRES)).filter(|text| text.bytes().all(|byte| byte.is_ascii_digit()))?;
        let mut tokens = values(TOKEN.as_str());
        let token = tokens.pop().unwrap_or_default();
        if !tokens.is_empty() {
            return None;
        }
        let expires = expires_text.parse().ok()?;
        let (key_id, signature) = (one(values(KEY_ID))?, one(values(SIGNATURE))?);
        Some(Presigned { key_id, expires, token: token.into_bytes(), expires_text, signature })
    }

    pub(crate) fn is_right(&self, head: &Parts, secret: &[u8]) -> bool {
        verify(head, self.expires_text.as_bytes(), Resource::PathAndQuery, secret, &self.signature)
    }
}

/// The query of `head`'s target with a signature that is valid until `expires`, in Unix seconds.
pub(crate) fn presign(
    head: &Parts,
    key_id: &str,
    token: &[u8],
    secret: &[u8],
    expires: u64,
) -> Option<String> {
    let before = head.uri.query().map(|query| format!("{query}&")).unwrap_or_default();
    let token = if token.is_empty() { String::new() } else { format!("&{TOKEN}={}", encode(token)) };
    let query = format!("{before}{KEY_ID}={}&{EXPIRES}={expires}{token}", encode(key_id.as_bytes()));
    let text = string_to_sign(head, expires.to_string().as_bytes(), head.uri.path(), &query, true)?;
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let signature = STANDARD.encode(hmac::sign(&key, &text));
    Some(format!("{query}&{SIGNATURE}={}", encode(signature.as_bytes())))
}

fn verify(head: &Parts, date: &[u8], resource: Resource, secret: &[u8], signature: &str) -> bool {
    let Ok(signature) = STANDARD.decode(signature) else { return false };
    let key = hmac::Key::new(hmac::HMAC_SHA256, secret);
    let verifies =
        |text: Option<Vec<u8>>| text.is_some_and(|text| hmac::verify(&key, &text, &signature).is_ok());
    let path = head.uri.path();
    match resource {
        Resource::Path => {
            let mut text = head_to_sign(head, date);
            if let Some(text) = &mut text {
                text.extend(decode(path, false));
            }
            verifies(text)
        }
        Resource::PathAndQuery => {
            let query = head.uri.query().unwrap_or_default();
            let has_bare_key = pairs(query).any(|(.., has_equals)| !has_equals);
            verifies(string_to_sign(head, date, path, query, true))
                || has_bare_key && verifies(string_to_sign(head, date, path, query, false))
        }
    }
}

/// The string to sign of a call of an HTTP trigger. A key without `=` is signed with one or without.
///
/// `None` if the text could stand for another request: a line break in path or query, a `=` in a key.
fn string_to_sign(head: &Parts, date: &[u8], path: &str, query: &str, equals: bool) -> Option<Vec<u8>> {
    let mut text = head_to_sign(head, date)?;
    let mut items: Vec<Vec<u8>> = Vec::new();
    for (key, value, has_equals) in pairs(query).filter(|(key, ..)| key != SIGNATURE.as_bytes()) {
        if key.contains(&b'=') {
            return None;
        }
        items.push(if has_equals || equals { [&key[..], b"=", &value].concat() } else { key });
    }
    items.sort();
    let path = decode(path, false);
    if path.contains(&b'\n') || items.iter().any(|item| item.contains(&b'\n')) {
        return None;
    }
    text.extend(path);
    text.push(b'\n');
    text.extend(items.join(&b'\n'));
    Some(text)
}

/// The lines before the resource. `None` if one of the headers is repeated.
fn head_to_sign(head: &Parts, date: &[u8]) -> Option<Vec<u8>> {
    let line = |name: &HeaderName| {
        if head.headers.contains_key(name) { single(&head.headers, name) } else { Some(&b""[..]) }
    };
    let method = head.method.as_str().as_bytes();
    let mut text = [method, line(&CONTENT_MD5)?, line(&header::CONTENT_TYPE)?, date].join(&b'\n');
    text.push(b'\n');
    let mut names: Vec<&HeaderName> =
        head.headers.keys().filter(|name| name.as_str().starts_with(PREFIX)).collect();
    names.sort_by_key(|name| name.as_str());
    for name in names {
        text.extend([name.as_str().as_bytes(), b":", single(&head.headers, name)?, b"\n"].concat());
    }
    Some(text)
}

/// The value of a header that stands there once.
fn single<'a>(headers: &'a HeaderMap, name: &HeaderName) -> Option<&'a [u8]> {
    let mut values = headers.get_all(name).iter();
    let (Some(value), None) = (values.next(), values.next()) else { return None };
    Some(value.as_bytes().trim_ascii())
}
