//! The exchange, which is the argument of a handler: request, parameters, body, state, hang-up.

pub(crate) mod attached;
mod body_state;
pub(crate) mod bulk;
mod call;
pub(crate) mod conditional;
mod cookies;
mod event;
mod forwarded;
mod hang_up;
mod hook;
#[cfg(feature = "multipart")]
mod multipart;
mod param;
pub(crate) mod payload;
mod peer;
mod protocol;
pub(crate) mod read;
mod shared;
pub(crate) mod upgrade;
mod values;

use std::borrow::Cow;
use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, Method, Uri};

use crate::counters::Counters;
use crate::error::{Error, StatusError};
use crate::log::current::Tagged;
use crate::negotiate;
use crate::platform::names::header::BASE_PATH;
use crate::platform::{Instance, Invocation};
use crate::reply::{IntoReply, Reply};
use crate::trace::TraceContext;

pub(crate) use body_state::{BodyState, too_much_memory};
pub(crate) use call::{Arrival, Call, Scope};
pub use event::Event;
pub use hang_up::HangUp;
pub use hook::Hook;
#[cfg(feature = "multipart")]
pub use multipart::{Multipart, Part, SavedPart};
pub use param::FromParam;
pub use payload::Payload;
pub(crate) use peer::{Busy, Peer, Replying};
pub(crate) use protocol::Protocol;
pub use read::Readable;
pub(crate) use read::whole;
pub(crate) use shared::{ErrorMap, Shared};
use values::Values;

/// One request with everything that belongs to it. A handler owns its exchange; the methods that read from it borrow.
///
/// ```
/// use fc_runtime::{App, Json};
///
/// # fc_runtime::testing::run(async {
/// let app = App::with_state(vec!["tea", "salt"]).get("/items/{at}", async |ex| {
///     let at: usize = ex.param("at")?;
///     Ok(Json(ex.state().get(at).copied()))
/// });
/// let client = app.test_client();
/// client.get("/items/1").await.assert_status(200).assert_text("\"salt\"");
/// client.get("/items/x").await.assert_status(400);
/// # });
/// ```
#[doc(alias = "Request")]
#[doc(alias = "HttpRequest")]
#[doc(alias = "Context")]
#[doc(alias = "extractor")]
#[doc(alias = "req")]
pub struct Exchange<S = ()> {
    call: Arc<Call>,
    shared: Arc<Shared<S>>,
    values: Values,
}

impl<S> Exchange<S> {
    pub(crate) fn new(call: Arc<Call>, shared: Arc<Shared<S>>) -> Self {
        Self { call, shared, values: Values::default() }
    }

    /// The app's state.
    #[doc(alias = "State")]
    #[doc(alias = "Data")]
    #[doc(alias = "extractor")]
    pub fn state(&self) -> &S {
        &self.shared.state
    }

    /// The app's state, as an `Arc` for tasks and streams.
    pub fn state_arc(&self) -> Arc<S> {
        Arc::clone(&self.shared.state)
    }

    /// The HTTP method.
    pub fn method(&self) -> &Method {
        &self.call.head.method
    }

    /// The request target as the client sent it.
    pub fn uri(&self) -> &Uri {
        &self.call.head.uri
    }

    /// The path, still percent-encoded.
    pub fn path(&self) -> &str {
        self.call.head.uri.path()
    }

    /// The pattern that matched, such as `/users/{id}`; empty in a fallback.
    pub fn pattern(&self) -> &str {
        self.call.scope.as_ref().map_or("", |scope| &scope.pattern)
    }

    /// A path parameter, percent-decoded once and parsed.
    ///
    /// # Errors
    /// 400 when the text is not UTF-8 or cannot be parsed; 500 when the pattern has no such parameter.
    #[track_caller]
    #[doc(alias = "Path")]
    #[doc(alias = "params")]
    #[doc(alias = "extractor")]
    pub fn param<T: FromParam>(&self, name: &str) -> Result<T, StatusError> {
        param::read(&self.call, name).map_err(Error::into_std)
    }

    /// The query, read as a struct or a map.
    ///
    /// # Errors
    /// 400 that names the field.
    #[track_caller]
    #[doc(alias = "Query")]
    #[doc(alias = "extractor")]
    pub fn query<T: Readable>(&self) -> Result<T, StatusError> {
        read::query(&self.call).map_err(Error::into_std)
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.call.head.headers
    }

    /// The first header of this name, if its value is UTF-8. [`headers`](Self::headers) gives the bytes of every value.
    pub fn header(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(self.call.head.headers.get(name)?.as_bytes()).ok()
    }

