//! An in-memory client for tests. It needs no port and no sleep, and requests take the same way through the app.
//!
//! A handler that sleeps takes that time in a test too, unless tokio's clock is paused: `#[tokio::test(start_paused =
//! true)]`, with tokio's feature `test-util`.

mod freeze;
#[cfg(feature = "grpc")]
mod grpc;
mod streaming;
#[cfg(feature = "websocket")]
mod websocket;

use std::fmt;
use std::future::{IntoFuture, poll_fn};
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::task::Poll;

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Request, Response, StatusCode, Uri, Version};
use serde::de::DeserializeOwned;
use tokio::runtime::Builder;
use tokio::sync::OnceCell;

use crate::app::App;
use crate::counters::Counters;
use crate::exchange::{Payload, Peer};
use crate::log::AccessLog;
use crate::platform::Instance;
use crate::platform::names::{header, path};
use crate::sealed::Sealed;
use crate::stage::Outgoing;
pub use freeze::freeze;
pub use streaming::Streaming;
#[cfg(feature = "websocket")]
pub use websocket::TestSocket;

#[cfg(feature = "grpc")]
pub use grpc::GrpcAnswer;

/// Runs a future to its end, on a new runtime on this thread. For tests without a test macro.
///
/// ```
/// use fc_runtime::{App, testing};
///
/// testing::run(async {
///     let client = App::new().get("/", async |_| "tea").test_client();
///     client.get("/").await.assert_text("tea");
/// });
/// ```
///
/// # Panics
/// When this thread already runs a tokio runtime, or when no file descriptors are left for a new one.
#[doc(alias = "block_on")]
pub fn run<F: Future>(future: F) -> F::Output {
    let runtime = Builder::new_current_thread().enable_all().build();
    runtime.expect("a runtime needs a few descriptors").block_on(future)
}

/// A client that calls an app directly. The app is checked, and its state made, at the first call.
///
/// ```
/// use fc_runtime::{App, Json};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new().post("/double", async |ex| Ok(Json(ex.json::<i64>().await? * 2))).test_client();
/// client.post("/double").json(&21).await.assert_status(200).assert_json(42);
/// client.post("/double").body("21").await.assert_status(415);
/// # });
/// ```
#[doc(alias = "TestServer")]
#[doc(alias = "supertest")]
#[doc(alias = "TestClient")]
pub struct Client<S = ()> {
    app: std::sync::Mutex<Option<App<S>>>,
    sealed: OnceCell<Arc<Sealed<S>>>,
    instance: Instance,
}

impl<S: Send + Sync + 'static> App<S> {
    /// A client that calls this app in memory, for tests.
    pub fn test_client(self) -> Client<S> {
        Client::new(self)
    }
}

