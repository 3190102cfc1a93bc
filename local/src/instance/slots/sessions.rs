//! Session affinity: which instance has which session. Without tasks, locks or a clock, as the slots.

use std::collections::{HashMap, HashSet, VecDeque};
use std::sync::Arc;
use std::time::{Duration, Instant};

use crate::model::{Claim, SessionId};

/// How many ids of ended sessions are remembered, where an id is refused after its session.
const ENDED_MAX: usize = 4096;

/// The settings of a function for its sessions.
#[derive(Debug, Clone, Copy)]
pub(in crate::instance) struct SessionRules {
    /// The most sessions of one instance at a time.
    pub(in crate::instance) per_instance: usize,
    /// How long a session lives, from its first call.
    pub(in crate::instance) lifetime: Duration,
    /// How long a session may be without a call. `None` is without limit.
    pub(in crate::instance) idle: Option<Duration>,
    /// Whether the id of an ended session is refused. Otherwise the id begins a new session.
    pub(in crate::instance) is_id_used_once: bool,
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
    since: Instant,
    used: Instant,
    calls: usize,
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

impl<I: Clone + PartialEq> Sessions<I> {
    pub(super) fn new(rules: SessionRules) -> Self {
        Sessions { rules, bound: HashMap::new(), unnamed: Vec::new(), ended: Ended::default() }
    }

    /// Ends the sessions whose time is over. A session with a call goes on.
    pub(super) fn expire(&mut self, now: Instant) {
        let rules = self.rules;
        self.end_where(|session| session.calls == 0 && session.is_over(rules, now));
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
                let new = || Session { instance: instance.clone(), since: now, used: now, calls: 0 };
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
        self.end_where(|session| session.instance == *instance);
    }

    /// Ends a session, because its client said so.
    pub(super) fn close(&mut self, id: &str) {
        if self.bound.remove(id).is_some() && self.rules.is_id_used_once {
            self.ended.add(Arc::from(id));
        }
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

    fn end_where(&mut self, is_wanted: impl Fn(&Session<I>) -> bool) {
        let Sessions { rules, bound, ended, .. } = self;
        bound.retain(|id, session| {
            let is_ended = is_wanted(session);
            if is_ended && rules.is_id_used_once {
                ended.add(Arc::clone(id));
            }
            !is_ended
        });
    }
}

impl<I> Session<I> {
    fn is_over(&self, rules: SessionRules, now: Instant) -> bool {
        let is_idle = rules.idle.is_some_and(|idle| now.duration_since(self.used) >= idle);
        is_idle || now.duration_since(self.since) >= rules.lifetime
    }
}

/// The ids of ended sessions, the latest ones.
#[derive(Debug, Default)]
struct Ended {
    ids: HashSet<SessionId>,
    order: VecDeque<SessionId>,
}

impl Ended {
    fn has(&self, id: &str) -> bool {
        self.ids.contains(id)
    }

    fn add(&mut self, id: SessionId) {
        if !self.ids.insert(Arc::clone(&id)) {
            return;
        }
        self.order.push_back(id);
        if self.order.len() > ENDED_MAX
            && let Some(oldest) = self.order.pop_front()
        {
            self.ids.remove(&oldest);
        }
    }
}
