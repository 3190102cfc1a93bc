//! What is asked: an address, a method, headers and a body.

use std::io;
use std::net::{IpAddr, SocketAddr};
use std::time::Duration;

use bytes::Bytes;
use http::header::HOST;
use http::uri::Authority;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Uri, Version};
use http_body_util::Full;

use crate::wire::outgoing::reached;

/// What stands for the number of a request in an address.
const NUMBER: &str = "{n}";

/// How requests are sent.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Protocol {
    Http1,
    /// Over TLS by agreement; in plain text the server has to know.
    Http2,
}

/// A request that is sent again and again.
#[derive(Debug, Clone)]
pub(crate) struct Target {
    url: String,
    pub(super) is_tls: bool,
    pub(super) authority: Authority,
    /// The path with its query, in which `{n}` stands for the number of the request.
    path: String,
    pub(super) addresses: Vec<SocketAddr>,
    pub(super) method: Method,
    headers: HeaderMap,
    pub(super) body: Bytes,
    pub(super) protocol: Protocol,
    /// How long one request may take.
    pub(super) timeout: Duration,
}

impl Target {
    /// Reads an address of `http` or `https`.
    ///
    /// # Errors
    ///
    /// It is none, or it has a user name.
    pub(crate) fn new(url: &str) -> Result<Self, String> {
        let is_tls = match url.split_once("://") {
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("http") => false,
            Some((scheme, _)) if scheme.eq_ignore_ascii_case("https") => true,
            _ => return Err(format!("{url}: an address begins with http:// or https://")),
        };
        let uri: Uri = url.parse().map_err(|error| format!("{url}: {error}"))?;
        let authority = uri.authority().ok_or_else(|| format!("{url}: the address has no host"))?.clone();
        if authority.as_str().contains('@') {
            return Err("the address has a user name; -H 'Authorization: …' sends one".to_owned());
        }
        let path = uri.path_and_query().map_or("/", |path| path.as_str()).to_owned();
        Ok(Target {
            url: url.to_owned(),
            is_tls,
            authority,
            path,
            addresses: Vec::new(),
            method: Method::GET,
            headers: HeaderMap::new(),
            body: Bytes::new(),
            protocol: Protocol::Http1,
            timeout: Duration::from_secs(10),
        })
    }

    /// With a method, lines of headers, and a body. Without a method it is GET, or POST if there is a body.
    ///
    /// # Errors
    ///
    /// One of them cannot be sent.
    pub(crate) fn asking(
        mut self,
        method: Option<&str>,
        headers: &[String],
        body: Option<Bytes>,
    ) -> Result<Self, String> {
        self.method = match method {
            Some(method) => method.parse().map_err(|_| format!("'{method}' is no method"))?,
            None if body.is_some() => Method::POST,
            None => Method::GET,
        };
        if self.method == Method::CONNECT {
            return Err("CONNECT is no request of a function".to_owned());
        }
        for line in headers {
            let (name, value) = line.split_once(':').ok_or_else(|| format!("-H {line}: Name: value"))?;
            let name: HeaderName = name.trim().parse().map_err(|_| format!("-H: '{name}' is no name"))?;
            let value = HeaderValue::from_str(value.trim())
                .map_err(|_| format!("-H: the value of {name} cannot be sent"))?;
            self.headers.append(name, value);
        }
        self.body = body.unwrap_or_default();
        Ok(self)
    }

    /// With a protocol, and the time that one request may take.
    pub(crate) fn with_limits(self, protocol: Protocol, timeout: Duration) -> Self {
        Target { protocol, timeout, ..self }
    }

    /// Finds the server.
    ///
    /// # Errors
    ///
    /// The host is unknown.
    pub(crate) async fn resolve(&mut self) -> io::Result<()> {
        let host = self.authority.host().trim_matches(['[', ']']);
        let port = self.authority.port_u16().unwrap_or(if self.is_tls { 443 } else { 80 });
        let found = tokio::net::lookup_host((reached(host), port)).await;
        self.addresses = found.map(Iterator::collect)?;
        if self.addresses.is_empty() {
            return Err(io::Error::other("the host has no address"));
        }
        Ok(())
    }

    /// Whether the server is this machine, by all of its addresses.
    pub(crate) fn is_here(&self) -> bool {
        let is_loopback = |ip: IpAddr| ip.to_canonical().is_loopback();
        self.addresses.iter().all(|address| is_loopback(address.ip()))
    }

