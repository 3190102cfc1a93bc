//! The TLS of one listener with settings of its own: certificates, versions, protocols, and whether clients show a certificate.

use std::collections::HashMap;
use std::io;
use std::sync::Arc;

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, version};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;
use x509_parser::extensions::GeneralName;
use x509_parser::prelude::{FromDer, X509Certificate};

use super::{HANDSHAKE_MAX, Identities, Store};

/// The versions of TLS that a listener takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versions {
    Tls12,
    Tls12And13,
}

/// The settings of one listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerSettings<'a> {
    /// Certificates and their keys, as PEM. The first is for clients without a known name. None: the authority makes them.
    pub(crate) certificates: &'a [(&'a str, &'a str)],
    pub(crate) versions: Versions,
    /// Whether HTTP/2 is offered.
    pub(crate) http2: bool,
    /// The authorities of clients' certificates, as PEM. `Some` asks every client for one; an empty text is the local
    /// authority.
    pub(crate) client_authority: Option<&'a str>,
}

/// The TLS of one listener.
#[derive(Debug, Clone)]
pub(crate) struct TlsServer(Arc<ServerConfig>);

impl TlsServer {
    /// Makes the handshake with a client.
    pub(crate) async fn accept(&self, stream: TcpStream) -> io::Result<TlsStream<TcpStream>> {
        let handshake = TlsAcceptor::from(Arc::clone(&self.0)).accept(stream);
        tokio::time::timeout(HANDSHAKE_MAX, handshake).await?
    }
}

impl Identities {
    /// The TLS of a listener with settings of its own.
    ///
    /// # Errors
    ///
    /// A text is not PEM, or a key does not belong to its certificate. No text of a key is repeated.
    pub(crate) fn server(&self, settings: ServerSettings<'_>) -> Result<TlsServer, String> {
        let provider = &self.store.provider;
        let builder = ServerConfig::builder_with_provider(Arc::clone(provider));
        let builder = match settings.versions {
            Versions::Tls12 => builder.with_protocol_versions(&[&version::TLS12]),
            Versions::Tls12And13 => builder.with_protocol_versions(&[&version::TLS13, &version::TLS12]),
        };
        let builder = builder.map_err(|error| error.to_string())?;
        let builder = match settings.client_authority {
            None => builder.with_no_client_auth(),
            Some(authorities) => {
                let own = if authorities.is_empty() { Some(self.authority()?) } else { None };
                let roots = roots(own.as_deref().unwrap_or(authorities))?;
                let verifier =
                    WebPkiClientVerifier::builder_with_provider(roots.into(), Arc::clone(provider));
                builder.with_client_cert_verifier(verifier.build().map_err(|error| error.to_string())?)
            }
        };
        let own = Own::read(settings.certificates, provider, &self.store)?;
        let mut config = builder.with_cert_resolver(Arc::new(own));
        let protocols: &[&[u8]] = if settings.http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(TlsServer(Arc::new(config)))
    }

    fn authority(&self) -> Result<String, String> {
        std::fs::read_to_string(&self.file).map_err(|error| format!("{}: {error}", self.file.display()))
    }
}

fn roots(authorities: &str) -> Result<RootCertStore, String> {
    let mut roots = RootCertStore::empty();
    for certificate in CertificateDer::pem_slice_iter(authorities.as_bytes()) {
        let certificate = certificate.map_err(|error| format!("the authority is not PEM: {error}"))?;
        roots.add(certificate).map_err(|error| format!("the authority: {error}"))?;
    }
    if roots.is_empty() {
        return Err("the authority has no PEM block CERTIFICATE".to_owned());
    }
    Ok(roots)
}

/// The certificates of one listener.
#[derive(Debug)]
struct Own {
    /// By name or by `*.name`.
    named: HashMap<String, Arc<CertifiedKey>>,
    /// `None`: the authority makes one for each name.
    first: Option<Arc<CertifiedKey>>,
    store: Arc<Store>,
}

impl Own {
    fn read(
        certificates: &[(&str, &str)],
        provider: &CryptoProvider,
        store: &Arc<Store>,
    ) -> Result<Self, String> {
        let mut own = Own { named: HashMap::new(), first: None, store: Arc::clone(store) };
        for (chain, key) in certificates {
            let certified = Arc::new(certified(chain, key, provider)?);
            for name in names(&certified) {
                own.named.entry(name).or_insert_with(|| Arc::clone(&certified));
            }
            own.first.get_or_insert(certified);
        }
        Ok(own)
    }
}

/// The names of a certificate, in lower case.
fn names(certified: &CertifiedKey) -> Vec<String> {
    let Some((_, read)) = certified.cert.first().and_then(|own| X509Certificate::from_der(own).ok()) else {
        return Vec::new();
    };
    let Ok(Some(names)) = read.subject_alternative_name() else { return Vec::new() };
    let names = names.value.general_names.iter().filter_map(|name| match name {
        GeneralName::DNSName(name) => Some(name.to_ascii_lowercase()),
        _ => None,
    });
    names.collect()
}

impl ResolvesServerCert for Own {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        let Some(first) = &self.first else { return self.store.resolve(hello) };
        let name = hello.server_name().map(str::to_ascii_lowercase);
        let found = name.and_then(|name| {
            let wildcard = || self.named.get(&format!("*.{}", name.split_once('.')?.1));
            self.named.get(&name).or_else(wildcard)
        });
        Some(Arc::clone(found.unwrap_or(first)))
    }
}

/// A certificate with its key, both as PEM.
pub(super) fn certified(chain: &str, key: &str, provider: &CryptoProvider) -> Result<CertifiedKey, String> {
    let chain: Vec<CertificateDer<'static>> = CertificateDer::pem_slice_iter(chain.as_bytes())
        .collect::<Result<_, _>>()
        .map_err(|error| format!("the certificate is not PEM: {error}"))?;
    if chain.is_empty() {
        return Err("the certificate has no PEM block CERTIFICATE".to_owned());
    }
    let key = PrivateKeyDer::from_pem_slice(key.as_bytes())
        .map_err(|error| format!("the private key is not PEM: {error}"))?;
    CertifiedKey::from_der(chain, key, provider)
        .map_err(|error| format!("certificate and private key cannot be used together: {error}"))
}
