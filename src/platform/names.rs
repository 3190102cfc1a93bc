//! The names that Function Compute and a custom runtime share: headers, paths and words.
//!
//! Sources in the platform's manual:
//! [common request headers](https://www.alibabacloud.com/help/doc-detail/425057.htm),
//! [web functions](https://help.aliyun.com/zh/functioncompute/fc/user-guide/web-functions),
//! [environment variables](https://www.alibabacloud.com/help/en/functioncompute/fc/environment-variables).
//!
//! ```
//! use fc_runtime::platform::names::{env, header, path};
//! use fc_runtime::{App, Instance};
//!
//! # fc_runtime::testing::run(async {
//! let client = App::new()
//!     .get("/", async |ex| ex.instance().region().unwrap_or_default().to_owned())
//!     .event(async |event| event.request_id().to_owned())
//!     .test_client()
//!     .with_instance(Instance::from_vars([(env::FUNCTION_NAME, "shop"), (env::REGION, "cn-hangzhou")]));
//! client.get("/").await.assert_text("cn-hangzhou");
//! let call = client.post(path::INVOKE).header(header::CONTROL_PATH, path::INVOKE);
//! call.header(header::REQUEST_ID, "1-65d71219").await.assert_text("1-65d71219");
//! # });
//! ```

/// Request headers that the platform adds before it calls the runtime.
pub mod header {
    /// The id of this request. FC 3.0: `1-<8 hex>-<8 hex>-<12 hex>`; FC 2.0: a UUID.
    pub const REQUEST_ID: &str = "x-fc-request-id";
    /// The kind of the call: see [`path`](super::path).
    pub const CONTROL_PATH: &str = "x-fc-control-path";
    /// The function's name.
    pub const FUNCTION_NAME: &str = "x-fc-function-name";
    /// The configured handler. It has no meaning for a custom runtime.
    pub const FUNCTION_HANDLER: &str = "x-fc-function-handler";
    /// The function's memory, in MiB, which the platform calls MB.
    pub const FUNCTION_MEMORY: &str = "x-fc-function-memory";
    /// The function's time-out, in seconds.
    pub const FUNCTION_TIMEOUT: &str = "x-fc-function-timeout";
    /// The absolute deadline, in Unix milliseconds.
    pub const FUNCTION_DEADLINE: &str = "x-fc-function-deadline";
    /// The region's id, such as `cn-hangzhou`.
    pub const REGION: &str = "x-fc-region";
    /// The owner's account id.
    pub const ACCOUNT_ID: &str = "x-fc-account-id";
    /// The version or alias that the caller named.
    pub const QUALIFIER: &str = "x-fc-qualifier";
    /// The version that the call was resolved to.
    pub const VERSION_ID: &str = "x-fc-version-id";
    /// FC 2.0 only: the service's name. The header shows that FC 2.0 sent the request.
    pub const SERVICE_NAME: &str = "x-fc-service-name";
    /// FC 2.0 only: the prefix that the platform cut from the path.
    pub const BASE_PATH: &str = "x-fc-base-path";
    /// Temporary credentials of the function's role: the key's id.
    pub const ACCESS_KEY_ID: &str = "x-fc-access-key-id";
    /// Temporary credentials of the function's role: the secret.
    pub const ACCESS_KEY_SECRET: &str = "x-fc-access-key-secret";
    /// Temporary credentials of the function's role: the session token.
    pub const SECURITY_TOKEN: &str = "x-fc-security-token";
    /// The client's address, if the platform sends it.
    pub const CLIENT_IP: &str = "x-fc-client-ip";
    /// The number of the retry of an asynchronous call.
    pub const RETRY_COUNT: &str = "x-fc-retry-count";
    /// The id of an asynchronous task, which its caller chose. A web function gets it as the caller sent it.
    pub const ASYNC_TASK_ID: &str = "x-fc-async-task-id";
    /// FC 2.0: the id of a stateful asynchronous invocation, the older name of a task.
    pub const STATEFUL_INVOCATION_ID: &str = "x-fc-stateful-async-invocation-id";
    /// On a call: `Async` hands the call over, to be carried out later.
    pub const INVOCATION_TYPE: &str = "x-fc-invocation-type";
    /// On a call that is handed over: after how many seconds it is carried out.
    pub const ASYNC_DELAY: &str = "x-fc-async-delay";
    /// FC 2.0, on a call: `true` makes a task of it, whatever the function's configuration says.
    pub const STATEFUL_INVOCATION_ENABLE: &str = "x-fc-stateful-async-invocation-enable";
    /// The log service project that collects this function's output.
    pub const LOG_PROJECT: &str = "x-fc-service-logproject";
    /// The log service store that collects this function's output.
    pub const LOG_STORE: &str = "x-fc-service-logstore";
    /// On a reply: the function's own word on the call, [`status`](super::status).
    pub const STATUS: &str = "x-fc-status";
}

