//! The host of a request: whether it is valid, and whether two hosts are the same.

use std::cell::RefCell;
use std::net::Ipv6Addr;

use http::Uri;
use http::uri::Authority;

/// Whether the text is a name, an IPv4 address or a bracketed IPv6 address, with or without a port. Blanks, slashes and
/// user names are refused: two readers could take them for different hosts.
#[inline]
pub(crate) fn is_host(host: &[u8]) -> bool {
    // Every request validates its host, and an instance has few hosts. So the thread's last valid host is compared
    // first.
    thread_local! {
        static LAST: RefCell<Last> = const { RefCell::new(Last { length: 0, text: [0; LAST_MAX] }) };
    }
    LAST.with_borrow_mut(|last| {
        if last.text.get(..last.length) == Some(host) {
            return true;
        }
        let is_valid = is_valid(host);
        if is_valid && let Some(text) = last.text.get_mut(..host.len()) {
            text.copy_from_slice(host);
            last.length = host.len();
        }
        is_valid
    })
}

/// The longest host that is remembered, in bytes.
const LAST_MAX: usize = 128;

/// The last valid host. At first empty, which is valid too.
struct Last {
    length: usize,
    text: [u8; LAST_MAX],
}

fn is_valid(host: &[u8]) -> bool {
    let Some(inside) = host.strip_prefix(b"[") else {
        let end = host.iter().position(|byte| !OF_NAME[usize::from(*byte)]).unwrap_or(host.len());
        return is_port(&host[end..]);
    };
    let Some(end) = inside.iter().position(|byte| *byte == b']') else { return false };
    let (address, port) = (&inside[..end], &inside[end + 1..]);
    std::str::from_utf8(address).is_ok_and(|address| address.parse::<Ipv6Addr>().is_ok()) && is_port(port)
}

/// Whether RFC 3986 allows a byte in a name: an unreserved character, a percent-encoding or a sub-delimiter. A table,
/// because every request asks for each byte of its host.
const OF_NAME: [bool; 256] = {
    const OTHERS: &[u8] = b"-._~%!$&'()*+,;=";
    let mut table = [false; 256];
    let mut byte = 0_u8;
    loop {
        table[byte as usize] = byte.is_ascii_alphanumeric();
        if byte == u8::MAX {
            break;
        }
        byte += 1;
    }
    let mut at = 0;
    while at < OTHERS.len() {
        table[OTHERS[at] as usize] = true;
        at += 1;
    }
    table
};

/// Whether the text is empty, or a colon with a port number. The number may be missing.
fn is_port(port: &[u8]) -> bool {
    match port.split_first() {
        None => true,
        Some((b':', digits)) => {
            let port = digits.iter().try_fold(0_u16, |port, digit| {
                let digit = digit.is_ascii_digit().then(|| u16::from(digit - b'0'))?;
                port.checked_mul(10)?.checked_add(digit)
            });
            port.is_some()
        }
        Some(_) => false,
    }
}

/// Whether `host` is the authority of an absolute target. A default port may be omitted in either.
#[inline]
pub(crate) fn is_same(host: &[u8], uri: &Uri) -> bool {
    uri.authority().is_none_or(|authority| is_same_authority(host, uri, authority))
}

fn is_same_authority(host: &[u8], uri: &Uri, authority: &Authority) -> bool {
    let default: &[u8] = if uri.scheme_str() == Some("https") { b":443" } else { b":80" };
    let bare = |host: &'_ [u8]| host.strip_suffix(default).or(host.strip_suffix(b":")).unwrap_or(host).len();
    let authority = authority.as_str().as_bytes();
    host[..bare(host)].eq_ignore_ascii_case(&authority[..bare(authority)])
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn hosts_are_told_from_what_is_none() {
        for host in [
            "",
            "a",
            "A.example",
            "a:80",
            "a:",
            "127.0.0.1:9000",
            "[::1]",
            "[::1]:9000",
            "xn--caf-dma.example",
            "a_b",
            "a:65535",
            "a:0000000080",
            "80",
            ":80",
            "a-1",
        ] {
            assert!(is_host(host.as_bytes()), "{host:?}");
        }
        for wrong in [
            "a b",
            "a/b",
            "user@a",
            "a:b",
            "a:80:80",
            "a:65536",
            "a:065536",
            "a:0000099999",
            "a:100000",
            "a:-1",
            "[::1]:65536",
            "[::1]80",
            "[::1",
            "[::1]x",
            "[a]",
            "::1",
            "]",
            "a?b",
            "a#b",
            "a\\b",
            "café",
            "a,b c",
        ] {
            assert!(!is_host(wrong.as_bytes()), "{wrong:?}");
        }
    }

    #[test]
    fn a_valid_host_makes_no_other_valid() {
        let longest = "a".repeat(LAST_MAX);
        for host in ["a.example", "a.example:80", "a.exampl", &longest, &"a".repeat(LAST_MAX + 1)] {
            assert!(is_host(host.as_bytes()) && is_host(host.as_bytes()), "{host:?}");
            for wrong in [format!("{host}/"), format!("{host} "), format!("@{host}"), format!("{host}\0")] {
                assert!(!is_host(wrong.as_bytes()), "{wrong:?}");
            }
        }
    }

    #[track_caller]
    fn check(host: &str, uri: &str, expected: bool) {
        assert_eq!(is_same(host.as_bytes(), &uri.parse().unwrap()), expected, "{host} {uri}");
    }

    #[test]
    fn a_default_port_may_be_left_away() {
        check("a", "/x", true);
        check("a", "http://a/x", true);
        check("A", "http://a:80/x", true);
        check("a:80", "http://a/x", true);
        check("a:443", "https://a/x", true);
        check("a", "https://a:443/x", true);
        check("a", "https://a:80/x", false);
        check("a:8080", "http://a/x", false);
        check("b", "http://a/x", false);
    }
}
