//! The TLS of one listener with settings of its own: versions, protocols, and whether clients show a certificate.

use std::fmt::Display;
use std::sync::Arc;
use std::{fs, io};

use rustls::crypto::CryptoProvider;
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ResolvesServerCert, WebPkiClientVerifier};
use rustls::sign::CertifiedKey;
use rustls::{RootCertStore, ServerConfig, version};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

use super::{HANDSHAKE_MAX, Identities, Store};

/// The versions of TLS that a listener takes.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Versions {
    Tls12,
    Tls12And13,
}

/// The settings of one listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ServerSettings {
    pub(crate) versions: Versions,
    /// Whether HTTP/2 is offered.
    pub(crate) http2: bool,
    /// Whether every client is asked for a certificate, which the local authority has signed.
    pub(crate) asks_clients: bool,
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
    /// The TLS of a listener with settings of its own. Its certificates are those of all names here.
    ///
    /// # Errors
    ///
    /// The authority cannot be read.
    pub(crate) fn server(&self, settings: ServerSettings) -> Result<TlsServer, String> {
        let provider = &self.store.provider;
        let builder = ServerConfig::builder_with_provider(Arc::clone(provider));
        let builder = match settings.versions {
            Versions::Tls12 => builder.with_protocol_versions(&[&version::TLS12]),
            Versions::Tls12And13 => builder.with_protocol_versions(&[&version::TLS13, &version::TLS12]),
        };
        let builder = builder.map_err(|error| error.to_string())?;
        let builder = if settings.asks_clients {
            let roots = Arc::new(self.roots()?);
            let verifier = WebPkiClientVerifier::builder_with_provider(roots, Arc::clone(provider));
            builder.with_client_cert_verifier(verifier.build().map_err(|error| error.to_string())?)
        } else {
            builder.with_no_client_auth()
        };
        let store: Arc<dyn ResolvesServerCert> = Arc::<Store>::clone(&self.store);
        let mut config = builder.with_cert_resolver(store);
        let protocols: &[&[u8]] = if settings.http2 { &[b"h2", b"http/1.1"] } else { &[b"http/1.1"] };
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(TlsServer(Arc::new(config)))
    }

    /// The local authority, as the one of clients' certificates.
    fn roots(&self) -> Result<RootCertStore, String> {
        let failed = |why: &dyn Display| format!("{}: {why}", self.file.display());
        let text = fs::read(&self.file).map_err(|error| failed(&error))?;
        let mut roots = RootCertStore::empty();
        for certificate in CertificateDer::pem_slice_iter(&text) {
            let certificate = certificate.map_err(|error| failed(&error))?;
            roots.add(certificate).map_err(|error| failed(&error))?;
        }
        Ok(roots)
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
