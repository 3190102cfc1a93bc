//! The host of a request. Requests that two servers could read differently are refused.

use std::borrow::Cow;

use http::{HeaderMap, Method, Request, header};

use crate::failure::Failure;

/// The host that the request names.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Host<'a> {
    /// In lower case, without the port.
    pub(crate) name: Cow<'a, str>,
}

/// Finds the host, or refuses an ambiguous request.
pub(crate) fn check<B>(request: &Request<B>) -> Result<Host<'_>, Failure> {
    if request.method() == Method::CONNECT {
        return Err(Failure::invalid_argument("method CONNECT is not supported"));
    }
    check_framing(request.headers())?;
    let mut hosts = request.headers().get_all(header::HOST).iter();
    let (Some(host), None) = (hosts.next(), hosts.next()) else {
        return Err(Failure::invalid_argument("the request must have exactly one Host header"));
    };
    let host = host.to_str().map_err(|_| Failure::invalid_argument("the Host header is not text"))?;
    if let Some(authority) = request.uri().authority()
        && !authority.as_str().eq_ignore_ascii_case(host)
    {
        return Err(Failure::invalid_argument("the request's authority differs from its Host header"));
    }
    let name = name_of(host).ok_or_else(|| Failure::invalid_argument("the Host header is not a host"))?;
    Ok(Host { name })
}

/// A length together with chunks, or two lengths, can smuggle a request past a proxy. Where chunks win, hyper has
/// removed the length already. This check does not depend on the HTTP library.
fn check_framing(headers: &HeaderMap) -> Result<(), Failure> {
    let lengths = headers.get_all(header::CONTENT_LENGTH).iter().count();
    if lengths > 1 || (lengths == 1 && headers.contains_key(header::TRANSFER_ENCODING)) {
        return Err(Failure::invalid_argument("the request states its length in two ways"));
    }
    Ok(())
}

/// The name in `name:port`, `[::1]:port` or `name`.
pub(crate) fn name_of(host: &str) -> Option<Cow<'_, str>> {
    if let Some(name) = plain_name(host) {
        return Some(Cow::Borrowed(name));
    }
    let authority: http::uri::Authority = host.parse().ok()?;
    (!host.contains('@')).then(|| authority.host().trim_end_matches('.').to_ascii_lowercase().into())
}

/// The form that nearly every client sends: `name` or `name:port` in lower case.
fn plain_name(host: &str) -> Option<&str> {
    let (name, port) = host.split_once(':').unwrap_or((host, "80"));
    let is_port = !port.is_empty() && port.len() <= 5 && port.bytes().all(|byte| byte.is_ascii_digit());
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
        let outcome = check(&request);
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
        check_request("/", &[("host", "a b")], Err("not a host"));
        let both = [("host", "a"), ("content-length", "1"), ("transfer-encoding", "chunked")];
        check_request("/", &both, Err("two ways"));
        check_request(
            "/",
            &[("host", "a"), ("content-length", "1"), ("content-length", "1")],
            Err("two ways"),
        );
    }
}
