//! `corsConfig`: how pages of other origins may use an entry point.

/// The settings of CORS at a trigger or a domain, with the platform's defaults filled in.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Cors {
    /// Origins, `https://*`, or `*`.
    pub(crate) origins: Vec<String>,
    /// Methods or `*`; empty for those of the entry point.
    pub(crate) methods: Vec<String>,
    /// Header names or `*`.
    pub(crate) headers: Vec<String>,
    /// Header names or `*`; empty for the platform's own list.
    pub(crate) exposed: Vec<String>,
    pub(crate) credentials: bool,
    /// How long a browser may keep the answer to a preflight, in seconds.
    pub(crate) max_age: u32,
}
