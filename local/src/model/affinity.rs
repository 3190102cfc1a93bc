//! Session affinity: how calls of one session come to one instance.

use std::sync::Arc;
use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::session::SessionTerms;

/// `sessionAffinity` with `sessionAffinityConfig`.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Affinity {
    pub(crate) kind: AffinityKind,
    /// The most sessions of one instance at a time.
    pub(crate) sessions_per_instance: usize,
    /// Whether an instance ends with its session.
    #[serde(default)]
    pub(crate) is_isolated: bool,
    /// How long a session lives, from its first call.
    pub(crate) lifetime: Duration,
    /// How long a session may be without a call. `None` is without limit.
    pub(crate) idle: Option<Duration>,
    /// Whether the id of an ended session is refused.
    pub(crate) is_id_used_once: bool,
}

impl Affinity {
    /// How long sessions last that their creator says nothing of.
    pub(crate) fn terms(&self) -> SessionTerms {
        let Affinity { lifetime, idle, is_id_used_once, .. } = *self;
        SessionTerms { lifetime, idle, is_id_used_once }
    }
}

/// Where the id of a session stands.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) enum AffinityKind {
    /// In a header of this name, in lower case. The platform makes the id if the client sends none.
    Header(String),
    /// In a cookie that the platform sets.
    Cookie,
    /// In the first event of the stream at this path. Later requests have the id in their query.
    McpSse(String),
    /// In the header `Mcp-Session-Id` of the function's reply.
    McpStreamable,
}

/// The id of a session, as clients send it.
pub(crate) type SessionId = Arc<str>;

/// What a call needs of its instance. The call holds its claim to its end.
#[derive(Debug, Clone, Default, PartialEq, Eq)]
pub(crate) enum Claim {
    /// Any instance will do.
    #[default]
    Any,
    /// The instance of this session, or one that has room for the session.
    Session(SessionId),
    /// An instance that has room for a session. The function's reply will name the session.
    NewSession,
}
