//! The certificates of fc-local: a local authority, made once, and a certificate for each name that clients ask for.
//!
//! [`Identities::add`] sets a certificate of one's own for a name. Every other name gets a certificate of the authority.

mod server;

use std::collections::HashMap;
use std::fs::{self, OpenOptions};
use std::io::{self, Write};
use std::os::unix::fs::{DirBuilderExt, OpenOptionsExt};
use std::path::{Path, PathBuf};
use std::sync::{Arc, PoisonError, RwLock};
use std::time::{Duration, SystemTime};

use rcgen::{
    BasicConstraints, CertificateParams, DnType, ExtendedKeyUsagePurpose, IsCa, Issuer, KeyPair,
    KeyUsagePurpose, SerialNumber,
};
use rustls::crypto::{CryptoProvider, ring};
use rustls::pki_types::pem::PemObject;
use rustls::pki_types::{CertificateDer, PrivateKeyDer};
use rustls::server::{ClientHello, ResolvesServerCert};
use rustls::sign::CertifiedKey;
use rustls::{ServerConfig, version};
use tokio::net::TcpStream;
use tokio_rustls::TlsAcceptor;
use tokio_rustls::server::TlsStream;

pub(crate) use server::{ServerSettings, TlsServer, Versions};

/// The key and the certificate of the authority, for fc-local alone.
const AUTHORITY: &str = "authority.pem";

/// The certificate of the authority, for clients.
const CERTIFICATE: &str = "ca.pem";

/// The names in the certificate for clients that name no host, such as clients that connect to an address.
const NAMES: [&str; 3] = ["localhost", "127.0.0.1", "::1"];

/// The most certificates that are made for names. Clients choose the names.
const MADE_MAX: usize = 256;

const DAY: Duration = Duration::from_secs(24 * 60 * 60);

/// How long the certificate of the authority is valid.
const AUTHORITY_DAYS: u32 = 3650;

/// How long other certificates are valid. Browsers refuse more than 398 days.
const CERTIFICATE_DAYS: u32 = 397;

/// How long a handshake may take.
const HANDSHAKE_MAX: Duration = Duration::from_secs(10);

/// The protocols of a port, in the order of preference.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Alpn {
    /// HTTP/2 and HTTP/1.1.
    Http,
    /// HTTP/2 alone.
    Http2,
}

/// The certificates of fc-local, by name.
#[derive(Debug)]
pub(crate) struct Identities {
    store: Arc<Store>,
    http: Arc<ServerConfig>,
    http2: Arc<ServerConfig>,
    file: PathBuf,
}

impl Identities {
    /// Opens the authority in `folder`, or makes a new one there.
    ///
    /// # Errors
    ///
    /// The folder cannot be written, or holds a file that is no authority. The text says what to do.
    pub(crate) fn open(folder: &Path) -> io::Result<Self> {
        let file = folder.join(AUTHORITY);
        let text = match fs::read_to_string(&file) {
            Err(error) if error.kind() == io::ErrorKind::NotFound => create(folder, &file)?,
            read => read?,
        };
        let provider = Arc::new(ring::default_provider());
        let (certificate, authority) = Authority::read(&text, &provider).map_err(|error| {
            let text = format!("{}: {error}; without the file a new authority is made", file.display());
            io::Error::other(text)
        })?;
        // The public part follows the authority, whatever was there.
        let public = folder.join(CERTIFICATE);
        if fs::read_to_string(&public).ok().as_deref() != Some(certificate.as_str()) {
            let part = folder.join(format!("{CERTIFICATE}.{}", std::process::id()));
            fs::write(&part, &certificate)?;
            fs::rename(&part, &public)?;
        }
        let fallback = authority.issue(&NAMES)?;
        let store = Arc::new(Store { authority, fallback, certificates: RwLock::default(), provider });
        let http = store.config(&[b"h2", b"http/1.1"])?;
        let http2 = store.config(&[b"h2"])?;
        Ok(Identities { store, http, http2, file: public })
    }

    /// The certificate that clients have to trust.
    pub(crate) fn file(&self) -> &Path {
        &self.file
    }

    /// Uses a certificate of one's own for `name`, such as `shop.example.com` or `*.example.com`. Both texts are PEM;
    /// `chain` begins with the certificate itself.
    ///
    /// # Errors
    ///
    /// A text is not PEM, the key does not belong to the certificate, or its kind is not supported.
    pub(crate) fn add(&self, name: &str, chain: &str, key: &str) -> Result<(), String> {
        let certified = server::certified(chain, key, &self.store.provider)?;
        let mut certificates = self.store.certificates.write().unwrap_or_else(PoisonError::into_inner);
        certificates.own.insert(name.to_ascii_lowercase(), Arc::new(certified));
        Ok(())
    }

    /// Forgets the certificate of [`add`](Self::add).
    pub(crate) fn remove(&self, name: &str) {
        let mut certificates = self.store.certificates.write().unwrap_or_else(PoisonError::into_inner);
        certificates.own.remove(&name.to_ascii_lowercase());
    }

