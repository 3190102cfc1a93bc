//! Session affinity: which instance has which session. Without tasks, locks or a clock, as the slots.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::Instant;

use super::{Effect, Slots};
use crate::model::{Claim, SessionId, SessionTerms};

/// How many ended sessions are remembered, for lists and where an id is refused after its session.
const ENDED_MAX: usize = 4096;

/// The settings of a function for its sessions.
#[derive(Debug, Clone, Copy)]
pub(in crate::instance) struct SessionRules {
    /// The most sessions of one instance at a time.
    pub(in crate::instance) per_instance: usize,
    /// Whether an instance ends with its session.
    pub(in crate::instance) is_isolated: bool,
    pub(in crate::instance) terms: SessionTerms,
}

/// The sessions of one generation.
#[derive(Debug)]
pub(super) struct Sessions<I> {
    rules: SessionRules,
    bound: HashMap<SessionId, Session<I>>,
    /// The instances of calls whose sessions have no name so far.
    unnamed: Vec<I>,
    ended: Ended,
}

#[derive(Debug)]
struct Session<I> {
    instance: I,
    terms: SessionTerms,
    since: Instant,
    used: Instant,
    modified: Instant,
    calls: usize,
}

/// A session, or one that has ended.
#[derive(Debug)]
pub(in crate::instance) struct Listed<I> {
    pub(in crate::instance) id: SessionId,
    /// `None` once the session has ended.
    pub(in crate::instance) instance: Option<I>,
    pub(in crate::instance) terms: SessionTerms,
    pub(in crate::instance) since: Instant,
    pub(in crate::instance) modified: Instant,
}

/// The place of a session.
#[derive(Debug, PartialEq, Eq)]
pub(super) enum Place<I> {
    On(I),
    /// No instance has the session.
    None,
    /// The session has ended, and its id is refused.
    Over,
}

impl<I: Clone + PartialEq> Slots<I> {
    /// The call on `instance` turned out to begin the session `id`.
    pub(in crate::instance) fn name_session(&mut self, instance: &I, claim: &Claim, now: Instant) {
        if let Some(sessions) = &mut self.sessions {
            sessions.end(instance, &Claim::NewSession, now);
            sessions.begin(instance, claim, now);
        }
    }

    /// Ends a session, because its client said so.
    pub(in crate::instance) fn close_session(&mut self, id: &str, effects: &mut Vec<Effect<I>>) {
        if let Some(instance) = self.sessions.as_mut().and_then(|sessions| sessions.close(id)) {
            self.retire_after(&instance, effects);
        }
    }

    /// All sessions, and the latest of those that have ended.
    pub(in crate::instance) fn sessions(
        &mut self,
        now: Instant,
        effects: &mut Vec<Effect<I>>,
    ) -> Vec<Listed<I>> {
        self.expire_sessions(now, effects);
        self.sessions.as_ref().map(Sessions::list).unwrap_or_default()
    }

    /// Changes how long a session lasts. `false` if there is no such session.
    pub(in crate::instance) fn set_session_terms(
        &mut self,
        id: &str,
        terms: SessionTerms,
        now: Instant,
    ) -> bool {
        self.sessions.as_mut().is_some_and(|sessions| sessions.set_terms(id, terms, now))
    }

    /// Ends a session and forgets its id. An instance of its own ends with it, and its calls do too; other instances
    /// finish them. `false` if there is no such session.
    pub(in crate::instance) fn delete_session(&mut self, id: &str, effects: &mut Vec<Effect<I>>) -> bool {
        let Some(sessions) = &mut self.sessions else { return false };
        let (is_there, own) = sessions.delete(id);
        if let Some(instance) = own.filter(|own| self.members.iter().any(|member| member.instance == *own)) {
            self.dismiss(&instance, effects);
            self.top_up(effects);
        }
        is_there
    }

    /// Ends the sessions whose time is over.
    pub(super) fn expire_sessions(&mut self, now: Instant, effects: &mut Vec<Effect<I>>) {
        let Some(sessions) = &mut self.sessions else { return };
        for instance in sessions.expire(now) {
            self.retire_after(&instance, effects);
        }
    }

