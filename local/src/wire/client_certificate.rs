//! The certificate of a client, as a load balancer tells it to its backends.

use std::fmt::Write;

use ring::digest::{SHA1_FOR_LEGACY_USE_ONLY, digest};
use rustls::pki_types::CertificateDer;
use x509_parser::objects::{oid_registry, oid2abbrev};
use x509_parser::prelude::{FromDer, X509Certificate};
use x509_parser::x509::X509Name;

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
        Some(ClientCertificate { subject: text(read.subject()), issuer: text(read.issuer()), fingerprint })
    }
}

/// A name as RFC 2253 writes it, the most exact part first. What is no ASCII is escaped, so that it can stand in a header.
fn text(name: &X509Name<'_>) -> String {
    let parts: Vec<String> = name
        .iter_rdn()
        .map(|part| {
            let all = part.iter().map(|own| {
                let kind = own.attr_type();
                let kind =
                    oid2abbrev(kind, oid_registry()).map_or_else(|_| kind.to_id_string(), str::to_owned);
                format!("{kind}={}", escaped(own.as_slice()))
            });
            all.collect::<Vec<_>>().join("+")
        })
        .collect();
    parts.into_iter().rev().collect::<Vec<_>>().join(",")
}

fn escaped(value: &[u8]) -> String {
    let mut text = String::with_capacity(value.len());
    for (at, byte) in value.iter().enumerate() {
        let is_end = at == 0 || at + 1 == value.len();
        match byte {
            b',' | b'+' | b'"' | b'\\' | b'<' | b'>' | b';' => text.extend(['\\', char::from(*byte)]),
            b'#' if at == 0 => text.push_str("\\#"),
            b' ' if is_end => text.push_str("\\ "),
            b' '..=b'~' => text.push(char::from(*byte)),
            // Into memory, which does not fail.
            byte => _ = write!(text, "\\{byte:02X}"),
        }
    }
    text
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_are_written_by_rfc_2253() {
        for (value, expected) in [
            (&b"tea"[..], "tea"),
            (b"Tea, Ltd", "Tea\\, Ltd"),
            (b" a b ", "\\ a b\\ "),
            (b"#1#", "\\#1#"),
            (b"a+b=\"c\"<d>;\\", "a\\+b=\\\"c\\\"\\<d\\>\\;\\\\"),
            ("é\n".as_bytes(), "\\C3\\A9\\0A"),
        ] {
            assert_eq!(escaped(value), expected);
        }
    }

    #[test]
    fn the_most_exact_part_comes_first() {
        let key = rcgen::KeyPair::generate().unwrap();
        let mut params = rcgen::CertificateParams::default();
        params.distinguished_name = rcgen::DistinguishedName::new();
        params.distinguished_name.push(rcgen::DnType::CountryName, "CN");
        params.distinguished_name.push(rcgen::DnType::OrganizationName, "Tea, Ltd");
        params.distinguished_name.push(rcgen::DnType::CommonName, "client one");
        let certificate = params.self_signed(&key).unwrap();
        let read = ClientCertificate::read(certificate.der()).unwrap();
        assert_eq!(read.subject, "CN=client one,O=Tea\\, Ltd,C=CN");
        assert_eq!((read.issuer, read.fingerprint.len()), (read.subject, 40));
    }
}
