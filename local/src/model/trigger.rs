//! Triggers: the ways in to a function.

/// An HTTP trigger without authentication.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HttpTrigger {
    pub(crate) methods: Vec<String>,
    pub(crate) internet_disabled: bool,
}
