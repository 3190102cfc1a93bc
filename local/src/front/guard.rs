//! Keeps web pages from the API: whatever a developer's browser opens can send requests to this machine.
//!
//! A page of another site is known by its `Origin` and by what the browser says of the two sites. A page that has this
//! machine's address by a name of its own (DNS rebinding) is known by the `Host`. Replies have no CORS headers, so that no
//! page reads one.

use http::{HeaderMap, Request, header};

use crate::failure::Failure;
use crate::wire::host::{self, Host};

/// Refuses what a page of another site sends, or what came by another name for this machine.
pub(crate) fn check<B>(host: &Host<'_>, request: &Request<B>) -> Result<(), Failure> {
    if !is_this_machine(&host.name) {
        return Err(Failure::access_denied(format_args!("host '{}' is not this machine", host.name)));
    }
    check_site(request.headers())
}

/// Whether a name is that of this machine, whatever resolves names.
pub(crate) fn is_this_machine(name: &str) -> bool {
    matches!(name, "localhost" | "127.0.0.1" | "[::1]")
}

/// Only the page of this very address has it as its origin.
pub(crate) fn check_site(headers: &HeaderMap) -> Result<(), Failure> {
    let host = headers.get(header::HOST).and_then(|host| host.to_str().ok()).unwrap_or_default();
    let is_own = |origin: &str| match origin.split_once("://") {
        Some(("http", authority)) => is_same(authority, host, ":80"),
        Some(("https", authority)) => is_same(authority, host, ":443"),
        _ => false,
    };
    let is_foreign = |origin: &header::HeaderValue| !origin.to_str().is_ok_and(is_own);
    let is_other_site = |site: &header::HeaderValue| !matches!(site.as_bytes(), b"same-origin" | b"none");
    if headers.get_all(header::ORIGIN).iter().any(is_foreign)
        || headers.get_all("sec-fetch-site").iter().any(is_other_site)
    {
        return Err(Failure::access_denied("the API takes no calls from pages of other sites"));
    }
    Ok(())
}

/// Whether two texts name the same host and port.
fn is_same(one: &str, other: &str, default_port: &str) -> bool {
    let plain = |text: &str| text.strip_suffix(default_port).unwrap_or(text).to_ascii_lowercase();
    host::name_of(one).is_some() && plain(one) == plain(other)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::wire::Seen;

    fn request(headers: &[(&str, &str)]) -> Request<()> {
        let request = Request::post("/2023-03-30/functions");
        let request = headers.iter().fold(request, |request, (name, value)| request.header(*name, *value));
        request.body(()).unwrap()
    }

    #[track_caller]
    fn judged(headers: &[(&str, &str)]) -> Option<String> {
        let request = request(headers);
        let host = host::check(&request, Seen::of(request.headers())).unwrap();
        check(&host, &request).err().map(|failure| failure.message().to_owned())
    }

    #[test]
    fn names_of_this_machine_are_taken() {
        for host in
            ["127.0.0.1:9000", "127.0.0.1", "localhost:9000", "LOCALHOST:9000", "[::1]:9000", "localhost."]
        {
            assert_eq!(judged(&[("host", host)]), None, "{host}");
        }
        for host in [
            "evil.example",
            "evil.example:9000",
            "localhost.evil.example",
            "127.0.0.1.evil.example",
            "127.0.0.1.nip.io:9000",
            "evil-localhost",
            "0.0.0.0:9000",
            "127.1:9000",
            "2130706433:9000",
            "0x7f000001:9000",
            "127.0.0.2:9000",
            "[::ffff:127.0.0.1]:9000",
            "[::]:9000",
            "192.168.0.7:9000",
        ] {
            let text = judged(&[("host", host)]).unwrap_or_default();
            assert!(text.contains("is not this machine"), "{host}: {text}");
        }
    }

    #[test]
    fn pages_of_other_sites_are_refused() {
        let with = |name, value| judged(&[("host", "localhost:9000"), (name, value)]);
        for origin in ["http://localhost:9000", "https://localhost:9000", "http://LOCALHOST:9000"] {
            assert_eq!(with("origin", origin), None, "{origin}");
        }
        for site in ["same-origin", "none"] {
            assert_eq!(with("sec-fetch-site", site), None, "{site}");
        }
        assert_eq!(judged(&[("host", "localhost"), ("origin", "http://localhost:80")]), None);
        for origin in [
            "null",
            "",
            "https://evil.example",
            "http://evil.example:9000",
            "http://localhost",
            "http://localhost:3000",
            "http://127.0.0.1:9000",
            "http://hello.localhost:9000",
            "http://localhost:9000.evil.example",
            "http://localhost:9000@evil.example",
            "http://evil.example@localhost:9000",
            "ftp://localhost:9000",
            "file://",
            "chrome-extension://localhost:9000",
            "localhost:9000",
        ] {
            let text = with("origin", origin).unwrap_or_default();
            assert!(text.contains("other sites"), "{origin}: {text}");
        }
        for site in ["cross-site", "same-site", "", "Same-Origin, cross-site"] {
            assert!(with("sec-fetch-site", site).is_some(), "{site}");
        }
        let two = [("host", "localhost:9000"), ("origin", "http://localhost:9000"), ("origin", "null")];
        assert!(judged(&two).is_some());
    }
}
