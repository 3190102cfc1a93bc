//! Classifies a connection by its first bytes: a probe, HTTP/1 or HTTP/2.

use std::borrow::Cow;

use http::HeaderName;

use crate::platform::names::shows_a_proxy;

/// The version of HTTP that a connection speaks.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum HttpVersion {
    Http1,
    /// HTTP/1, with a head that was not complete within the limit.
    Http1Late,
    /// HTTP/2 with prior knowledge: its preface came first.
    Http2,
}

/// The result for the bytes so far.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sniffed {
    /// Too few bytes to decide.
    More,
    /// A complete request that is a probe.
    Probe(ProbeHead),
    /// A connection for the executor.
    HttpVersion(HttpVersion),
}

/// The facts of a probe that its reply needs.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProbeHead {
    pub(crate) length: usize,
    /// True if no header shows that the request came through the trigger or a proxy.
    pub(crate) inside: bool,
    pub(crate) close: bool,
    pub(crate) is_head: bool,
}

/// What a probe asks for.
#[derive(Debug)]
pub(crate) struct Probes {
    path: Cow<'static, str>,
    head_root: bool,
}

/// The whole preface, because a method of HTTP/1 may begin with the same letters.
const PREFACE: &[u8] = b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n";

/// The longest head of a probe, in bytes. A longer head goes to the executor.
pub(crate) const PROBE_MAX: usize = 2048;

impl Probes {
    /// `GET` and `HEAD` of the health path, and `HEAD /` if that is enabled for load balancers.
    pub(crate) fn new(health_path: Cow<'static, str>, head_root: bool) -> Self {
        Self { path: health_path, head_root }
    }

    /// The version of a head that was not complete within the limit. `None` if it may be HTTP/2, which has no reply for
    /// a late preface.
    pub(crate) fn sniff_late(seen: &[u8]) -> Option<HttpVersion> {
        (!PREFACE.starts_with(seen)).then_some(HttpVersion::Http1Late)
    }

    pub(crate) fn sniff(&self, seen: &[u8]) -> Sniffed {
        if seen.starts_with(PREFACE) {
            return Sniffed::HttpVersion(HttpVersion::Http2);
        }
        let path = self.path.as_bytes();
        let (mut is_probe, mut may_be) = (false, false);
        for method in [&b"GET "[..], b"HEAD "] {
            match after(seen, [method, path]) {
                Ok([b' ' | b'?', ..]) => is_probe = true,
                Ok([]) | Err(true) => may_be = true,
                Ok(_) | Err(false) => {}
            }
        }
        if self.head_root {
            match after(seen, [b"HEAD / ", b""]) {
                Ok(_) => is_probe = true,
                Err(begins) => may_be |= begins,
            }
        }
        if is_probe {
            return ProbeHead::sniff(seen);
        }
        if may_be || PREFACE.starts_with(seen) {
            return Sniffed::More;
        }
        Sniffed::HttpVersion(HttpVersion::Http1)
    }
}

/// What is behind both parts. Else whether `seen` is their beginning.
fn after<'s>(seen: &'s [u8], [first, second]: [&[u8]; 2]) -> Result<&'s [u8], bool> {
    let rest = seen.strip_prefix(first).ok_or_else(|| first.starts_with(seen))?;
    rest.strip_prefix(second).ok_or_else(|| second.starts_with(rest))
}

/// A head that no plain probe has, and that is left to hyper.
struct Unplain;

impl ProbeHead {
    /// Reads a probe, and leaves every other head to hyper. Examples are a body that would be taken for the next
    /// request, bytes that readers disagree about, line ends without a carriage return, and a head that is too long.
    fn sniff(seen: &[u8]) -> Sniffed {
        match Self::read(seen) {
            Ok(Some(probe)) => Sniffed::Probe(probe),
            Ok(None) if seen.len() < PROBE_MAX => Sniffed::More,
            _ => Sniffed::HttpVersion(HttpVersion::Http1),
        }
    }

