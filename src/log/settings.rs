//! Settings of the log: which lines are written about requests.

/// Which requests get a line in the log.
///
/// ```
/// use fc_runtime::{AccessLog, App};
///
/// let app = App::new().get("/", async |_| "Hello, World!").access_log(AccessLog::Sample(100));
/// # let _: App = app;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
#[doc(alias = "Logger")]
#[doc(alias = "TraceLayer")]
pub enum AccessLog {
    /// Every request.
    #[default]
    All,
    /// One request in this many, and every request that failed, was cut short, or whose client left.
    Sample(u32),
    /// None. Counters go on; nobody reads the clock then, so that a client that left while a handler held its thread may be
    /// counted as one that was answered.
    Off,
}

/// Whether `FC Invoke Start RequestId: …` and `FC Invoke End RequestId: …` lines are printed.
///
/// FC 2.0 finds the log lines of a request by these markers. FC 3.0 does not need them, and may count a request twice
/// if they are there.
///
/// ```
/// use fc_runtime::{App, LogMarkers};
///
/// let app = App::new().get("/", async |_| "Hello, World!").log_markers(LogMarkers::Omit);
/// # let _: App = app;
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
pub enum LogMarkers {
    /// On requests that come from FC 2.0, as their headers show.
    #[default]
    Auto,
    /// On every call.
    Print,
    /// Never.
    Omit,
}
