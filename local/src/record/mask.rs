//! What of a call may be shown: credentials are masked by the names that they have.

use std::borrow::Cow;
use std::fmt::Write;

use super::body::Body;
use super::headers::Headers;
use super::recorded::{Original, Recorded};
use super::ring::Entry;
use crate::event::{MASK, is_secret_key};

/// Headers whose values are credentials, whatever their names say.
const SECRET: [&str; 4] =
    ["authorization", "proxy-authorization", "x-fc-access-key-id", "x-acs-signature-nonce"];

/// Parameters of signatures, beside those whose names tell.
const SIGNED: [&str; 5] =
    ["x-fc-signature", "ossaccesskeyid", "x-oss-credential", "signature", "x-oss-signature"];

impl Entry {
    /// Whether something of the request is masked when it is shown.
    pub(crate) fn has_secrets(&self) -> bool {
        let headers = &self.call.original.headers;
        let in_body = |sent: &Body| matches!(body(sent, headers), Cow::Owned(_));
        self.call.has_secrets() || self.bodies.request().is_some_and(in_body)
    }
}

impl Recorded {
    /// The path and the query, masked.
    pub(crate) fn shown_target(&self) -> String {
        target(&self.original.target)
    }

    /// The headers of the request, masked.
    pub(crate) fn shown_request(&self) -> Vec<(String, Vec<u8>)> {
        headers(&self.original.headers)
    }

    /// The headers of the reply, masked.
    pub(crate) fn shown_reply(&self) -> Vec<(String, Vec<u8>)> {
        headers(&self.reply)
    }

    /// The same of the request without its body.
    fn has_secrets(&self) -> bool {
        let Original { target: own, headers: all, .. } = &self.original;
        target(own) != **own || all.iter().any(|(name, value)| masked(name, value).is_some())
    }
}

/// The body as it may be shown. Text of a form or of JSON has its secrets masked; other bodies are as they are.
pub(crate) fn body<'a>(body: &'a Body, headers: &Headers) -> Cow<'a, [u8]> {
    let content_type = headers.get("content-type").unwrap_or_default();
    // The end may be cut inside a character, and a byte that is none must not uncover the rest.
    let text = String::from_utf8_lossy(body.bytes());
    let text = &*text;
    let kind = String::from_utf8_lossy(content_type).to_ascii_lowercase();
    if kind.starts_with("application/x-www-form-urlencoded") {
        let shown = query(text);
        return if shown == text { Cow::Borrowed(body.bytes()) } else { Cow::Owned(shown.into_bytes()) };
    }
    if kind.contains("json") || text.trim_start().starts_with(['{', '[']) {
        return match json(text) {
            None => Cow::Borrowed(body.bytes()),
            Some(shown) => Cow::Owned(shown.into_bytes()),
        };
    }
    Cow::Borrowed(body.bytes())
}

/// The headers of a reply to fc-local itself, masked.
pub(crate) fn shown_headers(all: &http::HeaderMap) -> Vec<(String, Vec<u8>)> {
    headers(&Headers::of(all))
}

fn headers(headers: &Headers) -> Vec<(String, Vec<u8>)> {
    let shown = |(name, value): (&str, &[u8])| {
        (name.to_owned(), masked(name, value).map_or_else(|| value.to_vec(), String::into_bytes))
    };
    headers.iter().map(shown).collect()
}

/// What is shown in place of a header's value. `None` shows the value.
fn masked(name: &str, value: &[u8]) -> Option<String> {
    if value.is_empty() {
        return None;
    }
    match name {
        "cookie" => Some(cookies(value, true)),
        "set-cookie" => Some(cookies(value, false)),
        "authorization" | "proxy-authorization" => {
            // The scheme says which kind of credentials it is.
            let scheme = value.split(|byte| *byte == b' ').next().filter(|scheme| scheme.len() < value.len());
            let scheme = scheme.and_then(|scheme| str::from_utf8(scheme).ok());
            Some(scheme.map_or_else(|| MASK.to_owned(), |scheme| format!("{scheme} {MASK}")))
        }
        "referer" | "location" | "content-location" => {
            let text = str::from_utf8(value).ok()?;
            let shown = target(text);
            (shown != text).then_some(shown)
        }
        name if SECRET.contains(&name) || is_secret_key(&name.replace('-', "_")) || is_secret_key(name) => {
            Some(MASK.to_owned())
        }
        _ => None,
    }
}

