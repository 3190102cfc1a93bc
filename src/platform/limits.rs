//! Sizes and times: the platform's limits, each with the page that states it, and this crate's defaults.
//!
//! The platform writes KB and MB for binary sizes. Here they are called KiB and MiB. "Ours" marks a value that this
//! crate chose.
//!
//! ```
//! use fc_runtime::platform::limits::{BODY_LIMIT_DEFAULT, REQUEST_BODY_MAX};
//! use fc_runtime::{App, MIB, at};
//!
//! assert_eq!((BODY_LIMIT_DEFAULT, REQUEST_BODY_MAX), (2 * MIB, 32 * MIB));
//! let uploads = at("/uploads").body_limit(REQUEST_BODY_MAX);
//! let app = App::new().post(uploads, async |ex| Ok(ex.bytes().await?.len().to_string()));
//! # let _: App = app;
//! ```

use std::time::Duration;

/// One binary megabyte: 1 048 576 bytes.
pub const MIB: usize = 1024 * 1024;

/// One binary kilobyte: 1024 bytes.
pub const KIB: usize = 1024;

/// The port that the platform calls by default.
///
/// Source: [custom runtimes, how they work](https://www.alibabacloud.com/help/en/functioncompute/fc/principles-1).
pub const DEFAULT_PORT: u16 = 9000;

/// The largest body of a synchronous call: 32 MiB.
///
/// Source: [limits of usage](https://help.aliyun.com/zh/functioncompute/fc/product-overview/limits-of-usage).
pub const REQUEST_BODY_MAX: usize = 32 * MIB;

/// The largest reply to a request that came as an event, as the JSON that its door reads: 6 MiB. Ours: FC 2.0's manual has this number for
/// events, and FC 3.0's documents none.
#[cfg(feature = "events")]
pub const EVENT_REPLY_MAX: usize = 6 * MIB;

/// The largest body of an asynchronous call: 128 KiB (256 KiB on request).
///
/// Source: [limits of usage](https://help.aliyun.com/zh/functioncompute/fc/product-overview/limits-of-usage).
pub const ASYNC_BODY_MAX: usize = 128 * KIB;

/// The longest delay of an asynchronous call: an hour. The shortest is a second.
///
/// Source: [HTTP triggers, overview](https://help.aliyun.com/zh/functioncompute/fc/user-guide/http-triggers-overview), which
/// writes the range with open ends, where another page closes them.
pub const ASYNC_DELAY_MAX: Duration = Duration::from_secs(3600);

/// The longest [id of a task](crate::platform::is_task_id), in characters.
///
/// Source: [InvokeFunction](https://help.aliyun.com/zh/functioncompute/fc-2-0/developer-reference/api-invokefunction).
pub const TASK_ID_MAX: usize = 128;

/// The largest message of a gRPC call, either way: 6 MiB.
///
/// Source: [gRPC over an HTTP trigger][page].
///
/// [page]: https://www.alibabacloud.com/help/en/functioncompute/fc/user-guide/configure-an-http-trigger-that-invokes-a-function-with-grpc-requests
pub const MESSAGE_MAX: usize = 6 * MIB;

/// The largest body that a reader such as `ex.json()` accepts, where neither the place nor the app sets one: 2 MiB.
/// Ours.
pub const BODY_LIMIT_DEFAULT: usize = 2 * MIB;

/// The most fields of a query or a form, each repetition counted: 1000. Ours.
pub const FORM_FIELDS_MAX: usize = 1000;

/// The largest request headers at this port, names and values together: 32 KiB. Ours: the platform holds clients to
/// [`CLIENT_HEADERS_MAX`], and then adds headers, with a session token among them.
pub const REQUEST_HEADERS_MAX: usize = 32 * KIB;

/// The most request headers at this port: 1024. Ours: the platform documents no number.
pub const REQUEST_FIELDS_MAX: usize = 1024;

/// The largest request headers that the platform accepts from a client, names and values together: 8 KiB.
///
/// Source: [HTTP triggers](https://help.aliyun.com/zh/functioncompute/fc/user-guide/http-triggers-overview).
pub const CLIENT_HEADERS_MAX: usize = 8 * KIB;

/// The largest reply headers that the platform accepts from a function, names and values together: 8 KiB. Beyond that
/// the client gets a 502 `BadResponse`.
///
/// Source: [HTTP triggers](https://help.aliyun.com/zh/functioncompute/fc/user-guide/http-triggers-overview).
pub const REPLY_HEADERS_MAX: usize = 8 * KIB;

/// The longest path and query at this port: 8 KiB, as FC 2.0 allows. For FC 3.0 see [`CLIENT_TARGET_MAX`].
///
/// Source: [HTTP triggers](https://help.aliyun.com/zh/functioncompute/fc/user-guide/http-triggers-overview).
pub const TARGET_MAX: usize = 8 * KIB;

