//! What a client's first bytes say: a probe, HTTP/1 or HTTP/2.

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
    Probe,
    Protocol(Protocol),
}

/// The beginnings of requests that are probes.
#[derive(Debug)]
pub(crate) struct Probes(Vec<Vec<u8>>);

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

    pub(crate) fn sniff(&self, head: &[u8]) -> Sniffed {
        // Three bytes decide: no method of HTTP/1 begins with `PRI`.
        const PREFACE: &[u8] = b"PRI";
        if head.starts_with(PREFACE) {
            return Sniffed::Protocol(Protocol::Http2);
        }
        if self.0.iter().any(|start| head.starts_with(start)) {
            return Sniffed::Probe;
        }
        if PREFACE.starts_with(head) || self.0.iter().any(|start| start.starts_with(head)) {
            return Sniffed::More;
        }
        Sniffed::Protocol(Protocol::Http1)
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
        use Sniffed::{More, Probe};
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
        check("GET /healthz HTTP/1.1", Probe);
        check("HEAD /healthz?x=1", Probe);
        check("GET /healthzz", h1);
        check("HEAD / HTTP/1.0", Probe);
        check("GET / HTTP/1.1", h1);
        check("\r\n", h1);
    }
}