    /// Makes the handshake with a client.
    pub(crate) async fn accept(&self, stream: TcpStream, alpn: Alpn) -> io::Result<TlsStream<TcpStream>> {
        let config = match alpn {
            Alpn::Http => &self.http,
            Alpn::Http2 => &self.http2,
        };
        let handshake = TlsAcceptor::from(Arc::clone(config)).accept(stream);
        tokio::time::timeout(HANDSHAKE_MAX, handshake).await?
    }
}

/// Makes the file of an authority. If another process is faster, its file is taken.
fn create(folder: &Path, file: &Path) -> io::Result<String> {
    let key = KeyPair::generate().map_err(io::Error::other)?;
    let certificate = params_of_authority().self_signed(&key).map_err(io::Error::other)?;
    let text = format!("{}{}", key.serialize_pem(), certificate.pem());
    fs::DirBuilder::new().recursive(true).mode(0o700).create(folder)?;
    let part = folder.join(format!("{AUTHORITY}.{}", std::process::id()));
    // A part of a process with the same number, which was killed here.
    _ = fs::remove_file(&part);
    let linked = OpenOptions::new()
        .write(true)
        .create_new(true)
        .mode(0o600)
        .open(&part)
        .and_then(|mut out| out.write_all(text.as_bytes()))
        .and_then(|()| fs::hard_link(&part, file));
    _ = fs::remove_file(&part);
    match linked {
        Ok(()) => Ok(text),
        Err(error) if error.kind() == io::ErrorKind::AlreadyExists => fs::read_to_string(file),
        Err(error) => Err(error),
    }
}

fn params_of_authority() -> CertificateParams {
    let mut params = CertificateParams::default();
    params.distinguished_name.push(DnType::CommonName, "fc-local development authority");
    params.is_ca = IsCa::Ca(BasicConstraints::Constrained(0));
    params.key_usages = vec![KeyUsagePurpose::KeyCertSign, KeyUsagePurpose::CrlSign];
    let now = SystemTime::now();
    params.not_before = (now - DAY).into();
    params.not_after = (now + DAY * AUTHORITY_DAYS).into();
    params
}

/// Signs certificates. All of them have the same key, so that a certificate costs one signature.
struct Authority {
    issuer: Issuer<'static, KeyPair>,
    /// The key of the issued certificates.
    key: KeyPair,
    provider: Arc<CryptoProvider>,
}

impl std::fmt::Debug for Authority {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.debug_struct("Authority").finish_non_exhaustive()
    }
}

impl Authority {
    /// The public certificate as PEM, and the authority.
    fn read(text: &str, provider: &Arc<CryptoProvider>) -> Result<(String, Self), String> {
        let begin = text.find("-----BEGIN CERTIFICATE-----").ok_or("the file has no certificate")?;
        let certificate = text[begin..].to_owned();
        let key = KeyPair::from_pem(&text[..begin]).map_err(|error| format!("the private key: {error}"))?;
        // Also checks that the key belongs to the certificate.
        let chain = CertificateDer::from_pem_slice(certificate.as_bytes())
            .map_err(|error| format!("the certificate: {error}"))?;
        let pair = PrivateKeyDer::from_pem_slice(text.as_bytes())
            .map_err(|error| format!("the private key: {error}"))?;
        CertifiedKey::from_der(vec![chain], pair, provider)
            .map_err(|error| format!("key and certificate: {error}"))?;
        let own = KeyPair::generate().map_err(|error| error.to_string())?;
        let issuer = Issuer::new(params_of_authority(), key);
        Ok((certificate, Authority { issuer, key: own, provider: Arc::clone(provider) }))
    }

    fn issue(&self, names: &[&str]) -> io::Result<Arc<CertifiedKey>> {
        let names: Vec<String> = names.iter().map(|name| (*name).to_owned()).collect();
        let mut params = CertificateParams::new(names.clone()).map_err(io::Error::other)?;
        params.distinguished_name.push(DnType::CommonName, names[0].clone());
        params.is_ca = IsCa::ExplicitNoCa;
        params.key_usages = vec![KeyUsagePurpose::DigitalSignature];
        params.extended_key_usages = vec![ExtendedKeyUsagePurpose::ServerAuth];
        params.use_authority_key_identifier_extension = true;
        // Without a number of its own a certificate gets the hash of its key, which all share. Firefox refuses two
        // certificates with the same number.
        let mut serial = [0; 16];
        let filled = self.provider.secure_random.fill(&mut serial);
        filled.map_err(|_| io::Error::other("the system has no random numbers"))?;
        serial[0] = serial[0] & 0x3f | 0x40;
        params.serial_number = Some(SerialNumber::from_slice(&serial));
        let now = SystemTime::now();
        params.not_before = (now - DAY).into();
        params.not_after = (now + DAY * CERTIFICATE_DAYS).into();
        let certificate = params.signed_by(&self.key, &self.issuer).map_err(io::Error::other)?;
        let key = PrivateKeyDer::try_from(self.key.serialize_der()).map_err(io::Error::other)?;
        let certified = CertifiedKey::from_der(vec![certificate.into()], key, &self.provider);
        certified.map(Arc::new).map_err(io::Error::other)
    }
}