/// The longest path and query that FC 3.0 accepts from a client: 4 KiB.
///
/// Source: [HTTP triggers](https://help.aliyun.com/zh/functioncompute/fc/user-guide/http-triggers-overview).
pub const CLIENT_TARGET_MAX: usize = 4 * KIB;

/// The largest WebSocket message, in either direction: 6 MiB.
///
/// Source: [WebSocket over an HTTP trigger][page].
///
/// [page]: https://help.aliyun.com/zh/functioncompute/configure-an-http-trigger-for-a-function-that-is-triggered-by-websocket-requests-1
pub const WEBSOCKET_MESSAGE_MAX: usize = 6 * MIB;

/// How long a WebSocket's client may be silent before it is sent a ping: 10 s. Ours: the listener of a load balancer
/// closes a connection that is idle for 15 s, unless it is configured otherwise.
#[cfg(feature = "websocket")]
pub const WEBSOCKET_PING_DEFAULT: Duration = Duration::from_secs(10);

/// How long a WebSocket's client may take to answer a ping: 20 s. Ours.
#[cfg(feature = "websocket")]
pub const WEBSOCKET_PONG_DEFAULT: Duration = Duration::from_secs(20);

/// The longest line that the log service accepts: 32 KiB.
///
/// Source: [limits of usage](https://help.aliyun.com/zh/functioncompute/fc/product-overview/limits-of-usage).
pub const LOG_LINE_MAX: usize = 32 * KIB;

/// The longest request id that is accepted from the platform: 128 bytes. Ours; the platform's ids have at most 36.
pub const REQUEST_ID_MAX: usize = 128;

/// How long the platform waits for the port to open: 120 s.
///
/// Source: [custom runtimes, how they work](https://www.alibabacloud.com/help/en/functioncompute/fc/principles-1).
pub const STARTUP_MAX: Duration = Duration::from_secs(120);

/// The longest time-out of the initializer hook: 300 s.
///
/// Source: [limits of usage](https://help.aliyun.com/zh/functioncompute/fc/product-overview/limits-of-usage).
pub const INITIALIZE_MAX: Duration = Duration::from_secs(300);

/// How long all pre-stop hooks together may take: 2.5 s. Ours; the platform's time-out for the hook is 3 s by default,
/// and at most 90 s.
///
/// Source: [limits of usage](https://help.aliyun.com/zh/functioncompute/fc/product-overview/limits-of-usage).
pub const PRE_STOP_BUDGET_DEFAULT: Duration = Duration::from_millis(2500);

/// How long requests in flight may go on after a signal to stop: 10 s. Ours.
pub const DRAIN_DEADLINE_DEFAULT: Duration = Duration::from_secs(10);

/// How long the head of a request may take, from its first byte on: 10 s. Ours. A connection without a begun head may
/// be idle without limit.
pub const HEAD_LIMIT_DEFAULT: Duration = Duration::from_secs(10);

/// How long a reader waits for the next piece of a body before it gives a 408: 30 s. Ours.
pub const BODY_PAUSE_DEFAULT: Duration = Duration::from_secs(30);

/// How long the executor may take to answer before the live check fails: 10 s. Ours.
pub const HEARTBEAT_LIMIT_DEFAULT: Duration = Duration::from_secs(10);

/// How long one ready check may take: 0.9 s. Ours; the platform waits 1 to 3 s for a probe.
///
/// Source: [custom health checks][page].
///
/// [page]: https://help.aliyun.com/zh/functioncompute/fc/user-guide/configure-a-custom-health-check-policy-for-instances-1
pub const READY_LIMIT_DEFAULT: Duration = Duration::from_millis(900);

/// The most running handlers of places with `HangUpPolicy::Finish`: 1000. Ours; the platform sends an instance at most
/// 200 requests at a time.
pub const MAX_FINISHING_DEFAULT: u64 = 1000;

/// The part of the instance's memory that clients may make the process hold: one third (1 / 3). Ours; the app has the
/// rest. Unread replies, and large heads, bodies and messages are counted.
pub const CLIENT_MEMORY_SHARE: usize = 3;

/// The assumed memory of the instance, in MiB, if the environment names no size: 1024. Ours; the platform offers 128
/// MiB to 32 GiB, and names the size.
///
/// Source: [limits of usage](https://help.aliyun.com/zh/functioncompute/fc/product-overview/limits-of-usage).
pub const MEMORY_UNKNOWN_MIB: u32 = 1024;

/// The most connections at a time: 20 000. Ours; the platform allows 100 000 file descriptors.
///
/// Source: [limits of usage](https://help.aliyun.com/zh/functioncompute/fc/product-overview/limits-of-usage).
pub const MAX_CONNECTIONS_DEFAULT: usize = 20_000;

/// The most connections at a time for each MiB of the instance's memory, if the environment names the size: 4, which
/// is 512 for the smallest instance. Ours; the platform sends an instance at most 200 requests at a time.
pub const CONNECTIONS_PER_MIB: usize = 4;