    /// Stops an instance after its calls, because its session is over.
    pub(super) fn retire_after(&mut self, instance: &I, effects: &mut Vec<Effect<I>>) {
        let Some(member) = self.member(instance) else { return };
        member.is_retired = true;
        if member.in_flight == 0 {
            self.dismiss(instance, effects);
            self.top_up(effects);
        }
    }

    /// Whether an instance has the session.
    pub(in crate::instance) fn has_session(&self, id: &str) -> bool {
        self.sessions.as_ref().is_some_and(|sessions| matches!(sessions.place(id), Place::On(_)))
    }

    /// The sessions of an instance that gets no further call begin anew elsewhere.
    pub(super) fn unbind(&mut self, instance: &I) {
        if let Some(sessions) = &mut self.sessions {
            sessions.unbind(instance);
        }
    }
}

impl<I: Clone + PartialEq> Sessions<I> {
    pub(super) fn new(rules: SessionRules) -> Self {
        Sessions { rules, bound: HashMap::new(), unnamed: Vec::new(), ended: Ended::default() }
    }

    /// Ends the sessions whose time is over. A session with a call goes on. Gives the instances that end with their
    /// sessions.
    pub(super) fn expire(&mut self, now: Instant) -> Vec<I> {
        self.end_where(|session| session.calls == 0 && session.is_over(now))
    }

    /// All sessions, and the latest of those that have ended.
    pub(super) fn list(&self) -> Vec<Listed<I>> {
        let active = self.bound.iter().map(|(id, session)| Listed {
            id: Arc::clone(id),
            instance: Some(session.instance.clone()),
            terms: session.terms,
            since: session.since,
            modified: session.modified,
        });
        let ended = self.ended.order.iter().map(|past| Listed {
            id: Arc::clone(&past.id),
            instance: None,
            terms: past.terms,
            since: past.since,
            modified: past.modified,
        });
        active.chain(ended).collect()
    }

    /// Changes how long a session lasts. `false` if there is no such session.
    pub(super) fn set_terms(&mut self, id: &str, terms: SessionTerms, now: Instant) -> bool {
        let Some(session) = self.bound.get_mut(id) else { return false };
        (session.terms, session.modified) = (terms, now);
        true
    }

    /// Ends a session, or forgets one that has ended: its id begins a new session. Says whether there was such a session,
    /// and gives the instance that ends with it.
    pub(super) fn delete(&mut self, id: &str) -> (bool, Option<I>) {
        let was_ended = self.ended.forget(id);
        match self.bound.remove(id) {
            Some(session) => (true, Some(session.instance).filter(|_| self.rules.is_isolated)),
            None => (was_ended, None),
        }
    }

    pub(super) fn place(&self, id: &str) -> Place<I> {
        match self.bound.get(id) {
            Some(session) => Place::On(session.instance.clone()),
            None if self.ended.has(id) => Place::Over,
            None => Place::None,
        }
    }

    /// Whether `instance` may take a call with this claim.
    pub(super) fn fits(&self, instance: &I, claim: &Claim) -> bool {
        match claim {
            Claim::Any => true,
            Claim::Session(id) => match self.bound.get(id) {
                Some(session) => session.instance == *instance,
                None => self.room(instance) > 0,
            },
            Claim::NewSession => self.room(instance) > 0,
        }
    }

    /// The call begins on `instance`.
    pub(super) fn begin(&mut self, instance: &I, claim: &Claim, now: Instant) {
        match claim {
            Claim::Any => {}
            Claim::Session(id) => {
                let terms = self.rules.terms;
                let new = || Session {
                    instance: instance.clone(),
                    terms,
                    since: now,
                    used: now,
                    modified: now,
                    calls: 0,
                };
                let session = self.bound.entry(Arc::clone(id)).or_insert_with(new);
                // A function may give two instances' sessions one name. Then the call counts for neither.
                if session.instance == *instance {
                    session.calls += 1;
                }
            }
            Claim::NewSession => self.unnamed.push(instance.clone()),
        }
    }

