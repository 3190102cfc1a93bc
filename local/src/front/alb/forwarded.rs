//! What the listener says of a request to its backend: where the request comes from, and how.

use std::net::IpAddr;

use http::{HeaderMap, HeaderName, HeaderValue};

use super::port::Port;
use crate::model::alb::Cidr;
use crate::wire::headers::Peer;

const FOR: HeaderName = HeaderName::from_static("x-forwarded-for");
const PROTO: HeaderName = HeaderName::from_static("x-forwarded-proto");
const PORT: HeaderName = HeaderName::from_static("x-forwarded-port");
const HOST: HeaderName = HeaderName::from_static("x-forwarded-host");
const CLIENT_PORT: HeaderName = HeaderName::from_static("x-forwarded-client-srcport");
const SLB_ID: HeaderName = HeaderName::from_static("slb-id");

/// Sets the headers that the listener's `XForwardedForConfig` switches on. `host` is the client's.
pub(super) fn apply(headers: &mut HeaderMap, port: &Port, peer: &Peer, host: Option<&HeaderValue>) {
    let config = &port.listener().x_forwarded;
    if config.forwarded_for {
        if config.removes {
            headers.remove(FOR);
        } else {
            append(headers, peer.address());
        }
    }
    if config.proto {
        headers.insert(PROTO, peer.scheme().clone());
    }
    if config.port {
        headers.insert(PORT, HeaderValue::from(port.listener().port));
    }
    if config.host
        && let Some(host) = host
    {
        headers.insert(HOST, host.clone());
    }
    if config.client_port {
        headers.insert(CLIENT_PORT, HeaderValue::from(peer.socket().port()));
    }
    if config.slb_id
        && let Ok(id) = HeaderValue::from_str(&port.listener().balancer)
    {
        headers.insert(SLB_ID, id);
    }
    port.certificate_headers(headers, peer);
}

/// Adds the client's address behind what the client said: nothing of that is believed, and nothing is lost.
fn append(headers: &mut HeaderMap, own: &HeaderValue) {
    if !headers.contains_key(&FOR) {
        headers.insert(FOR, own.clone());
        return;
    }
    let mut chain = Vec::new();
    for value in headers.get_all(&FOR) {
        chain.extend_from_slice(value.as_bytes());
        chain.extend_from_slice(b", ");
    }
    chain.extend_from_slice(own.as_bytes());
    headers.insert(FOR, HeaderValue::from_bytes(&chain).unwrap_or_else(|_| own.clone()));
}

/// The address of the client, as rules and limits see it: the first one from the right that is no trusted proxy's.
pub(super) fn source(headers: &HeaderMap, trusted: Option<&[Cidr]>, peer: IpAddr) -> IpAddr {
    let Some(trusted) = trusted else { return peer };
    let is_trusted = |address: IpAddr| trusted.iter().any(|block| block.contains(address));
    if !is_trusted(peer) {
        return peer;
    }
    let mut last = peer;
    for value in headers.get_all(&FOR).iter().rev() {
        let Ok(value) = value.to_str() else { return last };
        for part in value.rsplit(',') {
            let Ok(address) = part.trim().parse::<IpAddr>() else { return last };
            last = address;
            if !is_trusted(address) {
                return last;
            }
        }
    }
    last
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(chain: &[&'static str], trusted: &[&str], expected: &str) {
        let mut headers = HeaderMap::new();
        for part in chain {
            headers.append(FOR, HeaderValue::from_static(part));
        }
        let trusted: Vec<Cidr> = trusted.iter().map(|block| Cidr::parse(block).unwrap()).collect();
        let found = source(&headers, Some(&trusted), "10.0.0.9".parse().unwrap());
        assert_eq!(found.to_string(), expected, "{chain:?} {trusted:?}");
    }

    #[test]
    fn the_source_is_the_first_address_from_the_right_that_is_not_trusted() {
        check(&["1.1.1.1, 2.2.2.2"], &[], "10.0.0.9");
        check(&["1.1.1.1, 2.2.2.2"], &["10.0.0.0/8"], "2.2.2.2");
        check(&["1.1.1.1, 2.2.2.2, 10.0.0.3"], &["10.0.0.0/8"], "2.2.2.2");
        check(&["1.1.1.1", "2.2.2.2"], &["10.0.0.0/8", "2.2.2.2"], "1.1.1.1");
        check(&["1.1.1.1, 2.2.2.2"], &["0.0.0.0/0"], "1.1.1.1");
        check(&["1.1.1.1, unknown, 10.0.0.3"], &["10.0.0.0/8"], "10.0.0.3");
        check(&[], &["0.0.0.0/0"], "10.0.0.9");
        let peer = "10.0.0.9".parse().unwrap();
        assert_eq!(source(&HeaderMap::new(), None, peer), peer);
    }

    #[test]
    fn the_client_is_added_to_what_it_says() {
        let mut headers = HeaderMap::new();
        append(&mut headers, &HeaderValue::from_static("127.0.0.1"));
        assert_eq!(headers[FOR], "127.0.0.1");
        headers.insert(FOR, HeaderValue::from_static("1.2.3.4"));
        headers.append(FOR, HeaderValue::from_static("5.6.7.8"));
        append(&mut headers, &HeaderValue::from_static("127.0.0.1"));
        assert_eq!(headers[FOR], "1.2.3.4, 5.6.7.8, 127.0.0.1");
        assert_eq!(headers.get_all(FOR).iter().count(), 1);
    }
}
