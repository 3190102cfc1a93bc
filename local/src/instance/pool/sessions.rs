//! The sessions of a generation, for callers of the API.

use std::sync::Arc;
use std::time::SystemTime;

use tokio::time::Instant;

use super::{Pool, Refusal};
use crate::model::{Claim, Session, SessionId, SessionTerms};

impl Pool {
    /// All sessions, and the latest of those that have ended, the oldest first.
    pub(crate) fn sessions(self: &Arc<Self>) -> Vec<Session> {
        let now = Instant::now().into_std();
        let mut listed = self.change(|slots, effects| slots.sessions(now, effects));
        listed.sort_by(|one, other| one.since.cmp(&other.since).then_with(|| one.id.cmp(&other.id)));
        let wall = SystemTime::now();
        let time = |instant| wall.checked_sub(now.duration_since(instant)).unwrap_or(wall);
        let session = |listed: crate::instance::slots::Listed<Arc<_>>| Session {
            id: listed.id,
            instance: listed
                .instance
                .map(|instance: Arc<crate::instance::Instance>| Arc::clone(&instance.id)),
            terms: listed.terms,
            created: time(listed.since),
            modified: time(listed.modified),
        };
        listed.into_iter().map(session).collect()
    }

    /// The session with this id, if it has not ended.
    pub(crate) fn session(self: &Arc<Self>, id: &str) -> Option<Session> {
        self.sessions().into_iter().find(|session| *session.id == *id && session.instance.is_some())
    }

    /// Begins a session on an instance that has room for one, and starts an instance if there is none.
    ///
    /// # Errors
    ///
    /// No instance takes the session.
    pub(crate) async fn begin_session(
        self: &Arc<Self>,
        id: SessionId,
        terms: SessionTerms,
    ) -> Result<(), Refusal> {
        let lease = self.acquire(Claim::Session(Arc::clone(&id)), &mut false).await?;
        self.set_session_terms(&id, terms);
        drop(lease);
        Ok(())
    }

    /// Changes how long a session lasts. `false` if there is no such session.
    pub(crate) fn set_session_terms(self: &Arc<Self>, id: &str, terms: SessionTerms) -> bool {
        let now = Instant::now().into_std();
        self.change(|slots, _| slots.set_session_terms(id, terms, now))
    }

    /// Ends a session and forgets its id. `false` if there is no such session.
    pub(crate) fn delete_session(self: &Arc<Self>, id: &str) -> bool {
        self.change(|slots, effects| slots.delete_session(id, effects))
    }
}
