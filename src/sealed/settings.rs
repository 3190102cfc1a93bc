//! The settings of the whole app.

use std::borrow::Cow;
use std::panic::Location;
use std::time::Duration;

use crate::log::{AccessLog, LogMarkers};
use crate::platform::limits::{
    DRAIN_DEADLINE_DEFAULT, HEAD_LIMIT_DEFAULT, HEARTBEAT_LIMIT_DEFAULT, INITIALIZE_MAX,
    MAX_FINISHING_DEFAULT, PRE_STOP_BUDGET_DEFAULT, READY_LIMIT_DEFAULT,
};

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
    /// Where the author has set it; `None` for the default.
    pub(crate) health_line: Option<&'static Location<'static>>,
    pub(crate) head_limit: Duration,
    /// Whether `HEAD /` is answered as a probe of a load balancer.
    pub(crate) head_root: bool,
    pub(crate) heartbeat_limit: Duration,
    pub(crate) ready_path: Cow<'static, str>,
    pub(crate) ready_line: Option<&'static Location<'static>>,
    pub(crate) ready_limit: Duration,
    pub(crate) version: Option<String>,
    pub(crate) commit: Option<String>,
    pub(crate) client_memory: Option<usize>,
    pub(crate) max_connections: Option<usize>,
    pub(crate) max_in_flight: u64,
    pub(crate) max_finishing: u64,
    pub(crate) trusted_hops: usize,
    pub(crate) base_path: Option<String>,
    /// Where the author has set it.
    pub(crate) base_path_line: Option<&'static Location<'static>>,
    /// Where the author has set the CORS policy of the whole app.
    pub(crate) cors_line: Option<&'static Location<'static>>,
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
            health_line: None,
            head_limit: HEAD_LIMIT_DEFAULT,
            head_root: false,
            heartbeat_limit: HEARTBEAT_LIMIT_DEFAULT,
            ready_path: Cow::Borrowed("/readyz"),
            ready_line: None,
            ready_limit: READY_LIMIT_DEFAULT,
            version: None,
            commit: None,
            client_memory: None,
            max_connections: None,
            max_in_flight: u64::MAX,
            max_finishing: MAX_FINISHING_DEFAULT,
            trusted_hops: 0,
            base_path: None,
            base_path_line: None,
            cors_line: None,
        }
    }
}
