//! Sessions that callers of the API begin, look at, change and end.

use std::collections::HashSet;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use super::deploy::Deployer;
use crate::failure::Failure;
use crate::instance::{Pool, Refusal};
use crate::model::{Affinity, AffinityKind, LATEST, Session, SessionId, SessionTerms, VersionId};
use crate::registry::{Callee, Deployed};
use crate::wire::ids;

/// What a caller wants of a session. `None` keeps what is there.
#[derive(Debug, Clone, Default)]
pub(crate) struct SessionChange {
    pub(crate) id: Option<String>,
    pub(crate) lifetime: Option<std::time::Duration>,
    /// Zero is without limit.
    pub(crate) idle: Option<std::time::Duration>,
    pub(crate) is_id_used_once: Option<bool>,
}

impl SessionChange {
    fn of(&self, terms: SessionTerms) -> SessionTerms {
        SessionTerms {
            lifetime: self.lifetime.unwrap_or(terms.lifetime),
            idle: self.idle.map_or(terms.idle, |idle| Some(idle).filter(|idle| !idle.is_zero())),
            is_id_used_once: self.is_id_used_once.unwrap_or(terms.is_id_used_once),
        }
    }
}

/// The sessions that callers of the API are beginning at this time, by function and id. Two callers who name one id would
/// otherwise come to share a session.
#[derive(Debug, Default)]
pub(super) struct Beginnings(Mutex<HashSet<(String, SessionId)>>);

/// A session that is being begun. The drop lets others name its id.
#[derive(Debug)]
struct Beginning<'a> {
    all: &'a Beginnings,
    own: (String, SessionId),
}

impl Beginnings {
    fn lock(&self) -> MutexGuard<'_, HashSet<(String, SessionId)>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// `None` if somebody else is beginning the session.
    fn begin(&self, function: &str, id: &SessionId) -> Option<Beginning<'_>> {
        let own = (function.to_owned(), Arc::clone(id));
        let is_first = self.lock().insert(own.clone());
        is_first.then(|| Beginning { all: self, own })
    }
}

impl Drop for Beginning<'_> {
    fn drop(&mut self) {
        self.all.lock().remove(&self.own);
    }
}

/// A session with what its function says of sessions.
#[derive(Debug)]
pub(crate) struct SessionOf {
    pub(crate) session: Session,
    pub(crate) kind: AffinityKind,
    /// The version or alias by which the session was asked for.
    pub(crate) qualifier: String,
}

impl Deployer {
    /// Begins a session on an instance, which is started if there is none with room for it.
    ///
    /// # Errors
    ///
    /// The function, or its version or alias, does not exist, has no sessions that can be begun, or has one with this
    /// id; or no instance takes the session.
    pub(crate) async fn begin_session(
        &self,
        name: &str,
        qualifier: Option<&str>,
        change: SessionChange,
    ) -> Result<SessionOf, Failure> {
        let callee = Callee::choose(self.registry.find(name)?, qualifier)?;
        let affinity = affinity_of(callee.settings()?.affinity.as_ref(), name)?;
        let is_header = match &affinity.kind {
            AffinityKind::Header(_) => true,
            AffinityKind::Cookie => false,
            AffinityKind::McpSse(_) | AffinityKind::McpStreamable => {
                let text = "sessions of MCP begin with a request; the API begins those of HEADER_FIELD and GENERATED_COOKIE";
                return Err(Failure::invalid_argument(text));
            }
        };
        let id: SessionId = match &change.id {
            Some(_) if !is_header => {
                let text = "sessionId is for HEADER_FIELD affinity alone; cookies get an id of the platform";
                return Err(Failure::invalid_argument(text));
            }
            Some(id) if !ids::is_session(id) => {
                let text = "sessionId must be 1 to 64 letters, digits, `_` or `-`, and not start with `-`";
                return Err(Failure::invalid_argument(text));
            }
            Some(id) => Arc::from(id.as_str()),
            None => ids::session(),
        };
        let beginning = self.beginnings.begin(name, &id).ok_or_else(|| Failure::session_exists(&id))?;
        let pools = pools(&callee.function, qualifier)?;
        if pools.iter().any(|(_, pool)| pool.session(&id).is_some()) {
            return Err(Failure::session_exists(&id));
        }
        loop {
            let pool = callee.pool()?;
            match pool.begin_session(Arc::clone(&id), change.of(affinity.terms())).await {
                Ok(()) => {
                    let session = pool.session(&id).ok_or_else(|| Failure::session_not_found(&id))?;
                    drop(beginning);
                    return Ok(of(session, &affinity, qualifier.unwrap_or(LATEST)));
                }
                Err(Refusal::Failed(failure)) => return Err(failure),
                // A newer generation has replaced this one meanwhile.
                Err(Refusal::Closed) if Arc::ptr_eq(&pool, &callee.pool()?) => {
                    return Err(Failure::unavailable(format!("function '{name}' is being stopped")));
                }
                Err(Refusal::Closed) => {}
            }
        }
    }

