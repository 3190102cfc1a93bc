//! The way of a call to a slot: at once, or by the queue.

use std::time::Instant;

use super::sessions::Place;
use super::{Acquired, Effect, Member, Rules, Slots, Waiter};
use crate::model::Claim;

/// A call that waits for a slot.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) waiter: Waiter,
    pub(super) claim: Claim,
}

impl<I: Clone + PartialEq> Slots<I> {
    /// Takes a slot for a call, or a place in the queue. Starts an instance if needed.
    pub(in crate::instance) fn acquire(
        &mut self,
        claim: &Claim,
        now: Instant,
        effects: &mut Vec<Effect<I>>,
    ) -> Acquired<I> {
        if self.is_closed {
            return Acquired::Closed;
        }
        if let Some(refusal) = self.check_session(claim, now, effects) {
            return refusal;
        }
        if let Some(instance) = self.free_slot(claim, now, effects) {
            return Acquired::Slot(instance);
        }
        if self.is_bound(claim) {
            return Acquired::Full(self.cap());
        }
        let waiter = self.next_waiter;
        self.waiting.push_back(Waiting { waiter, claim: claim.clone() });
        if self.waiting.len() > self.room() || self.is_sick() || self.has_too_many_sessions() {
            self.waiting.pop_back();
            return self.refuse(effects);
        }
        self.next_waiter += 1;
        self.top_up(effects);
        Acquired::Waiting(waiter)
    }

    /// The caller left before it had a slot.
    pub(in crate::instance) fn cancel(&mut self, waiter: Waiter) {
        self.waiting.retain(|other| other.waiter != waiter);
    }

    /// Gives free slots to waiting calls, in order of their arrival. A call whose session is elsewhere waits on.
    pub(super) fn hand_over(&mut self, is_cold: bool, now: Instant, effects: &mut Vec<Effect<I>>) {
        let mut at = 0;
        while let Some(claim) = self.waiting.get(at).map(|waiting| waiting.claim.clone()) {
            match self.free_slot(&claim, now, effects) {
                Some(instance) => {
                    if let Some(Waiting { waiter, .. }) = self.waiting.remove(at) {
                        effects.push(Effect::Hand { waiter, instance, is_cold });
                    }
                }
                None if self.sessions.is_none() => break,
                None => at += 1,
            }
        }
        self.top_up(effects);
    }

    /// Starts as many instances as the waiting calls need and the cap allows.
    pub(in crate::instance) fn top_up(&mut self, effects: &mut Vec<Effect<I>>) {
        if !self.may_start() {
            return;
        }
        let at_once = if self.ignores_port.is_none() { 1 } else { usize::MAX };
        let allowed = self.cap().saturating_sub(self.in_use()).min(at_once);
        let target = self.wanted().max(self.missing()).min(allowed);
        if target > self.starting {
            self.start(target - self.starting, effects);
        }
    }

    /// The number of instances that the waiting calls need.
    fn wanted(&self) -> usize {
        let by_calls = self.waiting.len().div_ceil(self.rules.concurrency);
        let Some(sessions) = &self.sessions else { return by_calls };
        let claims = self.waiting.iter().map(|waiting| &waiting.claim);
        by_calls.max(sessions.instances_for(sessions.new_ones(claims)))
    }

    /// Ends the sessions whose time is over, and refuses the id of an ended one.
    fn check_session(
        &mut self,
        claim: &Claim,
        now: Instant,
        effects: &mut Vec<Effect<I>>,
    ) -> Option<Acquired<I>> {
        self.expire_sessions(now, effects);
        let sessions = self.sessions.as_mut()?;
        let Claim::Session(id) = claim else { return None };
        match sessions.place(id) {
            Place::Over => Some(Acquired::SessionOver),
            Place::On(instance) => {
                // An unhealthy instance gets no calls, so its session begins anew on another instance.
                let is_sick = |member: &Member<I>| member.instance == instance && !member.is_healthy;
                if self.members.iter().any(is_sick)
                    && let Some(instance) = sessions.close(id)
                {
                    self.retire_after(&instance, effects);
                }
                None
            }
            Place::None => None,
        }
    }

    fn is_bound(&self, claim: &Claim) -> bool {
        let Claim::Session(id) = claim else { return false };
        self.sessions.as_ref().is_some_and(|sessions| matches!(sessions.place(id), Place::On(_)))
    }

    fn free_slot(&mut self, claim: &Claim, now: Instant, effects: &mut Vec<Effect<I>>) -> Option<I> {
        let Rules { concurrency, freezes, .. } = self.rules;
        let sessions = &mut self.sessions;
        let fits = |member: &&mut Member<I>| {
            member.is_free(concurrency)
                && sessions.as_ref().is_none_or(|sessions| sessions.fits(&member.instance, claim))
        };
        let member = self.members.iter_mut().find(fits)?;
        if member.in_flight == 0 && freezes {
            effects.push(Effect::Thaw(member.instance.clone()));
        }
        member.in_flight += 1;
        member.idle_since = None;
        self.ends = 0;
        if let Some(sessions) = sessions {
            sessions.begin(&member.instance, claim, now);
        }
        Some(member.instance.clone())
    }

    /// At the cap: an unhealthy instance makes room for the next call.
    fn refuse(&mut self, effects: &mut Vec<Effect<I>>) -> Acquired<I> {
        let cap = self.cap();
        let sick = self.members.iter_mut().find(|member| !member.is_healthy && !member.is_retired);
        let Some(sick) = sick else { return Acquired::Full(cap) };
        sick.is_retired = true;
        if sick.in_flight == 0 {
            let instance = sick.instance.clone();
            self.dismiss(&instance, effects);
        }
        Acquired::Unhealthy
    }
}
