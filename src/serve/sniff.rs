//! What a client's first bytes say: a probe, HTTP/1 or HTTP/2.

use std::str::FromStr;

use http::{HeaderName, HeaderValue};

use crate::platform::names::shows_a_proxy;

/// The protocol of a connection.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    /// HTTP/2 with prior knowledge: the preface `PRI * HTTP/2.0` came first. hyper checks the rest of it.
    Http2,
}

/// What the bytes so far say.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Sniffed {
    /// Too little to tell.
    More,
    /// A whole request that is a probe and nothing else.
    Probe(ProbeHead),
    /// For the executor.
    Protocol(Protocol),
}

/// What has to be known of a probe to answer it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct ProbeHead {
    pub(crate) length: usize,
    /// Nothing shows that a client behind the trigger or a proxy asks.
    pub(crate) inside: bool,
    pub(crate) close: bool,
    pub(crate) is_head: bool,
}

/// The beginnings of requests that are probes.
#[derive(Debug)]
pub(crate) struct Probes(Vec<Vec<u8>>);

/// How much of a probe is looked at. A longer head goes to the executor.
pub(crate) const PROBE_MAX: usize = 2048;

impl Probes {
    /// The health path with `GET` and `HEAD`, and `HEAD /` if a load balancer asks that.
    pub(crate) fn new(health_path: &str, head_root: bool) -> Self {
        let mut starts = Vec::new();
        for method in ["GET", "HEAD"] {
            starts.push(format!("{method} {health_path} ").into_bytes());
            starts.push(format!("{method} {health_path}?").into_bytes());
        }
        if head_root {
            starts.push(b"HEAD / ".to_vec());
        }
        Self(starts)
    }

    pub(crate) fn sniff(&self, seen: &[u8]) -> Sniffed {
        // Three bytes decide: no method of HTTP/1 begins with `PRI`.
        const PREFACE: &[u8] = b"PRI";
        if seen.starts_with(PREFACE) {
            return Sniffed::Protocol(Protocol::Http2);
        }
        if self.0.iter().any(|start| seen.starts_with(start)) {
            return ProbeHead::sniff(seen);
        }
        if PREFACE.starts_with(seen) || self.0.iter().any(|start| start.starts_with(seen)) {
            return Sniffed::More;
        }
        Sniffed::Protocol(Protocol::Http1)
    }
}

impl ProbeHead {
    /// Whatever is not plainly a probe is left to hyper: a body that would be taken for the next request, line ends
    /// without a carriage return, a head that is too long.
    fn sniff(seen: &[u8]) -> Sniffed {
        const ELSE: Sniffed = Sniffed::Protocol(Protocol::Http1);
        let Some(end) = seen.windows(4).position(|window| window == b"\r\n\r\n") else {
            let bare = seen.windows(2).any(|window| window[1] == b'\n' && window[0] != b'\r');
            return if bare || seen.len() >= PROBE_MAX { ELSE } else { Sniffed::More };
        };
        let Ok(head) = std::str::from_utf8(&seen[..end]) else { return ELSE };
        let mut lines = head.split("\r\n");
        let first = lines.next().unwrap_or_default();
        let mut probe = Self {
            length: end + 4,
            inside: true,
            close: first.ends_with("HTTP/1.0"),
            is_head: first.starts_with("HEAD "),
        };
        if !first.ends_with(" HTTP/1.1") && !first.ends_with(" HTTP/1.0") {
            return ELSE;
        }
        for line in lines {
            let Some((name, value)) = line.split_once(':') else { return ELSE };
            let (Ok(name), Ok(_)) = (HeaderName::from_str(name), HeaderValue::from_str(value)) else {
                return ELSE;
            };
            match name.as_str() {
                "content-length" | "transfer-encoding" | "expect" | "upgrade" => return ELSE,
                "connection" => probe.close |= value.to_ascii_lowercase().contains("close"),
                name => probe.inside &= !shows_a_proxy(name),
            }
        }
        Sniffed::Probe(probe)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(head: &str, expected: Sniffed) {
        assert_eq!(Probes::new("/healthz", true).sniff(head.as_bytes()), expected, "{head:?}");
    }

    #[test]
    fn first_bytes_tell_what_a_client_wants() {
        use Sniffed::More;
        let (h1, h2) = (Sniffed::Protocol(Protocol::Http1), Sniffed::Protocol(Protocol::Http2));
        check("", More);
        check("P", More);
        check("PR", More);
        check("PRI", h2);
        check("PRI * HTTP/2.0", h2);
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
        let h1 = Sniffed::Protocol(Protocol::Http1);
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
        check(&format!("GET /healthz HTTP/1.1\r\nx: {}", "y".repeat(PROBE_MAX)), h1);
    }
}