/// Paths that the platform calls. They are also the values of [`header::CONTROL_PATH`].
pub mod path {
    /// An event call: `POST`, with the event as the body.
    pub const INVOKE: &str = "/invoke";
    /// An HTTP request of a client.
    pub const HTTP_INVOKE: &str = "/http-invoke";
    /// The initializer hook: `POST`, at most 300 s.
    pub const INITIALIZE: &str = "/initialize";
    /// The pre-stop hook: `GET`, at most 90 s.
    pub const PRE_STOP: &str = "/pre-stop";
    /// FC 2.0 only: the pre-freeze hook: `GET`, at most 90 s.
    pub const PRE_FREEZE: &str = "/pre-freeze";
}

/// Values of the reply header [`header::STATUS`].
pub mod status {
    /// The function succeeded.
    pub const SUCCESS: &str = "200";
    /// The function failed. Without this value the platform counts the call as a success.
    pub const FAILURE: &str = "404";
}

/// Environment variables that the platform sets before it starts the runtime.
pub mod env {
    /// The port that the runtime must listen on (documented).
    pub const LISTEN_PORT: &str = "FC_CUSTOM_LISTEN_PORT";
    /// The port that the runtime must listen on (older name, used by the platform's own code).
    pub const SERVER_PORT: &str = "FC_SERVER_PORT";
    /// The function's name.
    pub const FUNCTION_NAME: &str = "FC_FUNCTION_NAME";
    /// The configured handler text.
    pub const FUNCTION_HANDLER: &str = "FC_FUNCTION_HANDLER";
    /// The function's memory, in MiB, which the platform calls MB.
    pub const FUNCTION_MEMORY: &str = "FC_FUNCTION_MEMORY_SIZE";
    /// The version (Debian 11 and later runtimes).
    pub const FUNCTION_VERSION: &str = "FC_FUNCTION_VERSION";
    /// The version (older runtimes).
    pub const VERSION_ID: &str = "FC_VER_ID";
    /// The instance's id, `c-…`.
    pub const INSTANCE_ID: &str = "FC_INSTANCE_ID";
    /// The region's id.
    pub const REGION: &str = "FC_REGION";
    /// The owner's account id.
    pub const ACCOUNT_ID: &str = "FC_ACCOUNT_ID";
    /// The code's directory, `/code` on the platform.
    pub const CODE_PATH: &str = "FC_FUNC_CODE_PATH";
    /// Temporary credentials of the function's role: the key's id.
    pub const ACCESS_KEY_ID: &str = "ALIBABA_CLOUD_ACCESS_KEY_ID";
    /// Temporary credentials of the function's role: the secret.
    pub const ACCESS_KEY_SECRET: &str = "ALIBABA_CLOUD_ACCESS_KEY_SECRET";
    /// Temporary credentials of the function's role: the session token.
    pub const SECURITY_TOKEN: &str = "ALIBABA_CLOUD_SECURITY_TOKEN";
}

/// Reply headers that the platform drops or overwrites, so that setting them has no effect. `transfer-encoding` is
/// among them because it belongs to the connection.
pub const STRIPPED_REPLY_HEADERS: [&str; 7] =
    ["connection", "content-length", "date", "keep-alive", "server", "upgrade", "transfer-encoding"];

/// Whether a request header shows that the request came through the trigger or a proxy. `name` is in lower case.
///
/// ```
/// use fc_runtime::platform::names::shows_a_proxy;
///
/// assert!(shows_a_proxy("x-forwarded-for") && shows_a_proxy("x-fc-request-id"));
/// assert!(!shows_a_proxy("accept"));
/// ```
pub fn shows_a_proxy(name: &str) -> bool {
    name.starts_with(RESERVED_PREFIX)
        || name.starts_with("x-forwarded-")
        || matches!(name, "via" | "forwarded" | "x-real-ip")
}

/// The prefix of header names that the platform reserves, in requests and replies.
pub const RESERVED_PREFIX: &str = "x-fc-";
