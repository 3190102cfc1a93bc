//! A call as a command line for curl, in the words of every POSIX shell, credentials masked.

use std::borrow::Cow;
use std::fmt::Write;
use std::net::SocketAddr;
use std::path::Path;

use base64::Engine as _;
use base64::engine::general_purpose::STANDARD;
use http::{Method, Version};

use super::har::url;
use super::mask;
use super::ring::Entry;
use crate::event::neutral;

/// The longest body that stands in the line as text, in bytes. A program takes no longer argument than 128 KiB.
const TEXT_MAX: usize = 64 * 1024;

/// Headers that curl writes itself, or that are of the connection and not of the request.
const LEFT_OUT: [&str; 11] = [
    "host",
    "connection",
    "content-length",
    "expect",
    "keep-alive",
    "proxy-connection",
    "sec-websocket-key",
    "te",
    "trailer",
    "transfer-encoding",
    "upgrade",
];

/// The line that sends the request once more, to `address`, where its port is now. With TLS, `authority` is the file of the
/// certificate that it trusts.
///
/// # Errors
///
/// The body is not here as a whole, or the request is none that curl repeats.
pub(crate) fn curl_line(
    entry: &Entry,
    address: SocketAddr,
    authority: Option<&Path>,
) -> Result<String, String> {
    let call = &entry.call;
    let body = entry.whole_request()?;
    let body = mask::body(body, call.original.for_replay().2);
    let mut line = String::new();
    let is_text = body.len() <= TEXT_MAX && str::from_utf8(&body).is_ok_and(is_printable);
    if !body.is_empty() && !is_text {
        // A shell's own `printf` has no limit, and no byte is out of its reach.
        _ = write!(line, "printf %s {} | base64 -d | ", quoted(&STANDARD.encode(&body)));
    }
    line.push_str("curl --globoff --path-as-is --silent --show-error");
    if call.version == Version::HTTP_2 && !call.is_tls {
        line.push_str(" --http2-prior-knowledge");
    }
    let host = call.original.host();
    if !is_here(host, address) {
        _ = write!(line, " --connect-to ::{address}");
    }
    if let Some(file) = authority.filter(|_| call.is_tls) {
        _ = write!(line, " --cacert {}", quoted(&file.to_string_lossy()));
    }
    match (&call.method, body.is_empty()) {
        (&Method::HEAD, _) => line.push_str(" --head"),
        (&Method::GET, true) | (&Method::POST, false) => {}
        (method, _) => _ = write!(line, " --request {}", quoted(method.as_str())),
    }
    let headers = call.shown_request();
    for (name, value) in headers.iter().filter(|(name, _)| !LEFT_OUT.contains(&name.as_str())) {
        _ = write!(line, " --header {}", header(name, value));
    }
    // Those that curl would add by itself.
    let own = ["accept", "user-agent"].into_iter().chain((!body.is_empty()).then_some("content-type"));
    for name in own.filter(|name| !headers.iter().any(|(own, _)| own == name)) {
        _ = write!(line, " --header '{name}:'");
    }
    if !body.is_empty() {
        line.push_str(" --header 'expect:'");
        match str::from_utf8(&body) {
            // `--data-raw` reads no file, whatever the text begins with.
            Ok(text) if is_text => _ = write!(line, " --data-raw {}", quoted(text)),
            _ => line.push_str(" --data-binary @-"),
        }
    }
    _ = write!(line, " {}", quoted(&url(call)));
    Ok(line)
}

/// Whether a text can stand in a line that somebody looks at: nothing in it steers a terminal.
fn is_printable(text: &str) -> bool {
    matches!(neutral(text), Cow::Borrowed(_))
}

/// Whether the host leads to the address by itself.
fn is_here(host: &str, address: SocketAddr) -> bool {
    let (name, port) = host.rsplit_once(':').unwrap_or((host, ""));
    let is_near = matches!(name, "localhost" | "127.0.0.1" | "[::1]") || name.ends_with(".localhost");
    is_near && port.parse() == Ok(address.port())
}

/// A header as an argument. What is no text is written by `printf`.
fn header(name: &str, value: &[u8]) -> String {
    if value.is_empty() {
        return quoted(&format!("{name};"));
    }
    if let Ok(text) = str::from_utf8(value)
        && is_printable(text)
    {
        return quoted(&format!("{name}: {text}"));
    }
    // Names may have quotes, percent signs and backticks too.
    let mut out = "\"$(printf '".to_owned();
    for byte in name.bytes().chain(*b": ").chain(value.iter().copied()) {
        _ = match byte {
            b' '..=b'~' if !matches!(byte, b'%' | b'\\' | b'\'' | b'"' | b'$' | b'`') => {
                write!(out, "{}", char::from(byte))
            }
            byte => write!(out, "\\{byte:03o}"),
        };
    }
    out.push_str("')\"");
    out
}

/// A text as one word of a shell.
fn quoted(text: &str) -> String {
    format!("'{}'", text.replace('\'', r"'\''"))
}
