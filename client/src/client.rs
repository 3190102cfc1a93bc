//! The client: where calls go, who makes them, and how long they may take.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use fc_runtime::{Credentials, Instance, Invocation};
use http::{Method, Uri};
use hyper_rustls::{HttpsConnector, HttpsConnectorBuilder};
use hyper_util::client::legacy::connect::HttpConnector;
use hyper_util::rt::{TokioExecutor, TokioTimer};
use rustls::pki_types::CertificateDer;
use rustls::pki_types::pem::PemObject;
use rustls::{ClientConfig, RootCertStore};

use crate::content::Outgoing;
use crate::error::Error;
use crate::invoke::Invoke;
use crate::tasks::Tasks;
use crate::trigger::TriggerCall;

/// The variable that names another endpoint. `fc-local` sets it.
const ENDPOINT: &str = "FC_ENDPOINT";

/// How long a connection may take.
const CONNECT_LIMIT: Duration = Duration::from_secs(5);

/// How long an idle connection is kept. An instance is frozen between calls, and its peers close what they do not hear.
const IDLE_LIMIT: Duration = Duration::from_secs(10);

/// How many idle connections are kept.
const IDLE_MAX: usize = 32;

pub(crate) type Http = hyper_util::client::legacy::Client<HttpsConnector<HttpConnector>, Outgoing>;

/// Calls functions. A clone shares the connections.
///
/// ```
/// use fc_client::Client;
/// use fc_runtime::Instance;
///
/// let instance = Instance::from_vars([("FC_ACCOUNT_ID", "1234567890123456"), ("FC_REGION", "cn-hangzhou")]);
/// let client = Client::new(&instance)?;
/// assert_eq!(client.endpoint(), "https://1234567890123456.cn-hangzhou.fc.aliyuncs.com");
/// # Ok::<(), fc_client::Error>(())
/// ```
#[derive(Clone)]
pub struct Client {
    pub(crate) http: Http,
    /// Scheme and authority, without a path.
    endpoint: Arc<str>,
    credentials: Source,
    pub(crate) limit: Duration,
    pub(crate) retries: u32,
}

/// Where credentials come from.
#[derive(Clone)]
enum Source {
    Known(Option<Credentials>),
    Asked(Arc<dyn Fn() -> Option<Credentials> + Send + Sync>),
}

impl Client {
    /// A client of the environment of this process.
    ///
    /// # Errors
    /// As [`new`](Self::new).
    pub fn from_env() -> Result<Self, Error> {
        Client::new(&Instance::from_env())
    }

    /// A client with the endpoint and the credentials of an instance. Its time limit is 60 s and it repeats a call at most
    /// three times.
    ///
    /// # Errors
    /// The environment names neither an endpoint, nor account and region.
    pub fn new(instance: &Instance) -> Result<Self, Error> {
        let endpoint = match (instance.var_opt(ENDPOINT), instance.account_id(), instance.region()) {
            (Some(endpoint), ..) => endpoint.to_owned(),
            (None, Some(account), Some(region)) => format!("https://{account}.{region}.fc.aliyuncs.com"),
            _ => {
                let text = "nothing says where to call: there is neither FC_ENDPOINT, nor FC_ACCOUNT_ID with FC_REGION";
                return Err(Error::invalid(text));
            }
        };
        let client = Client {
            http: http(built_in_authorities())?,
            endpoint: Arc::from(""),
            credentials: Source::Known(instance.credentials()),
            limit: Duration::from_secs(60),
            retries: 3,
        };
        client.with_endpoint(&endpoint)
    }

    /// Calls go to this address: scheme and host, such as `https://<account>.<region>-internal.fc.aliyuncs.com`.
    ///
    /// # Errors
    /// The text is no such address.
    pub fn with_endpoint(self, endpoint: &str) -> Result<Self, Error> {
        let wrong = || {
            Error::invalid(format!(
                "`{endpoint}` is no endpoint: it has to be like https://host, without a path"
            ))
        };
        let uri: Uri = endpoint.parse().map_err(|_| wrong())?;
        let scheme = uri.scheme_str().filter(|scheme| matches!(*scheme, "http" | "https"));
        let is_bare = uri.path() == "/" && uri.query().is_none();
        match (scheme, uri.authority()) {
            (Some(scheme), Some(authority)) if is_bare && !authority.as_str().contains('@') => {
                Ok(Client { endpoint: format!("{scheme}://{authority}").into(), ..self })
            }
            _ => Err(wrong()),
        }
    }

