//! The settings of an app as a whole.

use std::borrow::Cow;
use std::time::Duration;

use crate::platform::limits::{
    DRAIN_DEADLINE_DEFAULT, HEAD_LIMIT_DEFAULT, HEARTBEAT_LIMIT_DEFAULT, INITIALIZE_MAX,
    MAX_CONNECTIONS_DEFAULT, MAX_FINISHING_DEFAULT, PRE_STOP_BUDGET_DEFAULT, READY_LIMIT_DEFAULT,
};

/// Which requests get a line in the log.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum AccessLog {
    /// Every request.
    #[default]
    All,
    /// One request of so many, and every one that failed, was cut or whose client left.
    Sample(u32),
    /// None. Counters go on; nobody reads the clock then, so that a client that left while a handler held its thread may be
    /// counted as one that was answered.
    Off,
}

/// Whether `FC Invoke Start RequestId: …` and `FC Invoke End RequestId: …` lines are printed.
///
/// FC 2.0 finds a request's lines by them. FC 3.0 keeps track itself and may count a request twice if they are there.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogMarkers {
    /// On calls whose headers are FC 2.0's.
    #[default]
    Auto,
    /// On every call.
    Print,
    /// Never.
    Omit,
}

#[derive(Debug, Clone)]
pub(crate) struct Settings {
    pub(crate) port: Option<u16>,
    pub(crate) trust: Option<bool>,
    pub(crate) drain: Duration,
    pub(crate) pre_stop: Duration,
    pub(crate) initialize: Duration,
    pub(crate) access_log: AccessLog,
    pub(crate) markers: LogMarkers,
    pub(crate) health_path: Cow<'static, str>,
    pub(crate) head_limit: Duration,
    /// Whether `HEAD /` is a probe, as a load balancer sends it.
    pub(crate) head_root: bool,
    pub(crate) heartbeat_limit: Duration,
    pub(crate) ready_path: Cow<'static, str>,
    pub(crate) ready_limit: Duration,
    pub(crate) version: Option<String>,
    pub(crate) commit: Option<String>,
    pub(crate) max_connections: usize,
    pub(crate) max_in_flight: u64,
    pub(crate) max_finishing: u64,
    pub(crate) trusted_hops: usize,
    pub(crate) base_path: Option<String>,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            port: None,
            trust: None,
            drain: DRAIN_DEADLINE_DEFAULT,
            pre_stop: PRE_STOP_BUDGET_DEFAULT,
            initialize: INITIALIZE_MAX,
            access_log: AccessLog::default(),
            markers: LogMarkers::default(),
            health_path: Cow::Borrowed("/healthz"),
            head_limit: HEAD_LIMIT_DEFAULT,
            head_root: false,
            heartbeat_limit: HEARTBEAT_LIMIT_DEFAULT,
            ready_path: Cow::Borrowed("/readyz"),
            ready_limit: READY_LIMIT_DEFAULT,
            version: None,
            commit: None,
            max_connections: MAX_CONNECTIONS_DEFAULT,
            max_in_flight: u64::MAX,
            max_finishing: MAX_FINISHING_DEFAULT,
            trusted_hops: 0,
            base_path: None,
        }
    }
}