    /// Reads the head of a probe. `None` if the head is incomplete.
    fn read(seen: &[u8]) -> Result<Option<Self>, Unplain> {
        let Some(first) = line(seen)? else { return Ok(None) };
        let is_old = is_old(first)?;
        let is_head = first.starts_with(b"HEAD ");
        let mut probe = Self { length: first.len() + 2, inside: true, close: is_old, is_head };
        let (mut has_host, mut has_connection) = (false, false);
        for _ in 0..FIELDS_MAX {
            let Some(field) = line(&seen[probe.length..])? else { return Ok(None) };
            probe.length += field.len() + 2;
            if field.is_empty() {
                return Ok(Some(probe));
            }
            let colon = field.iter().position(|byte| *byte == b':').ok_or(Unplain)?;
            let name = HeaderName::from_bytes(&field[..colon]).map_err(|_| Unplain)?;
            let value = field[colon + 1..].trim_ascii();
            match name.as_str() {
                "content-length" | "transfer-encoding" | "expect" | "upgrade" => return Err(Unplain),
                // Servers differ in how they read a repeated header or a list.
                "host" if std::mem::replace(&mut has_host, true) || !is_plain_host(value) => {
                    return Err(Unplain);
                }
                "connection" if std::mem::replace(&mut has_connection, true) => return Err(Unplain),
                "connection" if value.eq_ignore_ascii_case(b"close") => probe.close = true,
                "connection" if is_old || !value.eq_ignore_ascii_case(b"keep-alive") => return Err(Unplain),
                name => probe.inside &= !shows_a_proxy(name),
            }
        }
        Err(Unplain)
    }
}

/// The most header fields of a probe. hyper accepts more.
const FIELDS_MAX: usize = 64;

/// The first line without its end. Only characters that all readers read alike are accepted. `None` if the line is
/// incomplete.
fn line(bytes: &[u8]) -> Result<Option<&[u8]>, Unplain> {
    let Some(end) = bytes.iter().position(|byte| !matches!(byte, b' '..=b'~' | b'\t')) else {
        return Ok(None);
    };
    match &bytes[end..] {
        [b'\r', b'\n', ..] => Ok(Some(&bytes[..end])),
        [b'\r'] => Ok(None),
        _ => Err(Unplain),
    }
}

/// Whether a plain request line has the version HTTP/1.0.
fn is_old(line: &[u8]) -> Result<bool, Unplain> {
    let mut words = line.split(|byte| *byte == b' ');
    let (Some(_), Some(target), Some(version), None) =
        (words.next(), words.next(), words.next(), words.next())
    else {
        return Err(Unplain);
    };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || b"-._~!$&'()*+,;=:@/?%".contains(byte);
    match version {
        b"HTTP/1.1" | b"HTTP/1.0" if target.iter().all(is_plain) => Ok(version == b"HTTP/1.0"),
        _ => Err(Unplain),
    }
}

/// Whether the host is a name or an IPv4 address, with or without a port.
fn is_plain_host(host: &[u8]) -> bool {
    let colon = host.iter().position(|byte| *byte == b':').unwrap_or(host.len());
    let (name, port) = host.split_at(colon);
    let is_port = |port: &[u8]| {
        port.iter().all(u8::is_ascii_digit)
            && std::str::from_utf8(port).is_ok_and(|port| port.parse::<u16>().is_ok())
    };
    let is_plain = |byte: &u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-');
    !name.is_empty() && name.iter().all(is_plain) && port.strip_prefix(b":").is_none_or(is_port)
}

