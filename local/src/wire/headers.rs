//! The headers that pass between client and function, in both directions.

use std::net::SocketAddr;
use std::sync::Arc;

use fc_runtime::platform::names::{RESERVED_PREFIX, STRIPPED_REPLY_HEADERS, header as fc};
use http::header::{CONNECTION, HOST, TE, TRANSFER_ENCODING};
use http::{HeaderMap, HeaderName, HeaderValue};

use super::client_certificate::ClientCertificate;
use super::h1::Lines;

/// The headers that concern one connection only.
const HOP_BY_HOP: [&str; 8] = [
    "connection",
    "keep-alive",
    "proxy-connection",
    "proxy-authenticate",
    "proxy-authorization",
    "te",
    "transfer-encoding",
    "upgrade",
];

/// Framing headers, which each side sets by itself.
const FRAMING: [&str; 2] = ["content-length", "expect"];

const FORWARDED_FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const FORWARDED_PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const CLIENT_IP: HeaderName = HeaderName::from_static(fc::CLIENT_IP);
pub(crate) const REQUEST_ID: HeaderName = HeaderName::from_static(fc::REQUEST_ID);

/// Removes the headers that do not go to the function. A client that takes trailers is still seen to do so.
pub(crate) fn strip_request(headers: &mut HeaderMap) {
    strip_named_by_connection(headers);
    let takes_trailers = names(headers, &TE, "trailers");
    strip(headers, &FRAMING);
    if takes_trailers {
        headers.insert(TE, HeaderValue::from_static("trailers"));
        // `TE` concerns one connection, which a sender has to say.
        headers.insert(CONNECTION, HeaderValue::from_static("te"));
    }
}

/// Removes from a client's trailers what the client may not say in a header either: a function may read both as one.
pub(crate) fn strip_trailers(trailers: &mut HeaderMap) {
    strip(trailers, &FRAMING);
    for name in [HOST, FORWARDED_FOR, FORWARDED_PROTO] {
        trailers.remove(name);
    }
}

/// Whether a header that is a list, as `Connection` and `TE`, has this word.
pub(crate) fn names(headers: &HeaderMap, name: &HeaderName, word: &str) -> bool {
    let is_it = |own: &[u8]| own.trim_ascii().eq_ignore_ascii_case(word.as_bytes());
    headers.get_all(name).iter().any(|value| value.as_bytes().split(|byte| *byte == b',').any(is_it))
}

/// Removes the headers that a function's reply cannot set.
pub(crate) fn strip_reply(headers: &mut HeaderMap) {
    strip_named_by_connection(headers);
    strip(headers, &STRIPPED_REPLY_HEADERS);
}

/// The fault of the transfer codings, if there is one. All readers agree only on a single `chunked`.
pub(crate) fn coding_fault(headers: &HeaderMap) -> Option<&'static str> {
    let mut codings = headers.get_all(TRANSFER_ENCODING).iter();
    match (codings.next(), codings.next()) {
        (Some(_), Some(_)) => Some("more than one Transfer-Encoding header"),
        (Some(coding), None) if !coding.as_bytes().trim_ascii().eq_ignore_ascii_case(b"chunked") => {
            Some("a Transfer-Encoding other than chunked")
        }
        _ => None,
    }
}

fn strip_named_by_connection(headers: &mut HeaderMap) {
    if headers.contains_key(CONNECTION) {
        let named: Vec<HeaderName> = headers
            .get_all(CONNECTION)
            .iter()
            .filter_map(|value| value.to_str().ok())
            .flat_map(|value| value.split(','))
            .filter_map(|name| name.trim().parse().ok())
            // Without its host, a request would have another meaning. `TE` is named there by rule.
            .filter(|name| *name != HOST && *name != TE)
            .collect();
        for name in named {
            headers.remove(name);
        }
    }
}

/// Removes `names`, hop-by-hop headers and the platform's own. One pass over the headers costs less than a look-up of
/// each name.
fn strip(headers: &mut HeaderMap, names: &[&str]) {
    // Most names have the length of none that goes.
    let lengths = HOP_BY_HOP.iter().chain(names).fold(0_u64, |lengths, name| lengths | 1 << name.len());
    let goes = |name: &str| {
        name.starts_with(RESERVED_PREFIX)
            || name.len() < 64
                && lengths & 1 << name.len() != 0
                && (HOP_BY_HOP.contains(&name) || names.contains(&name))
    };
    let mut going = Vec::new();
    for name in headers.keys() {
        if goes(name.as_str()) {
            going.push(name.clone());
        }
    }
    for name in going {
        headers.remove(name);
    }
}

/// Removes the headers that concern one connection only.
pub(crate) fn strip_connection(headers: &mut HeaderMap) {
    strip_named_by_connection(headers);
    let going: Vec<HeaderName> =
        headers.keys().filter(|name| HOP_BY_HOP.contains(&name.as_str())).cloned().collect();
    for name in going {
        headers.remove(name);
    }
}