    /// The sessions of a function, the ended ones too: of one version or alias, or of all.
    ///
    /// # Errors
    ///
    /// The function, or its version or alias, does not exist, or has no session affinity.
    pub(crate) fn sessions(&self, name: &str, qualifier: Option<&str>) -> Result<Vec<SessionOf>, Failure> {
        let deployed = self.registry.find(name)?;
        let mut pools = pools(&deployed, qualifier)?;
        if qualifier.is_none() {
            let releases = deployed.releases(|all| {
                let pool = |(id, release): (&VersionId, &crate::registry::Release)| {
                    (id.to_string(), Arc::clone(&release.pool))
                };
                all.versions.iter().map(pool).collect::<Vec<_>>()
            });
            pools.extend(releases);
        }
        let mut sessions = Vec::new();
        let mut has_affinity = false;
        for (label, pool) in pools {
            let Some(affinity) = &pool.generation.function.affinity else { continue };
            has_affinity = true;
            sessions.extend(pool.sessions().into_iter().map(|session| of(session, affinity, &label)));
        }
        if has_affinity { Ok(sessions) } else { affinity_of(None, name).map(|_| sessions) }
    }

    /// A session that has not ended.
    ///
    /// # Errors
    ///
    /// There is none with this id.
    pub(crate) fn session(
        &self,
        name: &str,
        qualifier: Option<&str>,
        id: &str,
    ) -> Result<SessionOf, Failure> {
        self.found(name, qualifier, id).map(|(_, session)| session)
    }

    /// Changes how long a session lasts.
    ///
    /// # Errors
    ///
    /// There is none with this id.
    pub(crate) fn change_session(
        &self,
        name: &str,
        qualifier: Option<&str>,
        id: &str,
        change: &SessionChange,
    ) -> Result<SessionOf, Failure> {
        let (pool, found) = self.found(name, qualifier, id)?;
        pool.set_session_terms(id, change.of(found.session.terms));
        self.session(name, qualifier, id)
    }

    /// Ends a session and forgets its id.
    ///
    /// # Errors
    ///
    /// There is none with this id, not even an ended one.
    pub(crate) fn delete_session(
        &self,
        name: &str,
        qualifier: Option<&str>,
        id: &str,
    ) -> Result<(), Failure> {
        let deployed = self.registry.find(name)?;
        let pools = pools(&deployed, qualifier)?;
        let deleted = pools.iter().filter(|(_, pool)| pool.delete_session(id)).count();
        if deleted > 0 { Ok(()) } else { Err(Failure::session_not_found(id)) }
    }

    fn found(
        &self,
        name: &str,
        qualifier: Option<&str>,
        id: &str,
    ) -> Result<(Arc<Pool>, SessionOf), Failure> {
        let deployed = self.registry.find(name)?;
        for (label, pool) in pools(&deployed, qualifier)? {
            let affinity = affinity_of(pool.generation.function.affinity.as_ref(), name)?;
            if let Some(session) = pool.session(id) {
                let session = of(session, &affinity, &label);
                return Ok((pool, session));
            }
        }
        Err(Failure::session_not_found(id))
    }
}

fn of(session: Session, affinity: &Affinity, qualifier: &str) -> SessionOf {
    SessionOf { session, kind: affinity.kind.clone(), qualifier: qualifier.to_owned() }
}

/// The generations of a version or an alias; `None` is `LATEST`.
fn pools(deployed: &Deployed, qualifier: Option<&str>) -> Result<Vec<(String, Arc<Pool>)>, Failure> {
    let Some(qualifier) = qualifier else { return Ok(vec![(LATEST.to_owned(), deployed.pool())]) };
    deployed.releases(|all| {
        let ids: Vec<VersionId> = match qualifier.parse() {
            Ok(id) => vec![id],
            Err(_) => all.alias(qualifier)?.versions().collect(),
        };
        let pool = |id| all.version(id).map(|release| (qualifier.to_owned(), Arc::clone(&release.pool)));
        ids.into_iter().map(pool).collect()
    })
}

fn affinity_of(affinity: Option<&Affinity>, name: &str) -> Result<Affinity, Failure> {
    affinity.cloned().ok_or_else(|| {
        Failure::invalid_argument(format!("function '{name}' has no sessions: set `sessionAffinity`"))
    })
}
