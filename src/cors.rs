//! CORS: the policy for other origins, and the headers that express it.
//!
//! If a reply has no access-control headers, the platform adds `Access-Control-Allow-Origin: <the request's origin>`
//! with credentials. So a reply without headers is not a refusal. A refused origin gets a reply that allows another
//! origin.

use std::borrow::Cow;
use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::Arc;
use std::time::Duration;

use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD, HOST, ORIGIN, VARY,
};
use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method};

use crate::headers::set;
use crate::route::Prefixes;

/// The CORS policy of an app or a place: which other origins may read its replies.
///
/// ```
/// use fc_runtime::{App, Cors, Method};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .get("/items", async |_| "tea")
///     .cors(Cors::allow("https://shop.example").with_credentials())
///     .test_client();
/// let allowed = client.get("/items").header("origin", "https://shop.example").await;
/// allowed.assert_header("access-control-allow-origin", "https://shop.example");
/// let refused = client.get("/items").header("origin", "https://evil.example").await;
/// refused.assert_header("access-control-allow-origin", "https://shop.example");
/// let preflight = client.call(Method::OPTIONS, "/items")
///     .header("origin", "https://shop.example")
///     .header("access-control-request-method", "GET")
///     .await;
/// preflight.assert_status(204).assert_header("access-control-allow-methods", "GET, HEAD, OPTIONS");
/// # });
/// ```
///
/// Preflights are answered before the middleware (arounds), so that authentication does not refuse them. Every reply
/// gets the headers, errors too: a group's policy holds for all paths below its prefix, so for a 404, a 405 and a
/// [fallback](crate::App::fallback) there. Health checks are for probes, not for pages, and have no such headers. A
/// preflight lists the methods of its path.
///
/// A refused origin cannot *read* the reply, but its request was handled. Without a policy the platform lets every
/// origin read; `Cors::same_origin()` allows none.
#[derive(Clone)]
#[must_use = "a policy does nothing unless an app or a place is given it"]
#[doc(alias = "CorsLayer")]
#[doc(alias = "Access-Control-Allow-Origin")]
pub struct Cors {
    origins: Vec<Cow<'static, str>>,
    any: bool,
    predicate: Option<Predicate>,
    headers: Option<Vec<Cow<'static, str>>>,
    expose: Vec<Cow<'static, str>>,
    credentials: bool,
    max_age: Duration,
    /// [`sealed`]. Referred to here alone, so that a function without a policy does not link its code.
    seal: fn(&Self) -> Result<SealedCors, String>,
    /// [`by_prefix`], likewise.
    by_prefix: fn(Vec<(String, Arc<SealedCors>)>) -> CorsByPrefix,
}

const ANY: HeaderValue = HeaderValue::from_static("*");
const VARY_ORIGIN: HeaderValue = HeaderValue::from_static("origin");

type Predicate = Arc<dyn Fn(&str) -> bool + Send + Sync>;

impl Cors {
    /// Allows one origin: scheme, host and port as a browser sends them, such as `https://shop.example`.
    pub fn allow(origin: impl Into<Cow<'static, str>>) -> Self {
        Self { origins: vec![origin.into()], ..Self::same_origin() }
    }

