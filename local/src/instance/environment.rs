//! The environment variables of an instance, and the headers of every call to it.

use std::collections::BTreeMap;
use std::ffi::OsString;
use std::net::SocketAddr;
use std::sync::{Arc, Mutex, PoisonError};

use fc_runtime::platform::names::{env, header, path};
use http::header::TE;
use http::{HeaderMap, HeaderName, HeaderValue};

use super::layout::Layout;
use crate::event::Redactor;
use crate::model::{Edition, Function, LATEST, VersionId};
use crate::shell;
use crate::wire::h1::Lines;
use crate::wire::headers::Forwarded;

/// The data that all instances of a function share.
#[derive(Debug)]
pub(crate) struct Surroundings {
    pub(crate) headers: HeaderMap,
    /// The same headers as lines of HTTP/1.1.
    pub(crate) lines: Lines,
    pub(crate) redactor: Redactor,
    variables: BTreeMap<String, OsString>,
    /// What the function was told of the client of the last gRPC call, and the headers that go with it.
    common: Mutex<Option<(Option<Arc<Forwarded>>, HeaderMap)>>,
}

/// The temporary credentials that a function may be given, by the names of the environment.
const CREDENTIALS: [(&str, &str); 3] = [
    (env::ACCESS_KEY_ID, header::ACCESS_KEY_ID),
    (env::ACCESS_KEY_SECRET, header::ACCESS_KEY_SECRET),
    (env::SECURITY_TOKEN, header::SECURITY_TOKEN),
];

/// Ours: where a client finds the API, as the platform's own address follows from account and region.
const ENDPOINT: &str = "FC_ENDPOINT";

/// Room for the headers of the platform and of a usual client.
const HEADERS_OF_A_CALL: usize = 48;

impl Surroundings {
    pub(crate) fn new(function: &Function, version: Option<VersionId>, layout: &Layout) -> Self {
        let version = version.map_or_else(|| LATEST.to_owned(), |version| version.to_string());
        // An image has its own home and search path.
        let is_image = function.container.is_some();
        let defaults = [("TZ", "UTC"), ("HOME", "/tmp")].into_iter().take(if is_image { 1 } else { 2 });
        let mut variables: BTreeMap<String, OsString> =
            defaults.map(|(name, value)| (name.to_owned(), value.into())).collect();
        // A program needs its search path, and a panic asks its reader to set `RUST_BACKTRACE`. Nothing else of the
        // developer's shell is passed on.
        for name in ["PATH", "RUST_BACKTRACE", "RUST_LIB_BACKTRACE"]
            .into_iter()
            .skip(usize::from(is_image))
            .chain(function.local.pass_env.iter().map(String::as_str))
        {
            if let Some(value) = shell::variable(name) {
                variables.insert(name.to_owned(), value);
            }
        }
        let mut set = |name: &str, value: &str| variables.insert(name.to_owned(), OsString::from(value));
        for (name, value) in &function.environment {
            // The folders of an image are its own.
            set(name, &if is_image { value.to_owned() } else { layout.translate(value) });
        }
        set(env::ACCOUNT_ID, &function.account);
        set(env::FUNCTION_NAME, &function.name);
        set(env::FUNCTION_HANDLER, &function.handler);
        set(env::FUNCTION_MEMORY, &function.memory_mib.to_string());
        set(env::FUNCTION_VERSION, &version);
        set(env::VERSION_ID, &version);
        set(env::REGION, &function.region);
        if !is_image {
            variables.insert(env::CODE_PATH.to_owned(), layout.code_folder().as_os_str().to_owned());
        }

        // With room for the headers of a call, which are added to a clone.
        let mut headers = HeaderMap::with_capacity(HEADERS_OF_A_CALL);
        let mut set = |name: &'static str, value: &str| {
            // The platform could not send an invalid header value either.
            if let Ok(value) = HeaderValue::from_str(value) {
                headers.insert(HeaderName::from_static(name), value);
            }
        };
        set(header::FUNCTION_NAME, &function.name);
        set(header::FUNCTION_HANDLER, &function.handler);
        set(header::FUNCTION_MEMORY, &function.memory_mib.to_string());
        set(header::FUNCTION_TIMEOUT, &function.timeout.as_secs().to_string());
        set(header::REGION, &function.region);
        set(header::ACCOUNT_ID, &function.account);
        set(header::QUALIFIER, &version);
        set(header::VERSION_ID, &version);
        let (project, store) = function.log.as_ref().map_or(("", ""), |(project, store)| (project, store));
        set(header::LOG_PROJECT, project);
        set(header::LOG_STORE, store);
        if function.local.edition == Edition::Fc2 {
            set(header::SERVICE_NAME, &function.service);
        }
        let mut secrets = Vec::new();
        if function.local.credentials {
            for (variable, header) in CREDENTIALS {
                if let Some(value) = shell::text(variable)
                    && let Ok(mut secret) = HeaderValue::from_str(&value)
                {
                    secret.set_sensitive(true);
                    if function.injection.request {
                        headers.insert(HeaderName::from_static(header), secret);
                    }
                    if function.injection.env {
                        variables.insert(variable.to_owned(), OsString::from(&value));
                    }
                    secrets.push((variable, value));
                }
            }
        }
        let texts = variables.iter().filter_map(|(name, value)| Some((name.as_str(), value.to_str()?)));
        let callers = function.secrets.iter();
        let callers =
            callers.filter_map(|secret| Some(("SECRET", std::str::from_utf8(secret.reveal()).ok()?)));
        let secrets = secrets.iter().map(|(name, value)| (*name, value.as_str()));
        let redactor = Redactor::new(texts.chain(secrets).chain(callers));
        let lines = Lines::of(&headers);
        Surroundings { headers, lines, redactor, variables, common: Mutex::default() }
    }

    /// The headers that a gRPC call has in common with the one before. A copy of a map costs far less than its insertions, and
    /// calls in a row have mostly one client.
    pub(crate) fn headers_of_rpc(&self, forwarded: Option<&Arc<Forwarded>>) -> HeaderMap {
        let mut common = self.common.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, headers)) = &*common
            && of.as_ref() == forwarded
        {
            return headers.clone();
        }
        let mut headers = self.headers.clone();
        if let Some(forwarded) = forwarded {
            forwarded.add_to(&mut headers);
        }
        let path = HeaderValue::from_static(path::HTTP_INVOKE);
        headers.insert(HeaderName::from_static(header::CONTROL_PATH), path);
        // Without this header a server of gRPC may send no trailers.
        headers.insert(TE, HeaderValue::from_static("trailers"));
        *common = Some((forwarded.cloned(), headers.clone()));
        headers
    }

    /// Names the address at which the instances call the API.
    pub(super) fn set_endpoint(&mut self, endpoint: SocketAddr) {
        self.variables.insert(ENDPOINT.to_owned(), OsString::from(format!("http://{endpoint}")));
    }

    /// The variables of one instance.
    pub(crate) fn variables(&self, instance: &str, port: u16) -> BTreeMap<String, OsString> {
        let mut variables = self.variables.clone();
        variables.insert(env::INSTANCE_ID.to_owned(), OsString::from(instance));
        for name in [env::LISTEN_PORT, env::SERVER_PORT] {
            variables.insert(name.to_owned(), OsString::from(port.to_string()));
        }
        variables
    }
}
