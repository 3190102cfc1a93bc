//! Which lines are written about requests.

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
    /// One request in so many, 1 in 100 for `Sample(100)`; and each that failed, was cut or whose client left.
    Sample(u32),
    /// None. Counters go on.
    Off,
}

/// Whether `FC Invoke Start RequestId: …` and `FC Invoke End RequestId: …` lines are printed.
///
/// FC 2.0 finds a request's lines by them. FC 3.0 keeps track itself and may count a request twice if they are there.
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
    /// On calls whose headers are FC 2.0's.
    #[default]
    Auto,
    /// On every call.
    Print,
    /// Never.
    Omit,
}