    /// Allows these origins. The first is named in the replies to refused origins.
    pub fn allow_list<O: Into<Cow<'static, str>>>(origins: impl IntoIterator<Item = O>) -> Self {
        Self { origins: origins.into_iter().map(Into::into).collect(), ..Self::same_origin() }
    }

    /// Allows the origins for which the predicate is true.
    pub fn allow_if(predicate: impl Fn(&str) -> bool + Send + Sync + 'static) -> Self {
        Self { predicate: Some(Arc::new(predicate)), ..Self::same_origin() }
    }

    /// Allows every origin, without credentials. For public data.
    pub fn allow_any() -> Self {
        Self { any: true, ..Self::same_origin() }
    }

    /// Allows no other origin.
    pub fn same_origin() -> Self {
        Self {
            origins: Vec::new(),
            any: false,
            predicate: None,
            headers: None,
            expose: Vec::new(),
            credentials: false,
            max_age: Duration::from_secs(3600),
            seal: sealed,
            by_prefix,
        }
    }

    /// Allows one more origin.
    pub fn with_origin(mut self, origin: impl Into<Cow<'static, str>>) -> Self {
        self.origins.push(origin.into());
        self
    }

    /// Allows cookies and other credentials. It cannot be combined with [`allow_any`](Self::allow_any).
    pub fn with_credentials(mut self) -> Self {
        self.credentials = true;
        self
    }

    /// The request headers that a page may set. By default every header that the preflight names.
    pub fn with_headers<H: Into<Cow<'static, str>>>(mut self, names: impl IntoIterator<Item = H>) -> Self {
        self.headers = Some(names.into_iter().map(Into::into).collect());
        self
    }

    /// The reply headers that a page may read, besides those that every page may read.
    pub fn with_exposed<H: Into<Cow<'static, str>>>(mut self, names: impl IntoIterator<Item = H>) -> Self {
        self.expose = names.into_iter().map(Into::into).collect();
        self
    }

    /// How long a browser may cache a preflight. Default: 1 h. Browsers have limits of their own, from 2 h to 24 h.
    pub fn with_max_age(mut self, age: Duration) -> Self {
        self.max_age = age;
        self
    }

    /// Checks the policy, and makes its header values.
    ///
    /// # Errors
    /// The mistake, for the author.
    pub(crate) fn seal(&self) -> Result<SealedCors, String> {
        (self.seal)(self)
    }

    /// The policies of groups, by their prefixes. Any policy can make the list.
    pub(crate) fn by_prefix(&self, policies: Vec<(String, Arc<SealedCors>)>) -> CorsByPrefix {
        (self.by_prefix)(policies)
    }
}

fn sealed(cors: &Cors) -> Result<SealedCors, String> {
    if cors.any && cors.credentials {
        return Err(
            "every origin together with credentials is refused by browsers: name the origins".to_owned()
        );
    }
    let origins: Result<Vec<_>, _> = cors.origins.iter().map(|origin| check_origin(origin)).collect();
    Ok(SealedCors {
        origins: origins?,
        any: cors.any,
        predicate: cors.predicate.clone(),
        headers: cors.headers.as_deref().map(list).transpose()?,
        expose: if cors.expose.is_empty() { None } else { Some(list(&cors.expose)?) },
        credentials: cors.credentials,
        max_age: HeaderValue::from(cors.max_age.as_secs()),
        preflight: SealedCors::answer_preflight,
        decorate_for_page: SealedCors::tell_page,
    })
}

/// The policy of the group that a path is below.
pub(crate) type CorsByPrefix = Box<dyn Fn(&str) -> Option<Arc<SealedCors>> + Send + Sync>;

fn by_prefix(policies: Vec<(String, Arc<SealedCors>)>) -> CorsByPrefix {
    let prefixes = Prefixes::new(policies);
    Box::new(move |path| prefixes.at(path).cloned())
}

impl fmt::Debug for Cors {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Cors")
            .field("origins", &self.origins)
            .field("any", &self.any)
            .field("credentials", &self.credentials)
            .finish_non_exhaustive()
    }
}

/// Checks that an origin is written as browsers send it. Otherwise it would never match.
fn check_origin(origin: &str) -> Result<HeaderValue, String> {
    let wrong = |why: &str| Err(format!("the origin {origin:?} {why}"));
    let Some((scheme, host)) = origin.split_once("://") else {
        return wrong("needs a scheme, as in \"https://shop.example\"");
    };
    if scheme.is_empty() || host.is_empty() || host.contains(['/', '?', '#', '@', '*', ' ']) {
        return wrong("has to be a scheme, a host and an optional port, without a path or a wildcard");
    }
    if origin.bytes().any(|byte| byte.is_ascii_uppercase()) {
        return wrong("has to be in lower case, as browsers send it");
    }
    HeaderValue::from_str(origin).or_else(|_| wrong("has bytes that HTTP forbids"))
}

