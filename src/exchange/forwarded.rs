//! The client's address, scheme and host, from headers of trusted proxies.

use std::net::IpAddr;

use http::HeaderMap;

/// The client's address: the entry of `X-Forwarded-For` that the outermost trusted proxy added.
///
/// Each proxy appends the address that called it. With `hops` trusted proxies the client is the `hops`-th entry from
/// the right. Entries further left may be forged by the client.
pub(crate) fn client(headers: &HeaderMap, hops: usize) -> Option<IpAddr> {
    let lines = headers.get_all("x-forwarded-for").iter().rev();
    // The header is split as bytes. An entry that is not text still counts, or a client could shift the others.
    let entries = lines.flat_map(|line| line.as_bytes().rsplit(|byte| *byte == b','));
    address(std::str::from_utf8(entries.take(hops).last()?).ok()?.trim())
}

/// An address with or without a port.
fn address(text: &str) -> Option<IpAddr> {
    if let Ok(address) = text.parse() {
        return Some(address);
    }
    if let Ok(address) = text.parse::<std::net::SocketAddr>() {
        return Some(address.ip());
    }
    // An IPv6 address in brackets, without a port.
    text.strip_prefix('[')?.strip_suffix(']')?.parse::<std::net::Ipv6Addr>().ok().map(IpAddr::V6)
}

/// The last value of a list that a trusted proxy set: `X-Forwarded-Proto`, `X-Forwarded-Host`.
pub(crate) fn last<'h>(headers: &'h HeaderMap, name: &str) -> Option<&'h str> {
    let line = headers.get_all(name).iter().next_back()?.as_bytes();
    let value = line.rsplit(|byte| *byte == b',').next()?.trim_ascii();
    std::str::from_utf8(value).ok().filter(|value| !value.is_empty())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(lines: &[&'static str], hops: usize, expected: Option<&str>) {
        let mut headers = HeaderMap::new();
        for line in lines {
            headers.append("x-forwarded-for", http::HeaderValue::from_bytes(line.as_bytes()).unwrap());
        }
        assert_eq!(
            client(&headers, hops),
            expected.map(|text| text.parse().unwrap()),
            "{lines:?}, {hops} hops"
        );
    }

    #[test]
    fn the_right_most_entries_are_the_trusted_proxies() {
        check(&["6.6.6.6, 203.0.113.9"], 1, Some("203.0.113.9"));
        check(&["6.6.6.6, 203.0.113.9, 10.0.0.4"], 2, Some("203.0.113.9"));
        check(&["6.6.6.6", "203.0.113.9"], 1, Some("203.0.113.9"));
        check(&["203.0.113.9:1234"], 1, Some("203.0.113.9"));
        check(&["2001:db8::1"], 1, Some("2001:db8::1"));
        check(&["[2001:db8::1]:1234"], 1, Some("2001:db8::1"));
        check(&["[2001:db8::1]"], 1, Some("2001:db8::1"));
        check(&["[203.0.113.9]"], 1, None);
        check(&["unknown"], 1, None);
        check(&["é, 203.0.113.9"], 1, Some("203.0.113.9"));
        check(&["6.6.6.6", "é"], 1, None);
        check(&["1.1.1.1"], 0, None);
        check(&[], 1, None);
    }
}