/// Cookies without their values, but with the attributes of the one that a reply sets.
fn cookies(value: &[u8], is_request: bool) -> String {
    let text = String::from_utf8_lossy(value);
    let parts = text.split(';').enumerate().map(|(at, part)| match part.split_once('=') {
        Some((name, _)) if is_request || at == 0 => format!("{name}={MASK}"),
        None if is_request || at == 0 => MASK.to_owned(),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join(";")
}

/// A target or an address, with the secrets of its query masked.
fn target(target: &str) -> String {
    // Behind a number sign, too, somebody is sent back with a token.
    let (path, rest) = target.split_at(target.find(['?', '#']).unwrap_or(target.len()));
    let parts = rest.split_inclusive(['?', '#']).map(|part| {
        let (text, sign) = part.split_at(part.find(['?', '#']).unwrap_or(part.len()));
        query(text) + sign
    });
    parts.fold(path.to_owned(), |shown, part| shown + &part)
}

fn query(text: &str) -> String {
    // A code is a credential where somebody was sent back from signing in, which a state tells.
    let has_code = text.split('&').any(|part| part.starts_with("state="));
    let is_secret = |name: &str| is_secret_parameter(name) || (has_code && name == "code");
    let parts = text.split('&').map(|part| match part.split_once('=') {
        Some((name, value)) if !value.is_empty() && is_secret(name) => format!("{name}={MASK}"),
        _ => part.to_owned(),
    });
    parts.collect::<Vec<_>>().join("&")
}

fn is_secret_parameter(name: &str) -> bool {
    let name = percent_encoding::percent_decode_str(name).decode_utf8_lossy().to_ascii_lowercase();
    SIGNED.contains(&&*name) || is_secret_key(&name) || is_secret_key(&name.replace('-', "_"))
}

/// The text of a JSON document with the values of secret names masked, also of one that breaks off. `None` if there are none.
fn json(text: &str) -> Option<String> {
    let mut out = String::new();
    let mut done = 0;
    let mut name: Option<&str> = None;
    // Where the list behind a secret name ends: all its texts are secrets.
    let mut list_end = 0;
    let mut at = 0;
    while let Some(quote) = text[at..].find('"').map(|quote| at + quote) {
        let end = end_of_string(text, quote + 1);
        let value = &text[quote + 1..end];
        let behind = text.get(end + 1..).unwrap_or_default().trim_start();
        let before = text[..quote].trim_end();
        let is_listed = quote < list_end;
        if behind.starts_with(':') && !is_listed {
            name = Some(value);
            if behind[1..].trim_start().starts_with('[') && is_secret_parameter(value) {
                list_end = end_of_list(text, text.len() - behind.len() + 1);
            }
        } else if !value.is_empty()
            && (is_listed && !behind.starts_with(':')
                || before.ends_with(':') && name.take().is_some_and(is_secret_parameter))
        {
            _ = write!(out, "{}\"{MASK}", &text[done..quote]);
            done = end;
        }
        at = (end + 1).min(text.len());
    }
    if done == 0 {
        return None;
    }
    out.push_str(&text[done..]);
    Some(out)
}

/// Where the list that begins behind `from` ends: at its bracket, or with the text.
fn end_of_list(text: &str, from: usize) -> usize {
    let (mut at, mut depth) = (from, 0_usize);
    while let Some(found) = text.get(at..).and_then(|rest| rest.find(['"', '[', ']'])) {
        at += found;
        match text.as_bytes()[at] {
            b'"' => at = end_of_string(text, at + 1),
            b'[' => depth += 1,
            _ => depth = depth.saturating_sub(1),
        }
        if depth == 0 {
            return at;
        }
        at += 1;
    }
    text.len()
}

/// Where the string that begins at `from` ends: at its quote, or with the text.
fn end_of_string(text: &str, from: usize) -> usize {
    let mut is_escaped = false;
    for (at, byte) in text.bytes().enumerate().skip(from) {
        match byte {
            _ if is_escaped => is_escaped = false,
            b'\\' => is_escaped = true,
            b'"' => return at,
            _ => {}
        }
    }
    text.len()
}
