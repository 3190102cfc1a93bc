//! Triggers: the ways in to a function.

use super::cors::Cors;

/// An HTTP trigger without authentication.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HttpTrigger {
    pub(crate) methods: Vec<String>,
    pub(crate) internet_disabled: bool,
    pub(crate) cors: Option<Cors>,
}
