//! The facts about one call, read from the platform's headers on demand.

use std::fmt;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use http::HeaderMap;

use crate::platform::credentials::Credentials;
use crate::platform::instance::Instance;
use crate::platform::names::header;
use crate::platform::request_id::RequestId;

/// One call, as the platform's `x-fc-*` headers describe it.
///
/// If the platform is not trusted (see [`App::trust_platform`](crate::App::trust_platform)), its headers are ignored,
/// because any client can send them. All methods but [`request_id`](Self::request_id) then give the instance's value or
/// `None`.
///
/// ```
/// use fc_runtime::App;
///
/// # fc_runtime::testing::run(async {
/// let app = || App::new().get("/", async |ex| ex.invocation().qualifier().unwrap_or("nobody says").to_owned());
/// let trusting = app().trust_platform(true).test_client();
/// trusting.get("/").header("x-fc-qualifier", "LATEST").await.assert_text("LATEST");
/// let wary = app().trust_platform(false).test_client();
/// wary.get("/").header("x-fc-qualifier", "LATEST").await.assert_text("nobody says");
/// # });
/// ```
pub struct Invocation<'a> {
    id: &'a RequestId,
    headers: Option<&'a HeaderMap>,
    instance: &'a Instance,
}

impl<'a> Invocation<'a> {
    pub(crate) fn new(
        id: &'a RequestId,
        headers: &'a HeaderMap,
        instance: &'a Instance,
        trusted: bool,
    ) -> Self {
        Self { id, headers: trusted.then_some(headers), instance }
    }

    /// The request's id.
    pub fn request_id(&self) -> &'a str {
        self.id.as_str()
    }

    /// The function's name.
    pub fn function_name(&self) -> Option<&'a str> {
        self.header(header::FUNCTION_NAME).or_else(|| self.instance.function_name())
    }

    /// The region's id.
    pub fn region(&self) -> Option<&'a str> {
        self.header(header::REGION).or_else(|| self.instance.region())
    }

    /// The owner's account id.
    pub fn account_id(&self) -> Option<&'a str> {
        self.header(header::ACCOUNT_ID).or_else(|| self.instance.account_id())
    }

    /// The version or alias that the caller named.
    pub fn qualifier(&self) -> Option<&'a str> {
        self.header(header::QUALIFIER)
    }

    /// The version that the call was resolved to.
    pub fn version_id(&self) -> Option<&'a str> {
        self.header(header::VERSION_ID).or_else(|| self.instance.function_version())
    }

    /// FC 2.0 only: the service's name.
    pub fn service_name(&self) -> Option<&'a str> {
        self.header(header::SERVICE_NAME)
    }

    /// FC 2.0 only: the prefix that the platform cut from the path.
    pub fn base_path(&self) -> Option<&'a str> {
        self.header(header::BASE_PATH)
    }

    /// The function's memory in MiB, which the platform calls MB.
    pub fn memory_mib(&self) -> Option<u32> {
        self.header(header::FUNCTION_MEMORY)
            .and_then(|text| text.parse().ok())
            .or_else(|| self.instance.memory_mib())
    }

    /// The number of the retry of an asynchronous call. 0 for the first attempt.
    pub fn retry_count(&self) -> u32 {
        self.header(header::RETRY_COUNT).and_then(|text| text.parse().ok()).unwrap_or(0)
    }

    /// The attempt at an asynchronous call: 1 for the first, and 1 more for each retry.
    ///
    /// A retry may come after an attempt that did its work and failed later: [`Exchange::once`](crate::Exchange::once)
    /// does work once.
    #[doc(alias = "retry")]
    pub fn attempt(&self) -> u32 {
        self.retry_count().saturating_add(1)
    }

    /// The id of the asynchronous task, if the call is one: the same for all attempts. FC 2.0 calls it the id of a stateful
    /// asynchronous invocation.
    ///
    /// The platform refuses a second task with the same id for a week. That a web function gets the id is seen in use,
    /// and not documented.
    #[doc(alias = "idempotency")]
    pub fn task_id(&self) -> Option<&'a str> {
        self.header(header::ASYNC_TASK_ID).or_else(|| self.header(header::STATEFUL_INVOCATION_ID))
    }

    /// Whether the platform shows that the call is asynchronous: it names a task, or a retry.
    ///
    /// `false` is no proof of the contrary: the first attempt at a call that is no task looks like a synchronous one.
    ///
    /// ```
    /// use fc_runtime::App;
    ///
    /// # fc_runtime::testing::run(async {
    /// let app = App::new().get("/", async |ex| ex.invocation().is_asynchronous().to_string());
    /// let client = app.trust_platform(true).test_client();
    /// client.get("/").await.assert_text("false");
    /// client.get("/").header("x-fc-async-task-id", "order-7").await.assert_text("true");
    /// client.get("/").header("x-fc-retry-count", "1").await.assert_text("true");
    /// # });
    /// ```
    pub fn is_asynchronous(&self) -> bool {
        self.task_id().is_some() || self.retry_count() > 0
    }

    /// When the platform ends this call, from `x-fc-function-deadline` (Unix milliseconds).
    ///
    /// The platform's built-in runtimes get this header. It is not documented for custom runtimes.
    pub fn deadline(&self) -> Option<SystemTime> {
        let millis = self.header(header::FUNCTION_DEADLINE)?.parse().ok()?;
        UNIX_EPOCH.checked_add(Duration::from_millis(millis))
    }

    /// The function's time-out, from `x-fc-function-timeout` (seconds).
    pub fn timeout(&self) -> Option<Duration> {
        self.header(header::FUNCTION_TIMEOUT)?.parse().ok().map(Duration::from_secs)
    }

    /// The temporary credentials of the function's role: from the environment, else from the headers.
    ///
    /// Those of the environment are fixed at the start. Those of the headers are fresh with each request, but newer
    /// runtimes no longer send them.
    pub fn credentials(&self) -> Option<Credentials> {
        self.instance.credentials().or_else(|| self.sent_credentials())
    }

    /// The temporary credentials that came with this call, in its headers. They are fresh, where those of the environment
    /// may have expired in an instance that lives long.
    pub fn sent_credentials(&self) -> Option<Credentials> {
        Credentials::from_parts(
            self.header(header::ACCESS_KEY_ID),
            self.header(header::ACCESS_KEY_SECRET),
            self.header(header::SECURITY_TOKEN),
        )
    }

    /// A header of the platform, if the platform is trusted.
    pub(crate) fn header(&self, name: &str) -> Option<&'a str> {
        std::str::from_utf8(self.headers?.get(name)?.as_bytes()).ok().filter(|text| !text.is_empty())
    }
}

impl fmt::Debug for Invocation<'_> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Invocation")
            .field("request_id", &self.id)
            .field("function_name", &self.function_name())
            .field("version_id", &self.version_id())
            .finish_non_exhaustive()
    }
}
