//! How many instances and waiting calls there may be.

use std::time::Instant;

use super::{SessionRules, Slots};

/// How many instances may end by themselves without a call in between, before none is started to be kept.
const ENDS_MAX: usize = 10;

/// The settings of a function for its instances.
#[derive(Debug, Clone, Copy)]
pub(in crate::instance) struct Rules {
    /// The most calls of one instance at a time.
    pub(in crate::instance) concurrency: usize,
    /// The most instances.
    pub(in crate::instance) instances_max: usize,
    /// The most calls on the instances of a program that keeps to its port, and waiting for them.
    pub(in crate::instance) alone_max: usize,
    /// The instances that are kept although nothing calls them.
    pub(in crate::instance) instances_min: usize,
    /// Whether an instance is frozen while it has no call.
    pub(in crate::instance) freezes: bool,
    /// Whether calls wait where the cap is reached, as if there could be more instances.
    pub(in crate::instance) waits_at_cap: bool,
    /// Session affinity, if calls of one session go to one instance.
    pub(in crate::instance) sessions: Option<SessionRules>,
}

/// An instance with its calls.
#[derive(Debug)]
pub(super) struct Member<I> {
    pub(super) instance: I,
    pub(super) in_flight: usize,
    pub(super) is_healthy: bool,
    /// Takes no more calls and is stopped after its last one.
    pub(super) is_retired: bool,
    pub(super) idle_since: Option<Instant>,
}

impl<I> Slots<I> {
    /// The most instances. Only one instance of a program with a fixed port can run.
    pub(in crate::instance) fn cap(&self) -> usize {
        let cap = self.rules.instances_max;
        if self.ignores_port == Some(true) { cap.min(1) } else { cap }
    }

    /// From now on calls wait also where the cap is reached.
    pub(in crate::instance) fn wait_at_cap(&mut self) {
        self.rules.waits_at_cap = true;
    }

    /// Sets how many instances are kept from now on.
    pub(in crate::instance) fn set_kept(&mut self, count: usize) {
        self.rules.instances_min = count;
    }

    /// The places for waiting calls.
    pub(super) fn room(&self) -> usize {
        if self.ignores_port == Some(false) && !self.rules.waits_at_cap {
            return self.cap().saturating_sub(self.in_use()) * self.rules.concurrency;
        }
        let in_flight: usize = self.members.iter().map(|member| member.in_flight).sum();
        self.rules.alone_max.saturating_sub(in_flight)
    }

    /// Whether every instance is unhealthy, and no other may start.
    pub(super) fn is_sick(&self) -> bool {
        let mut used = self.members.iter().filter(|member| !member.is_retired).peekable();
        used.peek().is_some() && used.all(|member| !member.is_healthy) && self.in_use() >= self.cap()
    }

    /// Whether more sessions wait than the running instances and those that may still start have room for.
    pub(super) fn has_too_many_sessions(&self) -> bool
    where
        I: Clone + PartialEq,
    {
        let Some(sessions) = &self.sessions else { return false };
        let used = self.members.iter().filter(|member| member.is_healthy && !member.is_retired);
        let free: usize = used.map(|member| sessions.room(&member.instance)).sum();
        let new = sessions.new_ones(self.waiting.iter().map(|waiting| &waiting.claim));
        sessions.instances_for(new.saturating_sub(free)) > self.cap().saturating_sub(self.in_use())
    }

    /// The number of instances that are to be kept and do not run.
    pub(super) fn missing(&self) -> usize {
        // A failed start is not tried again at once, but by a call that waits.
        let has_failed = self.failed_start == Some(self.starts) || self.ends >= ENDS_MAX;
        if self.is_closed || has_failed { 0 } else { self.rules.instances_min.saturating_sub(self.in_use()) }
    }

    /// The instances with their numbers of calls.
    pub(in crate::instance) fn calls(&self) -> Vec<(I, usize)>
    where
        I: Clone,
    {
        self.members.iter().map(|member| (member.instance.clone(), member.in_flight)).collect()
    }

    /// The number of starts under way, and of those that have ended.
    pub(in crate::instance) fn starts(&self) -> (usize, usize) {
        (self.starting, self.starts)
    }

    /// The number of instances that count towards the cap.
    pub(super) fn in_use(&self) -> usize {
        self.members.iter().filter(|member| !member.is_retired).count()
    }
}

impl<I> Member<I> {
    pub(super) fn is_free(&self, concurrency: usize) -> bool {
        self.is_healthy && !self.is_retired && self.in_flight < concurrency
    }
}
