//! The host of a request. Requests that two servers could read differently are refused.

use std::borrow::Cow;
use std::net::Ipv6Addr;

use http::{HeaderMap, Method, Request, header};

use crate::failure::Failure;
use crate::wire::Seen;
use crate::wire::headers::coding_fault;

/// The host that the request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host<'a> {
    /// In lower case, without the port.
    pub(crate) name: Cow<'a, str>,
}

/// Finds the host, or refuses an ambiguous request. `seen` is what the request has of headers.
pub(crate) fn check<B>(request: &Request<B>, seen: Seen) -> Result<Host<'_>, Failure> {
    if request.method() == Method::CONNECT {
        return Err(Failure::invalid_argument("method CONNECT is not supported"));
    }
    if seen.has(Seen::CONTENT_LENGTH.or(Seen::TRANSFER_ENCODING)) {
        check_framing(request.headers())?;
    }
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(Failure::invalid_argument("the request must have exactly one Host header"));
    };
    let host = host.to_str().map_err(|_| Failure::invalid_argument("the Host header is not text"))?;
    if let Some(authority) = request.uri().authority()
        && !without_default_port(authority.as_str()).eq_ignore_ascii_case(without_default_port(host))
    {
        return Err(Failure::invalid_argument("the request's authority differs from its Host header"));
    }
    let name = name_of(host).ok_or_else(|| Failure::invalid_argument("the Host header is not a host"))?;
    Ok(Host { name })
}

/// Refuses a length together with chunks, and two lengths: both can smuggle a request past a proxy. Where chunks win,
/// hyper has already removed the length. This check does not depend on hyper.
fn check_framing(headers: &HeaderMap) -> Result<(), Failure> {
    if let Some(fault) = coding_fault(headers) {
        return Err(Failure::invalid_argument(format!("the request has {fault}")));
    }
    let lengths = headers.get_all(header::CONTENT_LENGTH).iter().count();
    if lengths > 1 || (lengths == 1 && headers.contains_key(header::TRANSFER_ENCODING)) {
        return Err(Failure::invalid_argument("the request states its length in two ways"));
    }
    Ok(())
}

/// The name in `name:port`, `[::1]:port` or `name`. `None` if `host` is invalid: blanks, slashes, user names, ports
/// that are not numbers.
pub(crate) fn name_of(host: &str) -> Option<Cow<'_, str>> {
    if let Some(name) = plain_name(host) {
        return Some(Cow::Borrowed(name));
    }
    let end = match host.strip_prefix('[') {
        Some(inside) => {
            let end = inside.find(']')?;
            inside[..end].parse::<Ipv6Addr>().ok()?;
            end + 2
        }
        None => host.find(':').unwrap_or(host.len()),
    };
    let (name, port) = host.split_at(end);
    let is_name = name.starts_with('[') || (!name.is_empty() && name.bytes().all(is_of_name));
    (is_name && is_port(port)).then(|| name.trim_end_matches('.').to_ascii_lowercase().into())
}

/// Whether RFC 3986 allows `byte` in a name.
fn is_of_name(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || b"-._~%!$&'()*+,;=".contains(&byte)
}

/// Whether the text is empty, or a colon with an optional port number.
fn is_port(port: &str) -> bool {
    match port.strip_prefix(':') {
        None => port.is_empty(),
        Some(digits) => {
            digits.is_empty()
                || (digits.bytes().all(|byte| byte.is_ascii_digit()) && digits.parse::<u16>().is_ok())
        }
    }
}

fn without_default_port(host: &str) -> &str {
    host.strip_suffix(":80").or(host.strip_suffix(':')).unwrap_or(host)
}

/// The usual form, for speed: `name` or `name:port` in lower case.
fn plain_name(host: &str) -> Option<&str> {
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    let is_port = !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
    let is_port = is_port && (port.len() < 5 || port.parse::<u16>().is_ok());
    let is_plain =
        |byte: u8| byte.is_ascii_lowercase() || byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
    (is_port && !name.is_empty() && !name.ends_with('.') && name.bytes().all(is_plain)).then_some(name)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_request(uri: &str, headers: &[(&str, &str)], expected: Result<&str, &str>) {
        let mut request = Request::builder().uri(uri);
        for (name, value) in headers {
            request = request.header(*name, *value);
        }
        let request = request.body(()).unwrap();
        let outcome = check(&request, Seen::of(request.headers()));
        match expected {
            Ok(name) => assert_eq!(outcome.unwrap().name, name),
            Err(part) => assert!(outcome.unwrap_err().message().contains(part)),
        }
    }

    #[test]
    fn one_host_and_one_length() {
        check_request("/", &[("host", "Hello.localhost:8080")], Ok("hello.localhost"));
        check_request("/", &[("host", "[::1]:8080")], Ok("[::1]"));
        check_request("/", &[("host", "a.b:80")], Ok("a.b"));
        check_request("/", &[("host", "a.b.")], Ok("a.b"));
        check_request("/", &[("host", "a:")], Ok("a"));
        check_request("http://a.b/x", &[("host", "a.b")], Ok("a.b"));
        check_request("/", &[], Err("exactly one Host"));
        check_request("/", &[("host", "a"), ("host", "a")], Err("exactly one Host"));
        check_request("http://a/x", &[("host", "b")], Err("differs"));
        check_request("/", &[("host", "u@a")], Err("not a host"));
        for wrong in [
            "a b", "a/b", "u@a", "a:b", "a:80:80", "a:65536", "a:99999", "a:-1", "a:+1", "[::1", "[::1]x",
            "[a]", "::1", "]", "a?b", "a#b", "a\\b", "", ":80", "a,b c",
        ] {
            check_request("/", &[("host", wrong)], Err("not a host"));
        }
        check_request("/", &[("host", "a:65535")], Ok("a"));
        check_request("/", &[("host", "A_b.example:")], Ok("a_b.example"));
        check_request("http://a:80/x", &[("host", "A")], Ok("a"));
        check_request("http://a/x", &[("host", "a:8080")], Err("differs"));
        check_request("/", &[("host", "a"), ("transfer-encoding", "Chunked")], Ok("a"));
        check_request(
            "/",
            &[("host", "a"), ("transfer-encoding", "gzip, chunked")],
            Err("other than chunked"),
        );
        let two = [("host", "a"), ("transfer-encoding", "chunked"), ("transfer-encoding", "chunked")];
        check_request("/", &two, Err("more than one"));
        let both = [("host", "a"), ("content-length", "1"), ("transfer-encoding", "chunked")];
        check_request("/", &both, Err("two ways"));
        check_request(
            "/",
            &[("host", "a"), ("content-length", "1"), ("content-length", "1")],
            Err("two ways"),
        );
    }
}