#[cfg(test)]
mod agreement;

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, expected: Sniffed) {
        assert_eq!(Probes::new("/healthz".into(), true).sniff(head.as_bytes()), expected, "{head:?}");
    }

    #[test]
    fn first_bytes_tell_what_a_client_wants() {
        use Sniffed::More;
        let (h1, h2) = (Sniffed::HttpVersion(HttpVersion::Http1), Sniffed::HttpVersion(HttpVersion::Http2));
        check("", More);
        check("P", More);
        check("PR", More);
        check("PRI * HTTP/2.0", More);
        check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r", More);
        check("PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n", h2);
        check("PRI * HTTP/2.0\r\n\r\nSM\r\n\n", h1);
        check("PRIVATE / HTTP/1.1", h1);
        check("PRI /", h1);
        check("POST / ", h1);
        check("PUT", h1);
        check("GE", More);
        check("GET /health", More);
        check("GET /healthz", More);
        check("GET /healthz HTTP/1.1\r\nhost: a\r\n", More);
        check("GET /healthzz", h1);
        check("GET / HTTP/1.1", h1);
        check("\r\n", h1);
    }

    #[test]
    fn whole_probes_are_told_from_what_hyper_has_to_read() {
        let h1 = Sniffed::HttpVersion(HttpVersion::Http1);
        let probe =
            |length, inside, close, is_head| Sniffed::Probe(ProbeHead { length, inside, close, is_head });
        check("GET /healthz HTTP/1.1\r\nhost: a\r\n\r\nGET / ", probe(34, true, false, false));
        check("HEAD /healthz?x=1 HTTP/1.1\r\nConnection: Close\r\n\r\n", probe(49, true, true, true));
        check("HEAD / HTTP/1.0\r\n\r\n", probe(19, true, true, true));
        check("GET /healthz HTTP/1.1\r\nX-Fc-Request-Id: 1\r\n\r\n", probe(45, false, false, false));
        check("GET /healthz HTTP/1.1\r\nX-Forwarded-For: 1.1.1.1\r\n\r\n", probe(51, false, false, false));
        check("GET /healthz HTTP/1.1\r\nContent-Length: 4\r\n\r\nGET ", h1);
        check("GET /healthz HTTP/1.1\r\ntransfer-encoding: chunked\r\n\r\n0\r\n\r\n", h1);
        check("GET /healthz HTTP/1.1\nhost: a\n\n", h1);
        check("GET /healthz HTTP/1.1\r\na b\r\n\r\n", h1);
        check("GET /healthz HTTP/1.1\r\nname : value\r\n\r\n", h1);
        check("GET /healthz HTTP/1.1\r\ncontent-length\0: 5\r\n\r\n", h1);
        check("GET /healthz HTTP/1.1\r\nx: a\nb\r\n\r\n", h1);
        check("GET /healthz HTTP/2.0\r\n\r\n", h1);
        check("GET /healthz HTTP/1.1 HTTP/1.1\r\n\r\n", h1);
        check("GET /healthz?a\0 HTTP/1.1\r\n\r\n", h1);
        check("GET /healthz?a\tb HTTP/1.1\r\n\r\n", h1);
        // hyper ends this head at the second line.
        check("GET /healthz HTTP/1.1\r\nx: a\n\r\nGET / HTTP/1.1\r\n\r\n", h1);
        check("GET /healthz HTTP/1.1\r\nConnection: closed\r\n\r\n", h1);
        check("GET /healthz HTTP/1.1\r\nConnection: close\r\nConnection: keep-alive\r\n\r\n", h1);
        check("GET /healthz HTTP/1.0\r\nConnection: keep-alive\r\n\r\n", h1);
        check("GET /healthz HTTP/1.1\r\nHost: a\r\nHost: a\r\n\r\n", h1);
        check("GET /healthz HTTP/1.1\r\nHost: user@a\r\n\r\n", h1);
        check(&format!("GET /healthz HTTP/1.1\r\n{}\r\n", "x: y\r\n".repeat(100)), h1);
        check(&format!("GET /healthz HTTP/1.1\r\nx: {}", "y".repeat(PROBE_MAX)), h1);
    }
}