fn list(names: &[Cow<'static, str>]) -> Result<HeaderValue, String> {
    if let Some(wrong) = names.iter().find(|name| http::HeaderName::from_bytes(name.as_bytes()).is_err()) {
        return Err(format!("{wrong:?} is not a header name"));
    }
    HeaderValue::from_str(&names.join(", ")).map_err(|error| error.to_string())
}

/// A checked policy, with its header values.
pub(crate) struct SealedCors {
    origins: Vec<HeaderValue>,
    any: bool,
    predicate: Option<Predicate>,
    headers: Option<HeaderValue>,
    expose: Option<HeaderValue>,
    credentials: bool,
    max_age: HeaderValue,
    /// As [`Cors::seal`]: what few replies need is linked where there is a policy.
    preflight: fn(&Self, &Parts, HeaderValue) -> HeaderMap,
    decorate_for_page: fn(&Self, &Parts, &mut HeaderMap),
}

/// The method that a preflight announces. A preflight is an `OPTIONS` with `Access-Control-Request-Method`.
pub(crate) fn preflight_method(head: &Parts) -> Option<Method> {
    if head.method != Method::OPTIONS {
        return None;
    }
    Method::from_bytes(head.headers.get(ACCESS_CONTROL_REQUEST_METHOD)?.as_bytes()).ok()
}

impl SealedCors {
    /// The headers for a preflight. `methods` are the methods of the path.
    pub(crate) fn preflight(&self, request: &Parts, methods: HeaderValue) -> HeaderMap {
        (self.preflight)(self, request, methods)
    }

    fn answer_preflight(&self, request: &Parts, methods: HeaderValue) -> HeaderMap {
        let mut reply = HeaderMap::new();
        if self.origin(request, &mut reply) {
            set(&mut reply, ACCESS_CONTROL_ALLOW_METHODS, methods);
            let asked = || request.headers.get(ACCESS_CONTROL_REQUEST_HEADERS).cloned();
            if let Some(headers) = self.headers.clone().or_else(asked) {
                set(&mut reply, ACCESS_CONTROL_ALLOW_HEADERS, headers);
            }
            set(&mut reply, ACCESS_CONTROL_MAX_AGE, self.max_age.clone());
        }
        let vary = "origin, access-control-request-method, access-control-request-headers";
        set(&mut reply, VARY, HeaderValue::from_static(vary));
        reply
    }

    /// Adds the headers to an ordinary reply. `from_page` means that the request has an origin.
    #[allow(clippy::inline_always, reason = "every request does it")]
    #[inline(always)]
    pub(crate) fn decorate(&self, request: &Parts, from_page: bool, reply: &mut HeaderMap) {
        if self.any {
            // The same value for all requests, so that caches may keep one copy.
            allow_any(reply);
        } else {
            // In place: a copy that others share too costs every request 40 instructions more.
            reply.append(VARY, VARY_ORIGIN);
        }
        if from_page {
            (self.decorate_for_page)(self, request, reply);
        }
    }

    fn tell_page(&self, request: &Parts, reply: &mut HeaderMap) {
        if self.origin(request, reply)
            && let Some(expose) = &self.expose
        {
            set(reply, ACCESS_CONTROL_EXPOSE_HEADERS, expose.clone());
        }
    }

    /// Sets the allowed origin, in place of a value from the handler. True if it is the request's origin.
    fn origin(&self, request: &Parts, reply: &mut HeaderMap) -> bool {
        let allowed = match request.headers.get(ORIGIN) {
            Some(_) if self.any => {
                set(reply, ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
                return true;
            }
            Some(origin) if self.allows(origin) => Some(origin.clone()),
            _ => None,
        };
        let is_allowed = allowed.is_some();
        let told = allowed.or_else(|| self.origins.first().cloned()).or_else(|| own_origin(request));
        // No page has this origin. Without the header the platform would allow the request's origin.
        let told = told.unwrap_or(HeaderValue::from_static("https://no-origin.invalid"));
        set(reply, ACCESS_CONTROL_ALLOW_ORIGIN, told);
        if is_allowed && self.credentials {
            set(reply, ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
        } else {
            reply.remove(ACCESS_CONTROL_ALLOW_CREDENTIALS);
        }
        is_allowed
    }

    /// Whether pages of this origin may read. The function's own origin is treated like any other.
    pub(crate) fn allows(&self, origin: &HeaderValue) -> bool {
        self.any
            || self.origins.contains(origin)
            || self.predicate.as_ref().is_some_and(|allows| {
                let Ok(origin) = origin.to_str() else { return false };
                // A predicate that panics allows nothing.
                catch_unwind(AssertUnwindSafe(|| allows(origin))).unwrap_or(false)
            })
    }
}

/// Out of line: what the caller does is made in the author's crate, with its own copy of a map's code.
#[inline(never)]
fn allow_any(reply: &mut HeaderMap) {
    reply.insert(ACCESS_CONTROL_ALLOW_ORIGIN, ANY);
}

/// The origin of the function itself. Its pages may read the replies in any case.
fn own_origin(request: &Parts) -> Option<HeaderValue> {
    let host = request.headers.get(HOST).and_then(|host| host.to_str().ok());
    let host = host.or_else(|| request.uri.authority().map(http::uri::Authority::as_str))?;
    let own = format!("https://{}", host.to_ascii_lowercase());
    // If the request has this origin, its value would allow the request: there is no truthful value to send.
    let asked = request.headers.get(ORIGIN).map(HeaderValue::as_bytes);
    (asked != Some(own.as_bytes())).then(|| HeaderValue::from_str(&own).ok()).flatten()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(cors: &Cors, origin: &str, expected: &[(&str, &str)]) {
        let (head, ()) = http::Request::get("/")
            .header("host", "fn.example")
            .header("origin", origin)
            .body(())
            .unwrap()
            .into_parts();
        let mut reply = HeaderMap::new();
        reply.insert("access-control-allow-origin", HeaderValue::from_static("https://set-by-the.handler"));
        cors.seal().unwrap().decorate(&head, true, &mut reply);
        let mut got: Vec<_> =
            reply.iter().map(|(name, value)| (name.as_str(), value.to_str().unwrap())).collect();
        got.sort_unstable();
        assert_eq!(got, expected);
    }

    #[test]
    fn allowed_origins_are_named_and_refused_ones_are_told_another() {
        let shop = Cors::allow("https://shop.example").with_origin("https://b.example").with_credentials();
        let allow_origin = "access-control-allow-origin";
        let credentials = ("access-control-allow-credentials", "true");
        let vary = ("vary", "origin");
        check(&shop, "https://shop.example", &[credentials, (allow_origin, "https://shop.example"), vary]);
        check(&shop, "https://b.example", &[credentials, (allow_origin, "https://b.example"), vary]);
        check(&shop, "https://evil.example", &[(allow_origin, "https://shop.example"), vary]);
        check(&shop, "null", &[(allow_origin, "https://shop.example"), vary]);
        check(&shop, "https://shop.example.evil.example", &[(allow_origin, "https://shop.example"), vary]);
        check(&Cors::same_origin(), "https://evil.example", &[(allow_origin, "https://fn.example"), vary]);
        check(&Cors::allow_any(), "https://any.example", &[(allow_origin, "*")]);
        let predicate = Cors::allow_if(|origin| origin.ends_with(".shop.example"));
        check(&predicate, "https://a.shop.example", &[(allow_origin, "https://a.shop.example"), vary]);
        check(&predicate, "https://evil.example", &[(allow_origin, "https://fn.example"), vary]);
    }

    #[track_caller]
    fn check_wrong(cors: &Cors, part: &str) {
        let message = cors.seal().err().expect("a mistake");
        assert!(message.contains(part), "{message}");
    }

    #[test]
    fn mistakes_are_told() {
        check_wrong(&Cors::allow("shop.example"), "needs a scheme");
        check_wrong(&Cors::allow("https://shop.example/"), "without a path");
        check_wrong(&Cors::allow("https://*.example"), "wildcard");
        check_wrong(&Cors::allow("https://Shop.example"), "lower case");
        check_wrong(&Cors::allow_any().with_credentials(), "name the origins");
        check_wrong(&Cors::allow("https://a.example").with_headers(["x y"]), "not a header name");
    }
}