/// Whether the platform reserves the name.
pub(crate) fn is_reserved(name: &HeaderName) -> bool {
    name.as_str().starts_with(RESERVED_PREFIX)
}

/// The client at the other end of a connection.
#[derive(Debug, Clone)]
pub(crate) struct Peer {
    address: HeaderValue,
    /// The scheme that the client used.
    scheme: HeaderValue,
    is_near: bool,
    /// For a request whose client names nobody before it.
    usual: Arc<Forwarded>,
    socket: SocketAddr,
    certificate: Option<Box<ClientCertificate>>,
}

impl Peer {
    /// `None` for an address that is no text for a header, which does not happen.
    pub(crate) fn new(address: SocketAddr, is_tls: bool) -> Option<Self> {
        let (socket, is_near) = (address, address.ip().to_canonical().is_loopback());
        let address = HeaderValue::from_str(&address.ip().to_string()).ok()?;
        let scheme = HeaderValue::from_static(if is_tls { "https" } else { "http" });
        let usual = Forwarded::new(&address, &scheme, &address);
        Some(Peer { address, scheme, is_near, usual, socket, certificate: None })
    }

    /// The machine itself, in plain text.
    pub(crate) fn of_this_machine() -> Option<Self> {
        Peer::new(SocketAddr::from(([127, 0, 0, 1], 0)), false)
    }

    /// With the certificate that the client has shown.
    pub(crate) fn with_certificate(self, certificate: Option<ClientCertificate>) -> Self {
        Peer { certificate: certificate.map(Box::new), ..self }
    }

    /// The certificate that the client has shown, and which was verified.
    pub(crate) fn certificate(&self) -> Option<&ClientCertificate> {
        self.certificate.as_deref()
    }

    pub(crate) fn socket(&self) -> SocketAddr {
        self.socket
    }

    /// The address as the value of a header.
    pub(crate) fn address(&self) -> &HeaderValue {
        &self.address
    }

    /// `http` or `https`.
    pub(crate) fn scheme(&self) -> &HeaderValue {
        &self.scheme
    }

    /// Whether the client is a program of this machine. No header can say so.
    pub(crate) fn is_near(&self) -> bool {
        self.is_near
    }

    /// Whether the client speaks through TLS.
    pub(crate) fn is_tls(&self) -> bool {
        self.scheme == "https"
    }
}

/// The headers that tell the function of the client. Most requests of a connection share one.
#[derive(Debug)]
pub(crate) struct Forwarded {
    headers: [(HeaderName, HeaderValue); 3],
    /// The same as a request of HTTP/1 has them.
    pub(crate) lines: Lines,
}

impl PartialEq for Forwarded {
    fn eq(&self, other: &Self) -> bool {
        // The lines are made of the headers, and most are of the same connection.
        std::ptr::eq(self, other) || self.headers == other.headers
    }
}

impl Forwarded {
    fn new(chain: &HeaderValue, scheme: &HeaderValue, address: &HeaderValue) -> Arc<Self> {
        let headers = [(FORWARDED_FOR, chain), (FORWARDED_PROTO, scheme), (CLIENT_IP, address)]
            .map(|(name, value)| (name, value.clone()));
        let lines = Lines::of(headers.iter().map(|(name, value)| (name, value)));
        Arc::new(Forwarded { headers, lines })
    }

    /// Takes the place of the client's own headers of these names. The addresses that the client names stay in front.
    pub(crate) fn take(headers: &mut HeaderMap, peer: &Peer) -> Arc<Self> {
        let own = [FORWARDED_FOR, FORWARDED_PROTO, CLIENT_IP];
        // Mostly there are none, and a look at few names costs less than three look-ups.
        if !headers.keys().any(|name| own.contains(name)) {
            return Arc::clone(&peer.usual);
        }
        let mut chain = Vec::new();
        for value in headers.get_all(&FORWARDED_FOR) {
            chain.extend_from_slice(value.as_bytes());
            chain.extend_from_slice(b", ");
        }
        chain.extend_from_slice(peer.address.as_bytes());
        for name in own {
            headers.remove(name);
        }
        // The parts were values.
        let Ok(chain) = HeaderValue::from_bytes(&chain) else { return Arc::clone(&peer.usual) };
        Forwarded::new(&chain, &peer.scheme, &peer.address)
    }

    /// Adds them to headers that have none of these names.
    pub(crate) fn add_to(&self, headers: &mut HeaderMap) {
        for (name, value) in &self.headers {
            headers.insert(name, value.clone());
        }
    }
}

/// Adds the client's address as the platform's own header alone.
pub(crate) fn add_client(headers: &mut HeaderMap, peer: &Peer) {
    headers.insert(CLIENT_IP, peer.address.clone());
}