impl<S: Send + Sync + 'static> Client<S> {
    fn new(app: App<S>) -> Self {
        // The access log would mix with the output of the test runner.
        let app = app.access_log(AccessLog::Off);
        let instance = Instance::from_vars([("FC_FUNCTION_NAME", "test"), ("FC_INSTANCE_ID", "c-test")]);
        Self { app: std::sync::Mutex::new(Some(app)), sealed: OnceCell::new(), instance }
    }

    /// Sets the environment that the app starts with. By default it looks like the platform's.
    #[must_use]
    pub fn with_instance(mut self, instance: Instance) -> Self {
        self.instance = instance;
        self
    }

    /// A `GET`.
    ///
    /// # Panics
    /// When the target is not a valid request target, as for the other methods: a space is `%20`.
    #[track_caller]
    pub fn get(&self, target: &str) -> TestRequest<'_, S> {
        self.call(Method::GET, target)
    }

    /// A `POST`.
    #[track_caller]
    pub fn post(&self, target: &str) -> TestRequest<'_, S> {
        self.call(Method::POST, target)
    }

    /// A `PUT`.
    #[track_caller]
    pub fn put(&self, target: &str) -> TestRequest<'_, S> {
        self.call(Method::PUT, target)
    }

    /// A `PATCH`.
    #[track_caller]
    pub fn patch(&self, target: &str) -> TestRequest<'_, S> {
        self.call(Method::PATCH, target)
    }

    /// A `DELETE`.
    #[track_caller]
    pub fn delete(&self, target: &str) -> TestRequest<'_, S> {
        self.call(Method::DELETE, target)
    }

    /// A request with any method.
    ///
    /// # Panics
    /// When the target is not a valid request target: a space is `%20`.
    #[track_caller]
    pub fn call(&self, method: Method, target: &str) -> TestRequest<'_, S> {
        if let Err(error) = target.parse::<Uri>() {
            panic!("{target:?} is no request target: {error}");
        }
        TestRequest {
            client: self,
            version: Version::HTTP_11,
            method,
            target: target.to_owned(),
            headers: HeaderMap::new(),
            body: Bytes::new(),
        }
    }

    /// An event call, as the platform makes it.
    pub fn invoke(&self, payload: impl Into<Bytes>) -> TestRequest<'_, S> {
        self.post(path::INVOKE)
            .header(header::CONTROL_PATH, path::INVOKE)
            .header("content-type", "application/octet-stream")
            .body(payload)
    }

    /// The platform's call before a stop or a freeze (`GET /pre-stop`).
    pub fn pre_stop(&self) -> TestRequest<'_, S> {
        self.get(path::PRE_STOP).header(header::CONTROL_PATH, path::PRE_STOP)
    }

    /// FC 2.0: the platform's call before each freeze (`GET /pre-freeze`).
    pub fn pre_freeze(&self) -> TestRequest<'_, S> {
        self.get(path::PRE_FREEZE).header(header::CONTROL_PATH, path::PRE_FREEZE)
    }

    /// Counts of the requests so far: how many clients left, for example.
    ///
    /// # Panics
    /// When the app has mistakes, or its state cannot be made.
    pub async fn counters(&self) -> Counters {
        self.sealed().await.shared.counters()
    }

    /// # Panics
    /// When the app has mistakes, or its state cannot be made.
    async fn sealed(&self) -> &Arc<Sealed<S>> {
        let open = async || {
            let app = self.app.lock().ok().and_then(|mut app| app.take()).expect("the app is opened once");
            match Box::new(app).seal(self.instance.clone()).await {
                Ok(sealed) => sealed,
                Err(error) => panic!("the app does not start: {error:?}"),
            }
        };
        self.sealed.get_or_init(open).await
    }
}

impl<S> fmt::Debug for Client<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Client").finish_non_exhaustive()
    }
}

/// A request that is being built. Await it to send it.
///
/// ```
/// use fc_runtime::App;
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .post("/items", async |ex| {
///         let items: Vec<String> = ex.json().await?;
///         Ok(format!("{} for {}", items.join(" and "), ex.header("x-customer").unwrap_or("nobody")))
///     })
///     .test_client();
/// let call = client.post("/items").header("x-customer", "Ada").json(&["tea", "salt"]);
/// call.await.assert_status(200).assert_text("tea and salt for Ada");
/// # });
/// ```
#[must_use = "a call does nothing unless it is awaited"]
pub struct TestRequest<'a, S> {
    client: &'a Client<S>,
    version: Version,
    method: Method,
    target: String,
    headers: HeaderMap,
    body: Bytes,
}

impl<S> fmt::Debug for TestRequest<'_, S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("TestRequest")
            .field("method", &self.method)
            .field("target", &self.target)
            .finish_non_exhaustive()
    }
}

impl<S> TestRequest<'_, S> {
    /// Adds a header.
    ///
    /// # Panics
    /// When the name or the value has bytes that HTTP forbids.
    pub fn header(mut self, name: &str, value: &str) -> Self {
        let name: HeaderName = name.parse().expect("a header name");
        self.headers.append(name, HeaderValue::from_str(value).expect("a header value"));
        self
    }

    /// Sets the body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.body = body.into();
        self
    }

    /// Sets the body to a value, as JSON.
    ///
    /// # Panics
    /// When the value cannot be written as JSON.
    pub fn json(self, value: &impl serde::Serialize) -> Self {
        let text = serde_json::to_vec(value).expect("a value that can be JSON");
        self.header("content-type", "application/json").body(text)
    }
}

impl<S: Send + Sync + 'static> TestRequest<'_, S> {
    /// Sends the request. The body of the reply is then read while it arrives.
    ///
    /// # Panics
    /// When the target is not a valid request target.
    pub async fn open(self) -> Streaming {
        Streaming::new(self.send(None).await)
    }

