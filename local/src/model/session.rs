//! A session of session affinity, as callers of the API see it.

use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::affinity::SessionId;

/// How long a session lasts, and what becomes of its id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct SessionTerms {
    /// How long a session lives, from its first call.
    pub(crate) lifetime: Duration,
    /// How long a session may be without a call. `None` is without limit.
    pub(crate) idle: Option<Duration>,
    /// Whether the id of an ended session is refused. Otherwise the id begins a new session.
    pub(crate) is_id_used_once: bool,
}

/// A session, or one that has ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Session {
    pub(crate) id: SessionId,
    /// The instance of the session. `None` once the session has ended.
    pub(crate) instance: Option<Arc<str>>,
    pub(crate) terms: SessionTerms,
    pub(crate) created: SystemTime,
    pub(crate) modified: SystemTime,
}