/// A header as people write it: `Name: value`.
///
/// # Errors
///
/// The text is none, and why.
pub(crate) fn of_line(text: &str) -> Result<(HeaderName, HeaderValue), String> {
    let (name, value) =
        text.split_once(':').ok_or_else(|| format!("`{text}` is no header: write `Name: value`"))?;
    let name = HeaderName::from_bytes(name.trim().as_bytes())
        .map_err(|_| format!("`{name}` is no header's name"))?;
    let value =
        HeaderValue::from_str(value.trim()).map_err(|_| format!("`{name}` has no value for a header"))?;
    Ok((name, value))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn map(pairs: &[(&'static str, &'static str)]) -> HeaderMap {
        pairs
            .iter()
            .map(|(name, value)| (HeaderName::from_static(name), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn what_belongs_to_the_connection_or_the_platform_is_taken_out() {
        let mut headers = map(&[
            ("host", "a"),
            ("connection", "close, x-private, host"),
            ("x-private", "1"),
            ("keep-alive", "timeout=5"),
            ("te", "gzip"),
            ("upgrade", "websocket"),
            ("x-fc-request-id", "mine"),
            ("x-fc-anything", "1"),
            ("content-length", "5"),
            ("x-fcx", "stays"),
        ]);
        strip_request(&mut headers);
        assert_eq!(headers, map(&[("host", "a"), ("x-fcx", "stays")]));

        let mut headers = map(&[
            ("server", "me"),
            ("date", "now"),
            ("x-fc-status", "200"),
            ("x-own", "1"),
            ("content-length", "1"),
        ]);
        strip_reply(&mut headers);
        assert_eq!(headers, map(&[("x-own", "1")]));
    }

    #[test]
    fn a_client_that_takes_trailers_is_seen_to() {
        for (te, passes) in
            [("trailers", true), ("gzip;q=0.5, Trailers ", true), ("gzip", false), ("trailersx", false)]
        {
            let mut headers = map(&[("connection", "TE"), ("te", te), ("trailer", "x-sum")]);
            strip_request(&mut headers);
            let mut expected = map(&[("trailer", "x-sum")]);
            if passes {
                expected.extend(map(&[("te", "trailers"), ("connection", "te")]));
            }
            assert_eq!(headers, expected, "{te}");
        }
        let mut trailers = map(&[
            ("x-sum", "1"),
            ("x-fc-request-id", "mine"),
            ("x-forwarded-for", "1.2.3.4"),
            ("host", "a"),
            ("content-length", "5"),
            ("connection", "close"),
        ]);
        strip_trailers(&mut trailers);
        assert_eq!(trailers, map(&[("x-sum", "1")]));
    }

    #[test]
    fn a_peer_is_near_by_its_address_alone() {
        for (address, is_near) in [
            ("127.0.0.1:5", true),
            ("127.9.9.9:5", true),
            ("[::1]:5", true),
            ("[::ffff:127.0.0.1]:5", true),
            ("192.0.2.1:5", false),
            ("[2001:db8::1]:5", false),
            ("[::ffff:192.0.2.1]:5", false),
        ] {
            assert_eq!(Peer::new(address.parse().unwrap(), false).unwrap().is_near(), is_near, "{address}");
        }
    }

    #[test]
    fn the_peer_is_appended_to_the_chain() {
        let peer = Peer::new("127.0.0.1:5".parse().unwrap(), false).unwrap();
        let tls = Peer::new("127.0.0.1:5".parse().unwrap(), true).unwrap();
        let said = [("x-forwarded-for", "1.2.3.4"), ("x-forwarded-proto", "gopher"), ("x-fc-client-ip", "5")];
        for (peer, sent, chain, scheme) in [
            (&peer, &[][..], "127.0.0.1", "http"),
            (&peer, &said[..1], "1.2.3.4, 127.0.0.1", "http"),
            (&tls, &said[1..2], "127.0.0.1", "https"),
            (&tls, &said[2..], "127.0.0.1", "https"),
            (&tls, &said[..], "1.2.3.4, 127.0.0.1", "https"),
        ] {
            let mut headers = map(sent);
            headers.insert("a", HeaderValue::from_static("b"));
            let forwarded = Forwarded::take(&mut headers, peer);
            assert_eq!(headers, map(&[("a", "b")]), "{sent:?}");
            let lines = format!(
                "x-forwarded-for: {chain}\r\nx-forwarded-proto: {scheme}\r\nx-fc-client-ip: 127.0.0.1\r\n"
            );
            assert_eq!(String::from_utf8_lossy(forwarded.lines.as_bytes()), lines, "{sent:?}");
            forwarded.add_to(&mut headers);
            assert_eq!(headers["x-forwarded-for"], chain);
            assert_eq!(headers["x-forwarded-proto"], scheme);
            assert_eq!(headers["x-fc-client-ip"], "127.0.0.1");
        }
    }
}