    /// The call is over.
    pub(super) fn end(&mut self, instance: &I, claim: &Claim, now: Instant) {
        match claim {
            Claim::Any => {}
            Claim::Session(id) => {
                // After the end of its instance the session may be elsewhere.
                if let Some(session) = self.bound.get_mut(id).filter(|session| session.instance == *instance)
                {
                    session.calls = session.calls.saturating_sub(1);
                    session.used = now;
                }
            }
            Claim::NewSession => {
                if let Some(at) = self.unnamed.iter().position(|unnamed| unnamed == instance) {
                    self.unnamed.swap_remove(at);
                }
            }
        }
    }

    /// The sessions of `instance` end with the instance.
    pub(super) fn unbind(&mut self, instance: &I) {
        _ = self.end_where(|session| session.instance == *instance);
    }

    /// Ends a session, because its client said so. Gives the instance if it ends with its session.
    pub(super) fn close(&mut self, id: &str) -> Option<I> {
        let (id, session) = self.bound.remove_entry(id)?;
        self.ended.add(Past::new(id, &session));
        Some(session.instance).filter(|_| self.rules.is_isolated)
    }

    /// The number of sessions on `instance`.
    pub(super) fn count(&self, instance: &I) -> usize {
        let bound = self.bound.values().filter(|session| session.instance == *instance).count();
        bound + self.unnamed.iter().filter(|unnamed| *unnamed == instance).count()
    }

    /// How many further sessions `instance` may have.
    pub(super) fn room(&self, instance: &I) -> usize {
        self.rules.per_instance.saturating_sub(self.count(instance))
    }

    /// How many of these claims need a session that no instance has.
    pub(super) fn new_ones<'a>(&self, claims: impl Iterator<Item = &'a Claim>) -> usize {
        let (mut unnamed, mut ids) = (0, HashSet::new());
        for claim in claims {
            match claim {
                Claim::Session(id) if !self.bound.contains_key(id) => _ = ids.insert(&**id),
                Claim::NewSession => unnamed += 1,
                Claim::Any | Claim::Session(_) => {}
            }
        }
        ids.len() + unnamed
    }

    /// How many instances so many sessions need.
    pub(super) fn instances_for(&self, sessions: usize) -> usize {
        sessions.div_ceil(self.rules.per_instance)
    }

    fn end_where(&mut self, is_wanted: impl Fn(&Session<I>) -> bool) -> Vec<I> {
        let Sessions { rules, bound, ended, .. } = self;
        let mut instances = Vec::new();
        bound.retain(|id, session| {
            let is_ended = is_wanted(session);
            if is_ended {
                ended.add(Past::new(Arc::clone(id), session));
                if rules.is_isolated {
                    instances.push(session.instance.clone());
                }
            }
            !is_ended
        });
        instances
    }
}

impl<I> Session<I> {
    fn is_over(&self, now: Instant) -> bool {
        let is_idle = self.terms.idle.is_some_and(|idle| now.duration_since(self.used) >= idle);
        is_idle || now.duration_since(self.since) >= self.terms.lifetime
    }
}

/// A session that has ended.
#[derive(Debug)]
struct Past {
    id: SessionId,
    terms: SessionTerms,
    since: Instant,
    modified: Instant,
}

impl Past {
    fn new<I>(id: SessionId, session: &Session<I>) -> Self {
        Past { id, terms: session.terms, since: session.since, modified: session.modified }
    }
}

/// The sessions that have ended, the latest ones.
#[derive(Debug, Default)]
struct Ended {
    /// The ids that are refused.
    refused: HashSet<SessionId>,
    order: VecDeque<Past>,
}

impl Ended {
    fn has(&self, id: &str) -> bool {
        self.refused.contains(id)
    }

    fn add(&mut self, past: Past) {
        if past.terms.is_id_used_once {
            self.refused.insert(Arc::clone(&past.id));
        }
        self.order.push_back(past);
        if self.order.len() > ENDED_MAX
            && let Some(oldest) = self.order.pop_front()
            && oldest.terms.is_id_used_once
        {
            self.refused.remove(&oldest.id);
        }
    }

    /// Whether there was such a session.
    fn forget(&mut self, id: &str) -> bool {
        self.refused.remove(id);
        let before = self.order.len();
        self.order.retain(|past| *past.id != *id);
        self.order.len() < before
    }
}