    /// Trusts these authorities beside the built-in ones: certificates in PEM, such as the one that `fc-local` names at its
    /// start. A second call replaces the first. Connections are opened anew.
    ///
    /// # Errors
    /// The text has no certificate, or one that is no authority's.
    pub fn with_authority(self, pem: &[u8]) -> Result<Self, Error> {
        let mut authorities = built_in_authorities();
        let built_in = authorities.len();
        for certificate in CertificateDer::pem_slice_iter(pem) {
            let certificate =
                certificate.map_err(|error| Error::invalid(format!("the certificate is no PEM: {error}")))?;
            let added = authorities.add(certificate);
            added.map_err(|error| Error::invalid(format!("the certificate cannot be trusted: {error}")))?;
        }
        if authorities.len() == built_in {
            return Err(Error::invalid("the text has no certificate in PEM"));
        }
        Ok(Client { http: http(authorities)?, ..self })
    }

    /// Calls are signed with these credentials.
    #[must_use]
    pub fn with_credentials(self, credentials: Credentials) -> Self {
        Client { credentials: Source::Known(Some(credentials)), ..self }
    }

    /// Calls are signed with the credentials that the closure gives. It is asked at each call and each retry.
    #[must_use]
    pub fn with_credentials_from(
        self,
        credentials: impl Fn() -> Option<Credentials> + Send + Sync + 'static,
    ) -> Self {
        Client { credentials: Source::Asked(Arc::new(credentials)), ..self }
    }

    /// A client for the time of one call: it signs with the credentials that came with the call, if some came. They are
    /// fresh; those of the environment are as old as the instance.
    ///
    /// `Exchange`, `Event` and `Hook` have the `invocation()`.
    #[must_use]
    pub fn for_call(&self, invocation: &Invocation<'_>) -> Self {
        match invocation.sent_credentials() {
            Some(credentials) => self.clone().with_credentials(credentials),
            None => self.clone(),
        }
    }

    /// How long a call may take until the head of its reply is there, with all retries, and how long its body may pause.
    #[must_use]
    pub fn with_time_limit(self, limit: Duration) -> Self {
        Client { limit, ..self }
    }

    /// How often a call is repeated at most, where that is safe.
    #[must_use]
    pub fn with_retries(self, retries: u32) -> Self {
        Client { retries, ..self }
    }

    /// Where calls go.
    pub fn endpoint(&self) -> &str {
        &self.endpoint
    }

    /// A call of a function of this account by its name.
    pub fn invoke(&self, function: impl Into<String>) -> Invoke<'_> {
        Invoke::new(self, function.into())
    }

    /// A call of an HTTP trigger or a custom domain by its address.
    pub fn request(&self, method: Method, url: impl AsRef<str>) -> TriggerCall<'_> {
        TriggerCall::new(self, method, url.as_ref())
    }

    /// The tasks of a function.
    pub fn tasks(&self, function: impl Into<String>) -> Tasks<'_> {
        Tasks::new(self, function.into())
    }

    pub(crate) fn credentials(&self) -> Option<Credentials> {
        match &self.credentials {
            Source::Known(credentials) => credentials.clone(),
            Source::Asked(ask) => ask(),
        }
    }
}

/// The platform's images do not promise certificates of authorities, so they come with the program.
fn built_in_authorities() -> RootCertStore {
    RootCertStore { roots: webpki_roots::TLS_SERVER_ROOTS.to_vec() }
}

fn http(authorities: RootCertStore) -> Result<Http, Error> {
    let mut connector = HttpConnector::new();
    connector.enforce_http(false);
    connector.set_nodelay(true);
    connector.set_connect_timeout(Some(CONNECT_LIMIT));
    let provider = Arc::new(rustls::crypto::ring::default_provider());
    let config = ClientConfig::builder_with_provider(provider)
        .with_safe_default_protocol_versions()
        .map_err(|error| Error::invalid(format!("there is no TLS: {error}")))?
        .with_root_certificates(authorities)
        .with_no_client_auth();
    let connector = HttpsConnectorBuilder::new()
        .with_tls_config(config)
        .https_or_http()
        .enable_http1()
        .wrap_connector(connector);
    Ok(hyper_util::client::legacy::Client::builder(TokioExecutor::new())
        .pool_timer(TokioTimer::new())
        .pool_idle_timeout(IDLE_LIMIT)
        .pool_max_idle_per_host(IDLE_MAX)
        .build(connector))
}

/// Shows where calls go, and no credentials.
impl fmt::Debug for Client {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Client").field("endpoint", &self.endpoint).finish_non_exhaustive()
    }
}
