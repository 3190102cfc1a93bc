//! The certificate of a client, as a load balancer tells it to its backends.

use std::fmt::Write;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls::pki_types::CertificateDer;
use x509_parser::prelude::{FromDer, X509Certificate};

/// What is told of a client's certificate.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct ClientCertificate {
    /// The distinguished name of the client.
    pub(crate) subject: String,
    /// The distinguished name of who signed it.
    pub(crate) issuer: String,
    /// SHA-1 of the certificate, in hexadecimal digits.
    pub(crate) fingerprint: String,
}

impl ClientCertificate {
    /// Reads a verified certificate. `None` if it is none, which its verification excludes.
    pub(crate) fn read(certificate: &CertificateDer<'_>) -> Option<Self> {
        let (_, read) = X509Certificate::from_der(certificate).ok()?;
        let hash = digest(&SHA1_FOR_LEGACY_USE_ONLY, certificate);
        let mut fingerprint = String::with_capacity(40);
        for byte in hash.as_ref() {
            // Into memory, which does not fail.
            _ = write!(fingerprint, "{byte:02x}");
        }
        Some(ClientCertificate {
            subject: read.subject().to_string(),
            issuer: read.issuer().to_string(),
            fingerprint,
        })
    }
}
