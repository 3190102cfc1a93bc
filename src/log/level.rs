//! The level of a log line.

/// The level of a log line, most serious first.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Level {
    Error,
    Warn,
    Info,
    #[cfg(feature = "log")]
    Debug,
    #[cfg(feature = "log")]
    Trace,
}

impl Level {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Error => "ERROR",
            Self::Warn => "WARN",
            Self::Info => "INFO",
            #[cfg(feature = "log")]
            Self::Debug => "DEBUG",
            #[cfg(feature = "log")]
            Self::Trace => "TRACE",
        }
    }
}