    /// Sends the request, and leaves at the given moment, as a client that disconnects: the handler is dropped, and the
    /// request is counted and recorded as 499. If the reply's head came earlier, the request is answered, and nothing
    /// is left.
    ///
    /// ```
    /// use fc_runtime::App;
    /// use std::sync::Arc;
    /// use tokio::sync::Notify;
    ///
    /// # fc_runtime::testing::run(async {
    /// let begun = Arc::new(Notify::new());
    /// let client = App::with_state(Arc::clone(&begun))
    ///     .get("/slow", async |ex| {
    ///         ex.state().notify_one();
    ///         std::future::pending::<&str>().await
    ///     })
    ///     .test_client();
    /// assert!(client.get("/slow").leave_when(begun.notified()).await.is_none());
    /// assert_eq!(client.counters().await.cancelled, 1);
    /// # });
    /// ```
    ///
    /// # Panics
    /// When the target is not a valid request target.
    #[doc(alias = "disconnect")]
    #[doc(alias = "cancel")]
    #[doc(alias = "499")]
    pub async fn leave_when(self, moment: impl Future<Output = ()>) -> Option<Streaming> {
        let (mut answering, mut moment) = (pin!(self.open()), pin!(moment));
        poll_fn(|cx| match answering.as_mut().poll(cx) {
            Poll::Ready(answer) => Poll::Ready(Some(answer)),
            Poll::Pending => moment.as_mut().poll(cx).map(|()| None),
        })
        .await
    }

    /// # Panics
    /// When the target is not a valid request target.
    async fn send(self, peer: Option<Arc<Peer>>) -> Response<Outgoing> {
        let app = self.client.sealed().await;
        let mut request = Request::new(Payload::whole(self.body));
        *request.version_mut() = self.version;
        *request.method_mut() = self.method;
        *request.uri_mut() = self.target.parse().expect("a request target");
        *request.headers_mut() = self.headers;
        if !request.headers().contains_key("host") {
            request.headers_mut().insert("host", HeaderValue::from_static("localhost"));
        }
        let (head, body) = request.into_parts();
        app.answer(head, body, peer).await
    }
}

impl<'a, S: Send + Sync + 'static> IntoFuture for TestRequest<'a, S> {
    type Output = TestReply;
    type IntoFuture = Pin<Box<dyn Future<Output = TestReply> + Send + 'a>>;

    fn into_future(self) -> Self::IntoFuture {
        Box::pin(async move { TestReply::of(self.open().await).await })
    }
}

/// A complete reply.
///
/// ```
/// use fc_runtime::{App, Json};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new().get("/items", async |_| Json(["tea", "salt"])).test_client();
/// let answer = client.get("/items").await;
/// answer.assert_status(200).assert_header("content-type", "application/json");
/// assert_eq!(answer.json::<Vec<String>>(), ["tea", "salt"]);
/// # });
/// ```
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct TestReply {
    /// The status.
    pub status: StatusCode,
    /// The headers that the app set; a socket adds the length and the date.
    pub headers: HeaderMap,
    /// The whole body.
    pub body: Bytes,
    /// The trailers, such as the status of a gRPC call.
    pub trailers: HeaderMap,
    /// Whether the reply's stream failed before it ended.
    pub broken: bool,
}

impl TestReply {
    async fn of(mut answer: Streaming) -> Self {
        let mut body = Vec::new();
        while let Some(piece) = answer.piece().await {
            body.extend_from_slice(&piece);
        }
        let Streaming { status, headers, trailers, broken, .. } = answer;
        Self { status, headers, body: body.into(), trailers, broken }
    }

    /// # Panics
    /// When the reply has another status.
    #[track_caller]
    pub fn assert_status(&self, status: u16) -> &Self {
        assert_eq!(self.status, status, "body: {}", self.text());
        self
    }

    /// # Panics
    /// When the reply has another body.
    #[track_caller]
    pub fn assert_text(&self, text: &str) -> &Self {
        assert_eq!(self.text(), text);
        self
    }

    /// # Panics
    /// When the header is absent or has another value.
    #[track_caller]
    pub fn assert_header(&self, name: &str, value: &str) -> &Self {
        assert_eq!(
            self.headers.get(name).map(|own| own.to_str().unwrap_or("not text")),
            Some(value),
            "header {name}"
        );
        self
    }

    /// # Panics
    /// When the body is another JSON value.
    #[track_caller]
    pub fn assert_json(&self, value: impl Into<serde_json::Value>) -> &Self {
        let body: serde_json::Value = self.json();
        assert_eq!(body, value.into());
        self
    }

    /// The body as text. Bytes that are not UTF-8 are replaced.
    pub fn text(&self) -> String {
        String::from_utf8_lossy(&self.body).into_owned()
    }

    /// The body, read as JSON.
    ///
    /// # Panics
    /// When the body does not fit the type.
    #[track_caller]
    pub fn json<T: DeserializeOwned>(&self) -> T {
        serde_json::from_slice(&self.body).unwrap_or_else(|error| panic!("{error}: {}", self.text()))
    }
}
