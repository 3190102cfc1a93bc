//! Sizes and times: the platform's limits, and this crate's defaults beside them.

use std::time::Duration;

/// One binary megabyte.
pub const MIB: usize = 1024 * 1024;

/// One binary kilobyte.
pub const KIB: usize = 1024;

/// The port the platform calls unless the function is configured otherwise.
pub const DEFAULT_PORT: u16 = 9000;

/// The largest body of a synchronous call: 32 MB.
pub const REQUEST_BODY_MAX: usize = 32 * MIB;

/// The largest body of an asynchronous call: 128 KB (256 KB on request).
pub const ASYNC_BODY_MAX: usize = 128 * KIB;

/// The largest message of a gRPC call, either way: 6 MB.
pub const MESSAGE_MAX: usize = 6 * MIB;

/// The largest body a reader such as `ex.json()` takes in, unless a scope says otherwise.
pub const BODY_LIMIT_DEFAULT: usize = 2 * MIB;

/// Request headers at this port, names and values together. The platform holds clients to
/// [`CLIENT_HEADERS_MAX`] and then adds its own, a session token among them.
pub const REQUEST_HEADERS_MAX: usize = 32 * KIB;

/// What the platform accepts from a client: header names and values together, 8 KB.
pub const CLIENT_HEADERS_MAX: usize = 8 * KIB;

/// What the platform accepts from a function: reply header names and values together, 8 KB.
/// Beyond it the client gets 502 `BadResponse`.
pub const REPLY_HEADERS_MAX: usize = 8 * KIB;

/// The longest path with its query at this port: 8 KiB. FC 2.0 lets 8 KB through, FC 3.0 4 KB.
pub const TARGET_MAX: usize = 8 * KIB;

/// The longest path with its query that FC 3.0 accepts from a client: 4 KB.
pub const CLIENT_TARGET_MAX: usize = 4 * KIB;

/// The largest WebSocket message, in either direction: 6 MB.
#[cfg(feature = "websocket")]
pub const WEBSOCKET_MESSAGE_MAX: usize = 6 * MIB;

/// How long a WebSocket's client may be silent before it is pinged. A load balancer closes what is idle for 15 s.
#[cfg(feature = "websocket")]
pub const WEBSOCKET_PING_DEFAULT: Duration = Duration::from_secs(10);

/// How long a WebSocket's client may take to answer a ping.
#[cfg(feature = "websocket")]
pub const WEBSOCKET_PONG_DEFAULT: Duration = Duration::from_secs(20);

/// The longest line the log service takes: 32 KB.
pub const LOG_LINE_MAX: usize = 32 * KIB;

/// The longest request id that is taken over from the platform.
pub const REQUEST_ID_MAX: usize = 128;

/// How long the platform waits for the port to open.
pub const STARTUP_MAX: Duration = Duration::from_secs(120);

/// The longest initializer the platform allows.
pub const INITIALIZE_MAX: Duration = Duration::from_secs(300);

/// How long pre-stop hooks may take in all; the platform's default time-out for the hook is 3 s.
pub const PRE_STOP_BUDGET_DEFAULT: Duration = Duration::from_millis(2500);

/// How long in-flight requests may go on after a signal to stop.
pub const DRAIN_DEADLINE_DEFAULT: Duration = Duration::from_secs(10);

/// How long the head of a request may take from its first byte on. A connection without one may be idle for ever.
pub const HEAD_LIMIT_DEFAULT: Duration = Duration::from_secs(10);

/// How long a reader waits for the next piece of a body. Then the answer is 408.
pub const BODY_PAUSE_DEFAULT: Duration = Duration::from_secs(30);

/// How long the executor may owe an answer before the live check fails.
pub const HEARTBEAT_LIMIT_DEFAULT: Duration = Duration::from_secs(10);

/// How long one ready check may take; the platform waits 1 to 3 s for a probe.
pub const READY_LIMIT_DEFAULT: Duration = Duration::from_millis(900);

/// How many handlers that finish without their clients run at a time; the platform sends an instance at most 200 requests at
/// a time.
pub const MAX_FINISHING_DEFAULT: u64 = 1000;

/// How many connections are served at a time; the platform allows 100 000 descriptors.
pub const MAX_CONNECTIONS_DEFAULT: usize = 20_000;
