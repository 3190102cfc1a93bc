//! Where spans are sent, and which.

use std::fmt;
use std::sync::Arc;
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, Uri};

use crate::error::Result;
use crate::otel::proto::{Message, Value};
use crate::platform::Instance;
use crate::task::BoxFuture;

/// Sends the spans of requests to an OpenTelemetry collector, by OTLP over HTTP with protobuf. [`App::otel`](crate::App::otel)
/// takes it.
///
/// The environment says where and which, with OpenTelemetry's names: `OTEL_EXPORTER_OTLP_ENDPOINT` (default
/// `http://localhost:4318`), `OTEL_EXPORTER_OTLP_TRACES_ENDPOINT`, `OTEL_EXPORTER_OTLP_HEADERS`,
/// `OTEL_EXPORTER_OTLP_TIMEOUT` (milliseconds, default 10 000, at most a minute), each also for traces alone, as
/// `OTEL_EXPORTER_OTLP_TRACES_TIMEOUT`; `OTEL_SERVICE_NAME`, `OTEL_RESOURCE_ATTRIBUTES`, `OTEL_TRACES_SAMPLER` with
/// `OTEL_TRACES_SAMPLER_ARG`, `OTEL_SDK_DISABLED`. What is set here wins. The SDK for Python reads the time-out as seconds.
///
/// ```no_run
/// use fc_runtime::{App, Otel};
///
/// fn main() -> fc_runtime::Result {
///     App::new().get("/", async |_| "Hello").otel(Otel::new().with_endpoint("http://collector:4318")).run()
/// }
/// ```
///
/// With the feature `log`, the spans of your own `tracing` are sent too, inside the request's. A trace that the caller records is recorded, and one
/// that begins here as [`with_sample`](Self::with_sample) says. Spans are sent before the platform may freeze the instance: the end
/// of a reply waits for it, up to [`with_flush_within`](Self::with_flush_within), if no other request is in flight. A collector that
/// does not answer is not waited for again for half a minute, and spans beyond 1 MiB are dropped, and counted in the log.
#[derive(Clone, Default)]
#[must_use = "nothing is sent unless an app takes it"]
#[doc(alias = "opentelemetry")]
#[doc(alias = "otlp")]
pub struct Otel {
    endpoint: Option<String>,
    headers: Vec<(String, String)>,
    ratio: Option<f64>,
    flush_within: Option<Duration>,
    transport: Option<Transport>,
}

type Transport = Arc<dyn Fn(Request<Bytes>) -> BoxFuture<Result<StatusCode>> + Send + Sync>;

/// The settings of both, checked.
pub(super) struct Target {
    pub(super) url: Uri,
    pub(super) headers: HeaderMap,
    pub(super) resource: Vec<u8>,
    pub(super) sampler: Sampler,
    pub(super) flush_within: Duration,
    /// The longest time of one export.
    pub(super) export_within: Duration,
    pub(super) transport: Option<Transport>,
}

/// Which traces are recorded.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Sampler {
    /// Of those that nobody has decided about.
    pub(crate) ratio: f64,
    /// Whether the caller's decision counts.
    pub(crate) heeds_parent: bool,
}

const FLUSH_DEFAULT: Duration = Duration::from_millis(200);
/// OpenTelemetry's default.
const EXPORT_DEFAULT: Duration = Duration::from_secs(10);
/// An export that takes longer keeps the spans of a minute waiting.
const EXPORT_MAX: Duration = Duration::from_secs(60);

impl Otel {
    /// As the environment says.
    pub fn new() -> Self {
        Self::default()
    }

    /// The collector, such as `http://collector:4318`. `/v1/traces` is added.
    pub fn with_endpoint(mut self, url: impl Into<String>) -> Self {
        self.endpoint = Some(url.into());
        self
    }

    /// Sets a header of each export, such as an access token.
    pub fn with_header(mut self, name: impl Into<String>, value: impl Into<String>) -> Self {
        self.headers.push((name.into(), value.into()));
        self
    }

    /// The share of the traces beginning here that is recorded, from 0 to 1. Default: 1.
    pub fn with_sample(mut self, ratio: f64) -> Self {
        self.ratio = Some(ratio);
        self
    }

    /// How long the end of a reply may wait for its spans to be sent. Default: 200 ms. Zero sends them later, which a freeze
    /// may delay until the next request.
    pub fn with_flush_within(mut self, limit: Duration) -> Self {
        self.flush_within = Some(limit);
        self
    }

    /// Sends exports by your own client: for `https`, which this crate does not speak.
    pub fn with_transport<F, Fut>(mut self, send: F) -> Self
    where
        F: Fn(Request<Bytes>) -> Fut + Send + Sync + 'static,
        Fut: Future<Output = Result<StatusCode>> + Send + 'static,
    {
        self.transport = Some(Arc::new(move |request| Box::pin(send(request))));
        self
    }

