//! The custom domains of a platform: in use from the start, and told once a function answers there.

use std::collections::BTreeSet;
use std::net::SocketAddr;
use std::path::Path;
use std::sync::PoisonError;

use super::composition::Composition;
use crate::domain::Domains;
use crate::event::{DomainAddress, Kind, Remark, Source};
use crate::model::{Domain, Protocol};

/// What was told and set of domains, by their names.
#[derive(Debug, Default)]
pub(super) struct Known {
    /// The domains of which the log tells already.
    told: BTreeSet<String>,
    /// The domains with a certificate of the manifest.
    certified: BTreeSet<String>,
}

impl Composition {
    /// Uses the domains that there are now in place of the former ones.
    pub(super) fn use_domains(&self) {
        let mut known = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        let domains = self.account.domains();
        known.told.retain(|name| domains.iter().any(|domain| domain.name == *name));
        self.certify(&domains, &mut known);
        self.registry.set_domains(Domains::new(&domains, self.identities.is_some()));
    }

    /// Uses the certificates of the domains in place of the former ones.
    fn certify(&self, domains: &[Domain], known: &mut Known) {
        let Some(identities) = &self.identities else { return };
        for name in std::mem::take(&mut known.certified) {
            identities.remove(&name);
        }
        for domain in domains {
            let Some(certificate) = &domain.certificate else { continue };
            match identities.add(&domain.name, &certificate.chain, &certificate.key) {
                Ok(()) => {
                    known.certified.insert(domain.name.clone());
                }
                Err(error) => {
                    let text =
                        format!("`certConfig`: {error}; fc-local uses a certificate of its own authority");
                    let (file, note) =
                        (self.lock_manifest().file().to_owned(), Remark { line: certificate.line, text });
                    self.log.emit(&Source::default(), Kind::ManifestNote { file, note });
                }
            }
        }
    }

    /// Tells, once, of the domains that lead to a function for which `answers` is true.
    pub(super) fn tell_domains(&self, answers: impl Fn(&str) -> bool) {
        let mut known = self.domains.lock().unwrap_or_else(PoisonError::into_inner);
        for domain in &self.account.domains() {
            if domain.routes.iter().any(|route| answers(&route.function))
                && known.told.insert(domain.name.clone())
            {
                let is_certified = known.certified.contains(&domain.name);
                let authority = self.identities.as_ref().map(|identities| identities.file());
                let way = match (domain.protocol, authority) {
                    (Protocol::Https, Some(authority)) => Way::Https((!is_certified).then_some(authority)),
                    _ => Way::Http,
                };
                let address = address(domain, self.main, way);
                self.log.emit(&Source::default(), Kind::DomainReady(address));
            }
        }
    }
}

/// How clients speak to a domain.
#[derive(Debug, Clone, Copy)]
enum Way<'a> {
    Http,
    /// Through TLS, with the certificate that a client has to trust. `None` for the user's own.
    Https(Option<&'a Path>),
}

/// How a client on this machine reaches the first route of a domain.
fn address(domain: &Domain, main: SocketAddr, way: Way<'_>) -> DomainAddress {
    let host = domain.name.replacen('*', "any", 1).to_ascii_lowercase();
    let path = domain.routes.first().map_or("/", |route| route.path.trim_end_matches('*'));
    // A quote would end the argument of a shell.
    let (path, port) = (path.replace('\'', "%27"), main.port());
    let scheme = if matches!(way, Way::Http) { "http" } else { "https" };
    let url = format!("{scheme}://{host}:{port}{path}");
    let curl = match way {
        Way::Http => format!("curl -H 'Host: {host}' {}", quoted(&format!("http://127.0.0.1:{port}{path}"))),
        Way::Https(authority) => {
            let trust = authority.map(|file| format!("--cacert {} ", quoted(&file.display().to_string())));
            let trust = trust.unwrap_or_default();
            format!("curl {trust}--resolve {host}:{port}:127.0.0.1 {}", quoted(&url))
        }
    };
    DomainAddress { domain: domain.name.clone(), url, curl }
}

/// The text as an argument of a shell.
fn quoted(text: &str) -> String {
    let is_plain = |byte: u8| byte.is_ascii_alphanumeric() || b"/:._~%-".contains(&byte);
    if text.bytes().all(is_plain) { text.to_owned() } else { format!("'{}'", text.replace('\'', r"'\''")) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::model::Route;

    #[track_caller]
    fn check(name: &str, path: &str, way: Way<'_>, url: &str, curl: &str) {
        let route = Route {
            path: path.to_owned(),
            line: 1,
            function: "f".to_owned(),
            qualifier: None,
            methods: Vec::new(),
            rewrites: Vec::new(),
        };
        let domain = Domain {
            name: name.to_owned(),
            line: 1,
            protocol: Protocol::Http,
            routes: vec![route],
            auth: None,
            cors: None,
            certificate: None,
        };
        let address = address(&domain, "0.0.0.0:80".parse().unwrap(), way);
        assert_eq!((address.url.as_str(), address.curl.as_str()), (url, curl));
    }

    #[test]
    fn the_command_is_for_a_shell() {
        check("a.com", "/*", Way::Http, "http://a.com:80/", "curl -H 'Host: a.com' http://127.0.0.1:80/");
        check(
            "*.A.com",
            "/a",
            Way::Http,
            "http://any.a.com:80/a",
            "curl -H 'Host: any.a.com' http://127.0.0.1:80/a",
        );
        let curl = "curl -H 'Host: a.com' 'http://127.0.0.1:80/a;%27b'";
        check("a.com", "/a;'b*", Way::Http, "http://a.com:80/a;%27b", curl);
        let curl = "curl --resolve a.com:80:127.0.0.1 https://a.com:80/";
        check("a.com", "/*", Way::Https(None), "https://a.com:80/", curl);
        let curl = r"curl --cacert '/my '\''ca'\''.pem' --resolve a.com:80:127.0.0.1 https://a.com:80/";
        check("a.com", "/*", Way::Https(Some(Path::new("/my 'ca'.pem"))), "https://a.com:80/", curl);
    }
}