    /// The value of a cookie as the client sent it, without decoding, if it is UTF-8. Of several with this name, the first:
    /// clients send the one with the longest path first.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        std::str::from_utf8(cookies::named(self.headers(), name).next()?).ok()
    }

    /// All cookies that are UTF-8, in the order in which the client sent them: names and values.
    pub fn cookies(&self) -> impl Iterator<Item = (&str, &str)> {
        cookies::all(self.headers()).filter_map(|(name, value)| {
            Some((std::str::from_utf8(name).ok()?, std::str::from_utf8(value).ok()?))
        })
    }

    /// The value of a cookie that [`SetCookie::signed`](crate::SetCookie::signed) has made, with one of these keys. `None`
    /// when there is none, or when the client has changed it. Of several with this name, the first that is genuine.
    #[cfg(feature = "cookies")]
    pub fn signed_cookie(&self, keys: &crate::cookies::CookieKeys, name: &str) -> Option<String> {
        cookies::genuine(self.headers(), name, |sent| keys.verify(name, sent))
    }

    /// The value of a cookie that [`SetCookie::private`](crate::SetCookie::private) has made, as
    /// [`signed_cookie`](Self::signed_cookie).
    #[cfg(feature = "cookies")]
    pub fn private_cookie(&self, keys: &crate::cookies::CookieKeys, name: &str) -> Option<String> {
        cookies::genuine(self.headers(), name, |sent| keys.decrypt(name, sent))
    }

    /// The media type that the client likes best among those that the handler can give. Of equals, the first.
    ///
    /// Weights and wildcards of `Accept` count. Parameters such as `charset` count only for offers that have some, because
    /// clients add them out of habit. Without an `Accept`, it is the first offer. A reply that depends on the choice needs
    /// `Vary: Accept`, if caches may keep it.
    ///
    /// ```
    /// use fc_runtime::{App, Html, IntoReply, Json};
    ///
    /// # fc_runtime::testing::run(async {
    /// let client = App::new()
    ///     .get("/tea", async |ex| Ok(match ex.accepts(["application/json", "text/html"])? {
    ///         "text/html" => Html("<h1>Tea</h1>").into_reply(),
    ///         _ => Json("tea").into_reply(),
    ///     }))
    ///     .test_client();
    /// client.get("/tea").header("accept", "text/*, */*;q=0.1").await.assert_text("<h1>Tea</h1>");
    /// client.get("/tea").header("accept", "image/png").await.assert_status(406);
    /// # });
    /// ```
    ///
    /// # Errors
    /// 406 when the client accepts none of them.
    #[track_caller]
    #[doc(alias = "negotiate")]
    #[doc(alias = "content negotiation")]
    pub fn accepts<'o, const N: usize>(&self, offers: [&'o str; N]) -> Result<&'o str, StatusError> {
        match negotiate::media_type(self.headers(), &offers) {
            Some(at) => Ok(offers[at]),
            None => Err(read::not_acceptable(&offers).into_std()),
        }
    }

    /// The language that the client likes best among those that the handler can give, as `Accept-Language` says. Without
    /// that header, the first. `None` when the client asks for others alone.
    ///
    /// `zh` in the header fits the offer `zh-CN`, and `zh-CN` fits the offer `zh`.
    pub fn accepts_language<'o, const N: usize>(&self, offers: [&'o str; N]) -> Option<&'o str> {
        negotiate::language(self.headers(), &offers).map(|at| offers[at])
    }

    /// The reply as the request's conditions and range ask for it: whole, in part (206), as "you have it" (304), or not at
    /// all (412, 416).
    ///
    /// The conditions are compared with the reply's `ETag` and `Last-Modified`. A whole body without an `ETag` gets one from
    /// its content. Replies other than a 200 to `GET` or `HEAD`, such as errors, stay as they are, and streams have no
    /// ranges. Several ranges at once get the whole.
    ///
    /// ```
    /// use fc_runtime::App;
    ///
    /// # fc_runtime::testing::run(async {
    /// let client = App::new().get("/tea", async |ex| ex.conditional("tea and salt")).test_client();
    /// let whole = client.get("/tea").await;
    /// let etag = whole.headers["etag"].to_str().unwrap().to_owned();
    /// client.get("/tea").header("if-none-match", &etag).await.assert_status(304);
    /// let part = client.get("/tea").header("range", "bytes=-4").await;
    /// part.assert_status(206).assert_text("salt").assert_header("content-range", "bytes 8-11/12");
    /// # });
    /// ```
    #[doc(alias = "ETag")]
    #[doc(alias = "Range")]
    #[doc(alias = "If-None-Match")]
    #[doc(alias = "304")]
    pub fn conditional(&self, reply: impl IntoReply) -> Reply {
        conditional::conditional(&self.call, reply.into_reply())
    }

    /// The id of the last event that a client of [server-sent events](crate::Sse) got before it lost its connection.
    ///
    /// Browsers send the id as UTF-8. Other bytes are read as Latin-1.
    pub fn last_event_id(&self) -> Option<Cow<'_, str>> {
        let id = self.call.head.headers.get("last-event-id")?.as_bytes();
        let text = std::str::from_utf8(id).map(Cow::Borrowed);
        let text = text.unwrap_or_else(|_| id.iter().copied().map(char::from).collect());
        (!text.is_empty()).then_some(text)
    }

    /// The request's id: the platform's, else one generated here.
    pub fn request_id(&self) -> &str {
        self.call.id.as_str()
    }

    /// The platform's facts about this call.
    pub fn invocation(&self) -> Invocation<'_> {
        self.shared.invocation(&self.call)
    }

    /// The trace that this request belongs to, for requests to others: [`TraceContext::inject`].
    #[doc(alias = "traceparent")]
    pub fn trace_context(&self) -> &TraceContext {
        self.call.outermost().trace_context()
    }

    /// The environment that this instance was started with.
    pub fn instance(&self) -> &Instance {
        &self.shared.instance
    }

    /// The client's address, from the first of these that is known:
    /// - the platform's `x-fc-client-ip`, if its headers are trusted;
    /// - the address that the outermost of the [trusted proxies](crate::App::trusted_hops) added to `X-Forwarded-For`;
    /// - the peer of the socket.
    ///
    /// The platform does not document whether a custom runtime gets `x-fc-client-ip`, nor how many hops it adds. `None`
    /// for requests without a socket, as in tests.
    #[doc(alias = "ConnectInfo")]
    #[doc(alias = "peer_addr")]
    #[doc(alias = "remote_addr")]
    #[doc(alias = "ip")]
    pub fn client_addr(&self) -> Option<IpAddr> {
        self.shared.client(&self.call)
    }

    /// The scheme that the client used: `X-Forwarded-Proto` of a trusted proxy, else `http`.
    ///
    /// A load balancer sends this header only if its listener is configured to. Of a list, which proxies write that add to
    /// the header and do not replace it, this is the last value: the scheme of the link to the nearest proxy.
    pub fn scheme(&self) -> &str {
        self.forwarded("x-forwarded-proto").unwrap_or("http")
    }

    /// The host, with its port, that the client requested: `X-Forwarded-Host` of a trusted proxy (of a list the last), else
    /// `Host`.
    pub fn host(&self) -> Option<&str> {
        let own = || self.uri().authority().map(http::uri::Authority::as_str);
        self.forwarded("x-forwarded-host").or_else(|| self.header("host")).or_else(own)
    }

    /// The prefix that the client's URL has before [`path`](Self::path), without a slash at its end. It is the
    /// platform's `x-fc-base-path` (FC 2.0), else the app's [`base_path`](crate::App::base_path), for load balancers
    /// that cut a prefix.
    pub fn base_path(&self) -> &str {
        let told = self.invocation().header(BASE_PATH).map(|path| path.trim_end_matches('/'));
        told.or(self.shared.base_path.as_deref()).unwrap_or("")
    }

    fn forwarded(&self, name: &str) -> Option<&str> {
        (self.shared.trusted_hops > 0).then(|| forwarded::last(self.headers(), name)).flatten()
    }

    /// When this request has to be answered: the place's time limit or the platform's deadline, whichever is earlier.
    /// `None` when neither is known.
    pub fn deadline(&self) -> Option<Instant> {
        self.shared.deadline(&self.call)
    }

    /// Takes the body as a stream. After that the methods that read the whole body fail.
    pub fn body(&self) -> Payload {
        Call::take_body(&self.call)
    }

    /// The whole body.
    ///
    /// # Errors
    /// 413 beyond the place's body limit (default 2 MiB; the platform's most is 32 MiB). 400 when the client's framing
    /// is broken, or when the client left. 415 for a body with a `Content-Encoding`, such as `gzip`:
    /// [`body`](Self::body) gives the encoded bytes. 503 when [`client_memory`](crate::App::client_memory) is used up.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: the bytes are kept, and the next reader continues after them.
    pub async fn bytes(&self) -> Result<bytes::Bytes, StatusError> {
        read::bytes(&self.call).await.map_err(Error::without_line)
    }

    /// The whole body as text.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); 400 when the body is not UTF-8; 415 when the `Content-Type` declares a charset other
    /// than UTF-8, ASCII or ISO 8859-1.
    ///
    /// # Cancel safety
    /// As [`bytes`](Self::bytes).
    pub async fn text(&self) -> Result<String, StatusError> {
        read::text(&self.call).await.map_err(Error::without_line)
    }

    /// The whole body, read as JSON. May be called again, because the bytes are kept.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); 415 without a JSON content type; 400 for broken JSON, with line and column;
    /// 422 for a value that does not fit, with the path of the field.
    ///
    /// # Cancel safety
    /// As [`bytes`](Self::bytes).
    #[doc(alias = "Json")]
    #[doc(alias = "extractor")]
    pub async fn json<T: Readable>(&self) -> Result<T, StatusError> {
        read::json(&self.call).await.map_err(Error::without_line)
    }

    /// The whole body, read as an HTML form (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); 415 for another content type; 422 for a value that does not fit.
    ///
    /// # Cancel safety
    /// As [`bytes`](Self::bytes).
    #[doc(alias = "Form")]
    #[doc(alias = "extractor")]
    #[doc(alias = "urlencoded")]
    pub async fn form<T: Readable>(&self) -> Result<T, StatusError> {
        read::form(&self.call).await.map_err(Error::without_line)
    }

    /// Resolves when the client has left, and never for a client that stays. Clones of the future, and tasks, may keep
    /// it.
    #[doc(alias = "disconnect")]
    #[doc(alias = "cancel")]
    #[doc(alias = "abort")]
    #[doc(alias = "CancellationToken")]
    #[doc(alias = "499")]
    pub fn hang_up(&self) -> HangUp {
        HangUp::new(Arc::clone(self.call.outermost()))
    }

    /// Resolves at the next pre-stop of the platform, or when the process begins to drain. A stream without an end
    /// selects on it, and ends cleanly. Ordinary handlers do not need it: a drain waits for them.
    ///
    /// ```
    /// use fc_runtime::{App, Reply};
    ///
    /// let app = App::new().get("/ticks", async |ex| Reply::stream(async_stream::stream! {
    ///     let mut stop = std::pin::pin!(ex.stop_notice());
    ///     loop {
    ///         tokio::select! {
    ///             () = &mut stop => break,
    ///             () = tokio::time::sleep(std::time::Duration::from_secs(1)) => yield "tick\n",
    ///         }
    ///     }
    /// }));
    /// # let _: App = app;
    /// ```
    #[doc(alias = "shutdown")]
    #[doc(alias = "graceful")]
    pub fn stop_notice(&self) -> impl Future<Output = ()> + Send + use<S> {
        self.shared.stops.listen()
    }

    /// Runs blocking work on a separate thread, which a drain waits for. Its log lines carry the request's id.
    ///
    /// A panic of the work continues in the handler.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the work. The work can ask [`hang_up`](Self::hang_up).
    #[doc(alias = "spawn_blocking")]
    pub fn blocking<F, T>(&self, work: F) -> impl Future<Output = T> + Send + use<F, T, S>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        self.shared.blocking(&self.call, work)
    }

    /// Stores a value, by its type, for later steps of this request: a middleware (an around) passes a user to the
    /// handler.
    #[doc(alias = "Extension")]
    #[doc(alias = "extensions")]
    #[doc(alias = "locals")]
    pub fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) {
        self.values.insert(value);
    }

    /// The value of this type that a middleware (an around) stored.
    #[doc(alias = "Extension")]
    #[doc(alias = "extensions")]
    #[doc(alias = "locals")]
    pub fn value<T: Clone + Send + Sync + 'static>(&self) -> Option<&T> {
        let own = self.values.get();
        // Layers of tower leave their values in the extensions of the request, and so do events that are requests.
        #[cfg(any(feature = "events", feature = "tower"))]
        let own = own.or_else(|| self.call.head.extensions.get());
        own
    }

    /// Counts of the requests of this instance so far.
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared<S>> {
        &self.shared
    }

    pub(crate) fn call(&self) -> &Arc<Call> {
        &self.call
    }

    /// The exchange as a layer of tower has passed it on.
    #[cfg(feature = "tower")]
    pub(crate) fn with_call(self, call: Call) -> Self {
        Self { call: Arc::new(call), ..self }
    }

    pub(crate) fn into_parts(self) -> (Arc<Call>, Arc<Shared<S>>) {
        (self.call, self.shared)
    }
}

impl<S> fmt::Debug for Exchange<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Exchange")
            .field("request_id", &self.call.id)
            .field("method", self.method())
            .field("path", &self.path())
            .finish_non_exhaustive()
    }
}