    /// Reads the environment. `None` if it turns exports off.
    ///
    /// # Errors
    /// A sentence about each wrong setting.
    pub(super) fn target(&self, instance: &Instance) -> Result<Option<Target>, Vec<String>> {
        let var = |name: &str| instance.var_opt(name);
        if var("OTEL_SDK_DISABLED").is_some_and(|word| word.eq_ignore_ascii_case("true")) {
            return Ok(None);
        }
        let mut wrong = Vec::new();
        let base = self.endpoint.as_deref().or_else(|| var("OTEL_EXPORTER_OTLP_ENDPOINT"));
        let own = || var("OTEL_EXPORTER_OTLP_TRACES_ENDPOINT").filter(|_| self.endpoint.is_none());
        let url = own().map_or_else(
            || format!("{}/v1/traces", base.unwrap_or("http://localhost:4318").trim_end_matches('/')),
            str::to_owned,
        );
        let parsed: Option<Uri> = url.parse().ok().filter(|url: &Uri| url.host().is_some());
        match parsed.as_ref().and_then(Uri::scheme_str) {
            Some("http") => {}
            Some("https") if self.transport.is_some() => {}
            Some("https") => wrong.push(format!(
                "OTLP endpoint {:?}: https needs Otel::with_transport, or a collector by http",
                shown(&url)
            )),
            _ => wrong.push(format!("OTLP endpoint {:?} is no URL with http", shown(&url))),
        }
        let mut headers = HeaderMap::new();
        let set = var("OTEL_EXPORTER_OTLP_TRACES_HEADERS").or_else(|| var("OTEL_EXPORTER_OTLP_HEADERS"));
        for (name, value) in pairs(set.unwrap_or_default()).chain(self.headers.iter().cloned()) {
            match (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
                (Ok(name), Ok(mut value)) => {
                    value.set_sensitive(true);
                    headers.insert(name, value);
                }
                // The value may be a secret.
                _ => wrong.push(format!("the OTLP header {name:?} has a name or value that HTTP forbids")),
            }
        }
        let sampler = self.sampler(instance, &mut wrong);
        let flush_within = self.flush_within.unwrap_or(FLUSH_DEFAULT);
        let export_within = export_within(instance, &mut wrong);
        let (resource, transport) = (resource(instance), self.transport.clone());
        match parsed {
            Some(url) if wrong.is_empty() => {
                Ok(Some(Target { url, headers, resource, sampler, flush_within, export_within, transport }))
            }
            _ => Err(wrong),
        }
    }

    fn sampler(&self, instance: &Instance, wrong: &mut Vec<String>) -> Sampler {
        let word = instance.var_opt("OTEL_TRACES_SAMPLER").unwrap_or("parentbased_always_on");
        let (heeds_parent, kind) = match word.strip_prefix("parentbased_") {
            Some(kind) => (true, kind),
            None => (false, word),
        };
        let arg = instance.var_opt("OTEL_TRACES_SAMPLER_ARG").unwrap_or("1");
        let ratio = match kind {
            "always_on" => Some(1.0),
            "always_off" => Some(0.0),
            "traceidratio" => arg.parse().ok(),
            _ => None,
        };
        let ratio = self.ratio.or(ratio).filter(|ratio| (0.0..=1.0).contains(ratio));
        if ratio.is_none() {
            wrong.push(format!(
                "OTEL_TRACES_SAMPLER {word:?} with {arg:?} names no sampler with a share from 0 to 1"
            ));
        }
        Sampler { ratio: ratio.unwrap_or(1.0), heeds_parent: heeds_parent || self.ratio.is_some() }
    }
}

/// How long one export may take, in milliseconds as the specification says.
/// <https://opentelemetry.io/docs/specs/otel/protocol/exporter/>
fn export_within(instance: &Instance, wrong: &mut Vec<String>) -> Duration {
    for name in ["OTEL_EXPORTER_OTLP_TRACES_TIMEOUT", "OTEL_EXPORTER_OTLP_TIMEOUT"] {
        let Some(word) = instance.var_opt(name).filter(|word| !word.is_empty()) else { continue };
        match word.parse().map(Duration::from_millis) {
            Ok(limit) if !limit.is_zero() && limit <= EXPORT_MAX => return limit,
            _ => wrong.push(format!("{name} {word:?} is no number of milliseconds from 1 to 60000")),
        }
    }
    EXPORT_DEFAULT
}

/// An endpoint as the log may have it: without user, path and query, where collectors expect tokens.
pub(super) fn shown(url: &str) -> String {
    let (scheme, rest) = url.split_once("://").unwrap_or(("", url));
    let authority = rest.split(['/', '?', '#']).next().unwrap_or_default();
    let host = authority.rsplit('@').next().unwrap_or_default();
    if scheme.is_empty() { host.to_owned() } else { format!("{scheme}://{host}") }
}

