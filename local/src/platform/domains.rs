//! The custom domains of a platform: in use from the start, and told once a function answers there.

use std::net::SocketAddr;
use std::sync::PoisonError;

use super::platform::Platform;
use crate::domain::Domains;
use crate::event::{DomainAddress, Kind, Source};
use crate::manifest::Manifest;
use crate::model::Domain;

impl Platform {
    /// Uses the domains of `manifest` in place of the former ones.
    pub(super) fn use_domains(&self, manifest: &Manifest) {
        let mut told = self.told_domains.lock().unwrap_or_else(PoisonError::into_inner);
        told.retain(|name| manifest.domains().iter().any(|domain| domain.name == *name));
        self.registry.set_domains(Domains::new(manifest.domains()));
    }

    /// Tells, once, of the domains that lead to a function for which `answers` is true.
    pub(super) fn tell_domains(&self, manifest: &Manifest, answers: impl Fn(&str) -> bool) {
        let mut told = self.told_domains.lock().unwrap_or_else(PoisonError::into_inner);
        for domain in manifest.domains() {
            if domain.routes.iter().any(|route| answers(&route.function)) && told.insert(domain.name.clone())
            {
                let address = address(domain, self.main_address());
                self.log.emit(&Source::default(), Kind::DomainReady(address));
            }
        }
    }
}

/// How a client on this machine reaches the first route of a domain.
fn address(domain: &Domain, main: SocketAddr) -> DomainAddress {
    let host = domain.name.replacen('*', "any", 1).to_ascii_lowercase();
    let path = domain.routes.first().map_or("/", |route| route.path.trim_end_matches('*'));
    // A quote would end the argument of a shell.
    let path = path.replace('\'', "%27");
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/._~%-".contains(&byte);
    let quote = if path.bytes().all(is_plain) { "" } else { "'" };
    let port = main.port();
    DomainAddress {
        domain: domain.name.clone(),
        url: format!("http://{host}:{port}{path}"),
        curl: format!("curl -H 'Host: {host}' {quote}http://127.0.0.1:{port}{path}{quote}"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::{Protocol, Route};

    #[test]
    fn the_command_is_for_a_shell() {
        for (name, path, url, curl) in [
            (
                "api.example.com",
                "/*",
                "http://api.example.com:80/",
                "curl -H 'Host: api.example.com' http://127.0.0.1:80/",
            ),
            (
                "*.Example.com",
                "/a",
                "http://any.example.com:80/a",
                "curl -H 'Host: any.example.com' http://127.0.0.1:80/a",
            ),
            (
                "a.com",
                "/a;'b*",
                "http://a.com:80/a;%27b",
                "curl -H 'Host: a.com' 'http://127.0.0.1:80/a;%27b'",
            ),
        ] {
            let route = Route {
                path: path.to_owned(),
                line: 1,
                function: "f".to_owned(),
                qualifier: None,
                methods: Vec::new(),
                rewrites: Vec::new(),
            };
            let (name, routes) = (name.to_owned(), vec![route]);
            let domain = Domain { name, line: 1, protocol: Protocol::Http, routes, cors: None, auth: None };
            let address = address(&domain, "0.0.0.0:80".parse().unwrap());
            assert_eq!((address.url.as_str(), address.curl.as_str()), (url, curl));
        }
    }
}
