//! Triggers: the ways in to a function.

use super::auth::Auth;
use super::cors::Cors;

/// An HTTP trigger.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct HttpTrigger {
    pub(crate) methods: Vec<String>,
    pub(crate) internet_disabled: bool,
    pub(crate) auth: Auth,
    pub(crate) cors: Option<Cors>,
}
