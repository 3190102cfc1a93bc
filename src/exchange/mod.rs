//! What a handler holds: the request, its parameters and body, the state, the client that may leave.

pub(crate) mod attached;
mod body_state;
mod call;
mod event;
mod forwarded;
mod hang_up;
mod hook;
mod param;
pub(crate) mod payload;
mod peer;
mod protocol;
pub(crate) mod read;
mod shared;
pub(crate) mod upgrade;
mod values;

use std::fmt;
use std::net::IpAddr;
use std::sync::Arc;
use std::time::Instant;

use http::{HeaderMap, Method, Uri};

use crate::counters::Counters;
use crate::error::Result;
use crate::log::current;
use crate::platform::names::header::{BASE_PATH, CLIENT_IP};
use crate::platform::{Instance, Invocation};

pub(crate) use body_state::BodyState;
pub(crate) use call::{Call, Scope};
pub use event::Event;
pub use hang_up::HangUp;
pub use hook::Hook;
pub use param::FromParam;
pub use payload::Payload;
pub(crate) use peer::{Busy, Peer};
pub(crate) use protocol::Protocol;
pub use read::Readable;
pub(crate) use read::whole;
pub(crate) use shared::{ErrorMap, Shared};
use values::Values;

/// One request and all that belongs to it. A handler gets it by value; every reader borrows it.
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

    /// The app's state, to be moved into a task or a stream.
    pub fn state_arc(&self) -> Arc<S> {
        Arc::clone(&self.shared.state)
    }

    /// The method.
    pub fn method(&self) -> &Method {
        &self.call.head.method
    }

    /// The request target as it arrived.
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
    pub fn param<T: FromParam>(&self, name: &str) -> Result<T> {
        param::read(&self.call, name)
    }

    /// The query, read as a struct or a map.
    ///
    /// # Errors
    /// 400 that names the field.
    #[track_caller]
    #[doc(alias = "Query")]
    #[doc(alias = "extractor")]
    pub fn query<T: Readable>(&self) -> Result<T> {
        read::query(&self.call)
    }

    /// All headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.call.head.headers
    }

    /// The first header of this name, if it is visible ASCII.
    pub fn header(&self, name: &str) -> Option<&str> {
        self.call.head.headers.get(name)?.to_str().ok()
    }

    /// The value of a cookie, as it was sent.
    pub fn cookie(&self, name: &str) -> Option<&str> {
        let cookies = self.call.head.headers.get_all(http::header::COOKIE).iter();
        let pairs = cookies.filter_map(|line| line.to_str().ok()).flat_map(|line| line.split(';'));
        pairs
            .filter_map(|pair| pair.trim().split_once('='))
            .find(|(own, _)| *own == name)
            .map(|(_, value)| value)
    }

    /// The id of the last event that a client of [server-sent events](crate::Sse) got before it lost its connection.
    pub fn last_event_id(&self) -> Option<&str> {
        let id = self.call.head.headers.get("last-event-id")?;
        // Browsers send whatever the id was, in UTF-8.
        std::str::from_utf8(id.as_bytes()).ok().filter(|id| !id.is_empty())
    }

    /// The request's id: the platform's, or one made here.
    pub fn request_id(&self) -> &str {
        self.call.id.as_str()
    }

    /// What the platform says about this call.
    pub fn invocation(&self) -> Invocation<'_> {
        self.shared.invocation(&self.call)
    }

    /// The environment this instance was started with.
    pub fn instance(&self) -> &Instance {
        &self.shared.instance
    }

    /// The client's address: the platform's `x-fc-client-ip` where it is trusted; else what the outermost of the
    /// [trusted proxies](crate::App::trusted_hops) wrote into `X-Forwarded-For`; else the socket's peer.
    ///
    /// Whether the platform sends that header to a custom runtime is not documented, nor is how many hops it adds.
    /// `None` for requests that came through no socket, as in tests.
    #[doc(alias = "ConnectInfo")]
    #[doc(alias = "peer_addr")]
    #[doc(alias = "remote_addr")]
    #[doc(alias = "ip")]
    pub fn client_addr(&self) -> Option<IpAddr> {
        let told = self.invocation().header(CLIENT_IP).and_then(|ip| ip.parse().ok());
        let forwarded = || forwarded::client(self.headers(), self.shared.trusted_hops);
        told.or_else(forwarded).or_else(|| self.call.peer.as_ref().map(|peer| peer.address.ip()))
    }

    /// The scheme that the client used: `X-Forwarded-Proto` of a trusted proxy, else `http`.
    ///
    /// A load balancer sends that header only where its listener is told to.
    pub fn scheme(&self) -> &str {
        self.forwarded("x-forwarded-proto").unwrap_or("http")
    }

    /// The host, with its port, that the client asked: `X-Forwarded-Host` of a trusted proxy, else `Host`.
    pub fn host(&self) -> Option<&str> {
        let own = || self.uri().authority().map(http::uri::Authority::as_str);
        self.forwarded("x-forwarded-host").or_else(|| self.header("host")).or_else(own)
    }

    /// What stands before [`path`](Self::path) where the client is: the platform's `x-fc-base-path` (FC 2.0), else
    /// the app's [`base_path`](crate::App::base_path), for rules of a load balancer that cut a prefix. No slash at its end.
    pub fn base_path(&self) -> &str {
        let told = self.invocation().header(BASE_PATH).map(|path| path.trim_end_matches('/'));
        told.or(self.shared.base_path.as_deref()).unwrap_or("")
    }

    fn forwarded(&self, name: &str) -> Option<&str> {
        (self.shared.trusted_hops > 0).then(|| forwarded::last(self.headers(), name)).flatten()
    }

    /// When this request has to be answered: the place's time limit or the platform's deadline,
    /// whichever is earlier. `None` when neither is known.
    pub fn deadline(&self) -> Option<Instant> {
        self.shared.deadline(&self.call)
    }

    /// The body as a stream. It takes the body: the readers below then fail.
    pub fn body(&self) -> Payload {
        Call::take_body(&self.call)
    }

    /// The whole body.
    ///
    /// # Errors
    /// 413 beyond the place's body limit (default 2 MiB; the platform's most is 32 MiB); 400 when the client's framing is broken or it left.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing: what was read is kept, and the next reader goes on from there.
    pub async fn bytes(&self) -> Result<bytes::Bytes> {
        read::bytes(&self.call).await
    }

    /// The whole body as text.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and 400 when it is not UTF-8; 415 when it declares another charset.
    ///
    /// # Cancel safety
    /// As [`bytes`](Self::bytes).
    pub async fn text(&self) -> Result<String> {
        read::text(&self.call).await
    }

    /// The whole body, read from JSON. May be called again: the bytes are kept.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); 415 without a JSON content type; 400 for broken JSON, with line and column;
    /// 422 for a value that does not fit, with the path of the field.
    ///
    /// # Cancel safety
    /// As [`bytes`](Self::bytes).
    #[doc(alias = "Json")]
    #[doc(alias = "extractor")]
    pub async fn json<T: Readable>(&self) -> Result<T> {
        read::json(&self.call).await
    }

    /// The whole body, read from an HTML form (`application/x-www-form-urlencoded`).
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes); 415 for another content type; 422 for a value that does not fit.
    ///
    /// # Cancel safety
    /// As [`bytes`](Self::bytes).
    #[doc(alias = "Form")]
    #[doc(alias = "extractor")]
    #[doc(alias = "urlencoded")]
    pub async fn form<T: Readable>(&self) -> Result<T> {
        read::form(&self.call).await
    }

    /// Resolves when the client has left. Clones and tasks may keep it; it never resolves for a client that stays.
    #[doc(alias = "disconnect")]
    #[doc(alias = "cancel")]
    #[doc(alias = "abort")]
    #[doc(alias = "CancellationToken")]
    #[doc(alias = "499")]
    pub fn hang_up(&self) -> HangUp {
        HangUp::new(Arc::clone(&self.call))
    }

    /// Resolves at the next pre-stop of the platform, or when the process begins to drain: a stream without an end
    /// selects on it, and ends cleanly. Ordinary handlers need not care: they are waited for.
    ///
    /// ```
    /// use fc_runtime::{App, Reply};
    ///
    /// let app = App::new().get("/ticks", async |ex| Reply::stream(async_stream::stream! {
    ///     let mut stop = std::pin::pin!(ex.stop_notice());
    ///     loop {
    ///         tokio::select! {
    ///             () = &mut stop => break,
    ///             () = tokio::time::sleep(std::time::Duration::from_secs(1)) => yield Ok("tick\n".into()),
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

    /// Runs work that blocks on a thread of its own, tracked by the drain. Its log lines carry the request's id.
    ///
    /// A panic inside goes on in the handler.
    ///
    /// # Cancel safety
    /// Dropping the future does not stop the work; it can ask [`hang_up`](Self::hang_up).
    #[doc(alias = "spawn_blocking")]
    pub fn blocking<F, T>(&self, work: F) -> impl Future<Output = T> + Send + use<F, T, S>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let call = Arc::clone(&self.call);
        let task = self.shared.tracker.spawn_blocking(move || {
            let _entered = current::enter(call);
            work()
        });
        async move {
            match task.await {
                Ok(value) => value,
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                // The runtime is being shut down; so is this future.
                Err(_) => std::future::pending().await,
            }
        }
    }

    /// Stores a value for the handler and the arounds that get this exchange next: an around hands over the user it found.
    /// One value of each type is kept.
    #[doc(alias = "Extension")]
    #[doc(alias = "extensions")]
    #[doc(alias = "locals")]
    pub fn insert<T: Clone + Send + Sync + 'static>(&mut self, value: T) {
        self.values.insert(value);
    }

    /// The value of this type that an around has stored by [`insert`](Self::insert).
    #[doc(alias = "Extension")]
    #[doc(alias = "extensions")]
    #[doc(alias = "locals")]
    pub fn value<T: Clone + Send + Sync + 'static>(&self) -> Option<&T> {
        self.values.get()
    }

    /// What the app has done so far.
    pub fn counters(&self) -> Counters {
        self.shared.counters()
    }

    pub(crate) fn shared(&self) -> &Arc<Shared<S>> {
        &self.shared
    }

    pub(crate) fn call(&self) -> &Arc<Call> {
        &self.call
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