/// `name=value,name=value`, with values in percent-encoding. A member without `=` is left out.
fn pairs(list: &str) -> impl Iterator<Item = (String, String)> + '_ {
    list.split(',').filter_map(|pair| {
        let (name, value) = pair.split_once('=')?;
        // Only percent signs mean something here. Base64, as in `Basic` credentials, has the others.
        let encoded = value.trim().replace('+', "%2B").replace('&', "%26").replace('=', "%3D");
        let value = form_urlencoded::parse(encoded.as_bytes()).next().map(|(value, _)| value.into_owned());
        Some((name.trim().to_owned(), value.unwrap_or_default()))
    })
}

/// The attributes of this instance. <https://opentelemetry.io/docs/specs/semconv/resource/faas/>
fn resource(instance: &Instance) -> Vec<u8> {
    let named: Vec<_> = pairs(instance.var_opt("OTEL_RESOURCE_ATTRIBUTES").unwrap_or_default()).collect();
    let service = named.iter().find(|(name, _)| name == "service.name").map(|(_, value)| value.as_str());
    let service = instance.var_opt("OTEL_SERVICE_NAME").or(service).or(instance.function_name());
    let mut resource = Message::default();
    let mut put = |name: &str, value: Option<&str>| {
        if let Some(value) = value {
            resource.attribute(1, name, &Value::Text(value));
        }
    };
    put("service.name", Some(service.unwrap_or("unknown_service:fc_runtime")));
    put("cloud.provider", Some("alibaba_cloud"));
    put("cloud.platform", Some("alibaba_cloud_fc"));
    put("cloud.region", instance.region());
    put("cloud.account.id", instance.account_id());
    put("faas.name", instance.function_name());
    put("faas.version", instance.function_version());
    put("faas.instance", instance.instance_id());
    put("telemetry.sdk.name", Some("fc-runtime"));
    put("telemetry.sdk.language", Some("rust"));
    put("telemetry.sdk.version", Some(env!("CARGO_PKG_VERSION")));
    for (name, value) in named.iter().filter(|(name, _)| name != "service.name") {
        put(name, Some(value));
    }
    if let Some(memory) = instance.memory_mib() {
        resource.attribute(1, "faas.max_memory", &Value::Int(i64::from(memory) * 1024 * 1024));
    }
    resource.0
}

impl fmt::Debug for Otel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Otel")
            .field("endpoint", &self.endpoint.as_deref().map(shown))
            .field("ratio", &self.ratio)
            .finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn values_of_a_list_are_decoded_and_else_left_as_they_are() {
        let read: Vec<_> = pairs("a=Basic dXNlcjpwYXNz==, b = x%2Cy+z , c=1&2=3,none,d=").collect();
        let expected = [("a", "Basic dXNlcjpwYXNz=="), ("b", "x,y+z"), ("c", "1&2=3"), ("d", "")];
        assert_eq!(read, expected.map(|(name, value)| (name.to_owned(), value.to_owned())));
    }

    #[test]
    fn a_shown_endpoint_has_no_secrets() {
        for (url, expected) in [
            ("http://user:hush@collector:4318/v1/traces", "http://collector:4318"),
            ("http://collector/adapt_user@hush/api/otlp/traces?token=hush", "http://collector"),
            ("https://collector?token=hush@x", "https://collector"),
            ("user:hush@collector:4318", "collector:4318"),
        ] {
            assert_eq!(shown(url), expected, "{url}");
            assert!(!format!("{:?}", Otel::new().with_endpoint(url)).contains("hush"), "{url}");
        }
    }

    #[test]
    fn the_time_out_of_an_export_is_in_milliseconds() {
        const ALL: &str = "OTEL_EXPORTER_OTLP_TIMEOUT";
        const TRACES: &str = "OTEL_EXPORTER_OTLP_TRACES_TIMEOUT";
        let target = |vars: &[(&'static str, &'static str)]| {
            let instance = Instance::from_vars(vars.iter().copied());
            Otel::new().target(&instance).map(|target| target.unwrap().export_within)
        };
        assert_eq!(target(&[]), Ok(Duration::from_secs(10)));
        assert_eq!(target(&[(ALL, "2500")]), Ok(Duration::from_millis(2_500)));
        assert_eq!(target(&[(ALL, "2500"), (TRACES, "60000")]), Ok(Duration::from_secs(60)));
        for wrong in ["0", "60001", "10s", "1.5", "-1"] {
            let said = format!("{ALL} {wrong:?} is no number of milliseconds from 1 to 60000");
            assert_eq!(target(&[(ALL, wrong)]), Err(vec![said]));
        }
    }

    #[test]
    fn a_header_of_the_app_wins_over_the_environment() {
        let instance = Instance::from_vars([("OTEL_EXPORTER_OTLP_HEADERS", "x-token=old,x-other=1")]);
        let target = Otel::new().with_header("X-Token", "new").target(&instance).unwrap().unwrap();
        assert_eq!(target.headers.get_all("x-token").iter().collect::<Vec<_>>(), ["new"]);
        assert_eq!(target.headers["x-other"], "1");
    }
}
