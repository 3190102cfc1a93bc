//! How much attention an event needs.

/// How much attention an event needs.
///
/// ```
/// use fc_local::Level;
///
/// assert!(Level::Error > Level::Warning);
/// assert_eq!(Level::Info.name(), "info");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
#[non_exhaustive]
pub enum Level {
    /// Worth knowing.
    Info,
    /// Something does not go as it should.
    Warning,
    /// Something failed.
    Error,
}

impl Level {
    /// `info`, `warning` or `error`.
    pub fn name(self) -> &'static str {
        match self {
            Level::Info => "info",
            Level::Warning => "warning",
            Level::Error => "error",
        }
    }
}