/// Finds the certificate for a client.
#[derive(Debug)]
struct Store {
    authority: Authority,
    fallback: Arc<CertifiedKey>,
    certificates: RwLock<Certificates>,
    provider: Arc<CryptoProvider>,
}

#[derive(Debug, Default)]
struct Certificates {
    /// The user's own, by name or by `*.name`.
    own: HashMap<String, Arc<CertifiedKey>>,
    /// Made by the authority, by name.
    made: HashMap<String, Arc<CertifiedKey>>,
}

impl Certificates {
    fn find(&self, name: &str) -> Option<Arc<CertifiedKey>> {
        let wildcard = || self.own.get(&format!("*.{}", name.split_once('.')?.1));
        self.own.get(name).or_else(wildcard).or_else(|| self.made.get(name)).cloned()
    }
}

impl Store {
    fn config(self: &Arc<Self>, protocols: &[&[u8]]) -> io::Result<Arc<ServerConfig>> {
        let mut config = ServerConfig::builder_with_provider(Arc::clone(&self.provider))
            .with_protocol_versions(&[&version::TLS13, &version::TLS12])
            .map_err(io::Error::other)?
            .with_no_client_auth()
            .with_cert_resolver(Arc::clone(self) as Arc<dyn ResolvesServerCert>);
        config.alpn_protocols = protocols.iter().map(|name| name.to_vec()).collect();
        Ok(Arc::new(config))
    }

    fn certificate(&self, name: &str) -> Arc<CertifiedKey> {
        if let Some(found) = self.certificates.read().unwrap_or_else(PoisonError::into_inner).find(name) {
            return found;
        }
        let mut certificates = self.certificates.write().unwrap_or_else(PoisonError::into_inner);
        if certificates.made.len() >= MADE_MAX {
            return Arc::clone(&self.fallback);
        }
        // A name that cannot stand in a certificate gets the other one, which the client refuses.
        let Ok(made) = self.authority.issue(&[name]) else { return Arc::clone(&self.fallback) };
        Arc::clone(certificates.made.entry(name.to_owned()).or_insert(made))
    }
}

impl ResolvesServerCert for Store {
    fn resolve(&self, hello: ClientHello<'_>) -> Option<Arc<CertifiedKey>> {
        Some(match hello.server_name() {
            Some(name) => self.certificate(&name.to_ascii_lowercase()),
            None => Arc::clone(&self.fallback),
        })
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A certificate of its own, and its key.
    fn pair(name: &str) -> (String, String) {
        let key = KeyPair::generate().unwrap();
        let certificate = CertificateParams::new(vec![name.to_owned()]).unwrap().self_signed(&key).unwrap();
        (certificate.pem(), key.serialize_pem())
    }

    fn leaf(pem: &str) -> CertificateDer<'static> {
        CertificateDer::from_pem_slice(pem.as_bytes()).unwrap()
    }

    #[test]
    fn a_name_has_its_own_certificate_or_one_of_the_authority() {
        let folder = std::env::temp_dir().join(format!("fc-local-tls-{}", std::process::id()));
        let identities = Identities::open(&folder).unwrap();
        let found = |name: &str| identities.store.certificate(name).cert[0].clone();
        let ((exact, exact_key), (wild, wild_key)) = (pair("a.example.com"), pair("*.example.com"));
        let made = found("a.example.com");
        identities.add("*.Example.com", &wild, &wild_key).unwrap();
        identities.add("A.example.com", &exact, &exact_key).unwrap();
        assert_eq!(found("a.example.com"), leaf(&exact));
        assert_eq!(found("b.example.com"), leaf(&wild));
        assert_ne!(found("c.b.example.com"), leaf(&wild), "a wildcard stands for one label");
        identities.remove("a.example.com");
        assert_eq!(found("a.example.com"), leaf(&wild));
        identities.remove("*.example.com");
        assert_eq!(found("a.example.com"), made);
        for (chain, key, expected) in [
            (&exact, &wild_key, "cannot be used together"),
            (&exact_key, &exact_key, "no PEM block CERTIFICATE"),
            (&exact, &exact, "the private key is not PEM"),
        ] {
            let error = identities.add("x", chain, key).unwrap_err();
            assert!(error.contains(expected), "{error}");
            assert!(!error.contains("PRIVATE"), "{error}");
        }
        // Clients choose the names: there is a bound on what is made for them.
        for at in 0..MADE_MAX {
            found(&format!("n{at}.test"));
        }
        assert_eq!(found("one-more.test"), identities.store.fallback.cert[0]);
        fs::remove_dir_all(&folder).unwrap();
    }
}