    pub(crate) fn is_tls(&self) -> bool {
        self.is_tls
    }

    /// The address as it was given.
    pub(crate) fn url(&self) -> &str {
        &self.url
    }

    pub(crate) fn method(&self) -> &Method {
        &self.method
    }

    /// The host that the requests name, if it is not the address's.
    pub(crate) fn host(&self) -> Option<&str> {
        self.headers.get(HOST)?.to_str().ok()
    }

    /// The request `number`.
    pub(super) fn request(&self, number: u64) -> Result<Request<Full<Bytes>>, http::Error> {
        let path = if self.path.contains(NUMBER) {
            self.path.replace(NUMBER, &number.to_string())
        } else {
            self.path.clone()
        };
        let builder = Request::builder().method(self.method.clone());
        let mut request = match self.protocol {
            Protocol::Http1 => {
                let host = HeaderValue::from_str(self.authority.as_str())?;
                let mut request = builder.uri(path).body(Full::new(self.body.clone()))?;
                request.headers_mut().insert(HOST, host);
                request
            }
            Protocol::Http2 => {
                let scheme = if self.is_tls { "https" } else { "http" };
                let authority = self.host().unwrap_or(self.authority.as_str());
                let uri = Uri::builder().scheme(scheme).authority(authority).path_and_query(path).build()?;
                builder.version(Version::HTTP_2).uri(uri).body(Full::new(self.body.clone()))?
            }
        };
        for name in self.headers.keys() {
            request.headers_mut().remove(name);
        }
        for (name, value) in &self.headers {
            if *name != HOST || self.protocol == Protocol::Http1 {
                request.headers_mut().append(name, value.clone());
            }
        }
        Ok(request)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn refused(url: &str, part: &str) {
        let error = Target::new(url).unwrap_err();
        assert!(error.contains(part), "{error}");
    }

    #[test]
    fn addresses_are_of_http_or_https() {
        refused("ftp://localhost/", "begins with http");
        refused("localhost:8080", "begins with http");
        refused("/path", "begins with http");
        refused("http://user:secret@localhost/", "user name");
        assert!(!Target::new("http://user:secret@localhost/").unwrap_err().contains("secret"));
        refused("http://local host/", "invalid");
        assert!(Target::new("https://[::1]:8443/a?b").unwrap().is_tls);
    }

    #[test]
    fn requests_are_made_by_method_headers_and_body() {
        let target = |body: Option<&'static str>, headers: &[&str]| {
            let headers: Vec<String> = headers.iter().map(|&line| line.to_owned()).collect();
            Target::new("http://a.localhost:8080/items/{n}?q={n}").unwrap().asking(
                None,
                &headers,
                body.map(Bytes::from),
            )
        };
        let request = target(None, &[]).unwrap().request(7).unwrap();
        assert_eq!((request.method(), request.uri().to_string().as_str()), (&Method::GET, "/items/7?q=7"));
        assert_eq!(request.headers()[HOST], "a.localhost:8080");
        let posted = target(Some("x"), &["X-A: 1", "x-a:2", "Host: shop.example.com"]).unwrap();
        let request = posted.request(0).unwrap();
        assert_eq!(
            (request.method(), request.headers()[HOST].to_str().unwrap()),
            (&Method::POST, "shop.example.com")
        );
        assert_eq!(request.headers().get_all("x-a").iter().collect::<Vec<_>>(), ["1", "2"]);
        let second = posted.with_limits(Protocol::Http2, Duration::from_secs(1)).request(1).unwrap();
        assert_eq!(second.uri().to_string(), "http://shop.example.com/items/1?q=1");
        assert!(!second.headers().contains_key(HOST));
        for line in ["no colon", "a b: c", "a: b\u{7f}"] {
            assert!(target(None, &[line]).is_err(), "{line}");
        }
    }

    #[tokio::test]
    async fn names_below_localhost_are_this_machine() {
        for url in
            ["http://shop.localhost:8080/", "http://127.0.0.1/", "http://[::1]:1/", "http://127.9.9.9:1/"]
        {
            let mut target = Target::new(url).unwrap();
            target.resolve().await.unwrap();
            assert!(target.is_here(), "{url}");
        }
        let mut target = Target::new("http://192.0.2.1/").unwrap();
        target.resolve().await.unwrap();
        assert!(!target.is_here());
    }
}
