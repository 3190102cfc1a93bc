//! Slots: the assignment of calls to the instances of one generation. A state machine without tasks, locks or a clock.
//!
//! Each command is a method. The method leaves [`Effect`]s, which the pool carries out in order.
//!
//! A call takes one of an instance's `instanceConcurrency` slots. A new instance is started only when all slots are
//! taken; beyond the cap, calls are refused. The second instance starts only after the first: the first start shows
//! whether the program listens on the given port. If it does not, there is one instance, and calls wait for it as they
//! would for another one. Where each instance has a network of its own there are several, and calls wait beyond the cap.

mod effect;
mod queue;
mod room;
mod seen;
mod sessions;

use std::collections::VecDeque;
use std::time::Instant;

use crate::model::Claim;

pub(super) use effect::{Acquired, Effect, Waiter, Warmth};
use queue::Waiting;
pub(super) use room::Rules;
pub(super) use sessions::{Listed, SessionRules};

use room::Member;
use sessions::Sessions;

/// The instances of one generation, and the calls that use them or wait for them.
#[derive(Debug)]
pub(super) struct Slots<I> {
    rules: Rules,
    members: Vec<Member<I>>,
    starting: usize,
    waiting: VecDeque<Waiting>,
    sessions: Option<Sessions<I>>,
    next_waiter: Waiter,
    /// Instances that are being stopped.
    leaving: Vec<I>,
    is_closed: bool,
    /// Whether starts are allowed. False while an older generation holds the port that this generation needs.
    is_open: bool,
    /// Whether starts have ended for good, even for waiting calls.
    has_ended_starts: bool,
    /// Known after the first start.
    ignores_port: Option<bool>,
    /// The number of finished starts, and the number of the last failed start.
    starts: usize,
    failed_start: Option<usize>,
    /// How many instances have ended by themselves since the last call.
    ends: usize,
}

impl<I: Clone + PartialEq> Slots<I> {
    /// Starts nothing before [`Slots::open`] unless `is_open`.
    pub(super) fn new(rules: Rules, ignores_port: Option<bool>, is_open: bool) -> Self {
        Slots {
            rules,
            members: Vec::new(),
            starting: 0,
            waiting: VecDeque::new(),
            sessions: rules.sessions.map(Sessions::new),
            next_waiter: 1,
            leaving: Vec::new(),
            is_closed: false,
            is_open,
            has_ended_starts: false,
            ignores_port,
            starts: 0,
            failed_start: None,
            ends: 0,
        }
    }

    /// The call is over.
    pub(super) fn give_back(
        &mut self,
        instance: &I,
        claim: &Claim,
        now: Instant,
        effects: &mut Vec<Effect<I>>,
    ) {
        if let Some(member) = self.member(instance) {
            member.in_flight = member.in_flight.saturating_sub(1);
        }
        if let Some(sessions) = &mut self.sessions {
            sessions.end(instance, claim, now);
        }
        self.hand_over(false, now, effects);
        self.settle(instance, now, effects);
    }

    /// A start has ended with `instance`. The program may listen on the declared port instead of the given port.
    pub(super) fn started(
        &mut self,
        instance: &I,
        ignores_port: bool,
        now: Instant,
        effects: &mut Vec<Effect<I>>,
    ) {
        self.starting = self.starting.saturating_sub(1);
        self.starts += 1;
        self.ignores_port = Some(ignores_port);
        self.members.push(Member {
            instance: instance.clone(),
            in_flight: 0,
            is_healthy: true,
            is_retired: false,
            idle_since: Some(now),
        });
        self.hand_over(true, now, effects);
        self.settle(instance, now, effects);
    }

    /// A start has failed. The calls that waited for the instance fail too.
    pub(super) fn start_failed(&mut self, effects: &mut Vec<Effect<I>>) {
        self.starting = self.starting.saturating_sub(1);
        self.starts += 1;
        self.failed_start = Some(self.starts);
        // Where instances start one by one, the other calls would wait for as many failures.
        let is_alone = self.ignores_port != Some(false);
        let count =
            if is_alone { self.waiting.len() } else { self.waiting.len().min(self.rules.concurrency) };
        effects.extend(self.waiting.drain(..count).map(|waiting| Effect::Fail(waiting.waiter)));
        self.top_up(effects);
    }

    /// A start was given up after [`Effect::EndStarts`].
    pub(super) fn start_ended(&mut self) {
        self.starting = self.starting.saturating_sub(1);
    }

    /// The client of a call left, and the instance may still work on the call. Another instance is started, and this
    /// instance is stopped after its calls.
    pub(super) fn replace(&mut self, instance: &I, effects: &mut Vec<Effect<I>>) {
        self.retire(instance);
        if self.may_start() && !self.is_closed && self.in_use() + self.starting < self.cap() {
            self.start(1, effects);
        }
    }

    /// Retires an instance, for example after a time-out: the instance gets no further call.
    pub(super) fn retire(&mut self, instance: &I) {
        if let Some(member) = self.member(instance) {
            member.is_retired = true;
        }
        self.unbind(instance);
    }

    /// The instance has ended, by itself or after a stop.
    pub(super) fn ended(&mut self, instance: &I, effects: &mut Vec<Effect<I>>) {
        let before = self.members.len();
        self.members.retain(|member| member.instance != *instance);
        self.ends += before - self.members.len();
        self.leaving.retain(|leaving| leaving != instance);
        self.unbind(instance);
        self.top_up(effects);
    }

    /// Sets the health of an instance. An unhealthy instance gets no calls.
    pub(super) fn set_healthy(
        &mut self,
        instance: &I,
        is_healthy: bool,
        now: Instant,
        effects: &mut Vec<Effect<I>>,
    ) {
        if let Some(member) = self.member(instance) {
            member.is_healthy = is_healthy;
        }
        self.hand_over(false, now, effects);
    }

    /// Since when the instance has been idle. `None` if the instance has a call.
    pub(super) fn idle_since(&self, instance: &I) -> Option<Instant> {
        self.members.iter().find(|member| member.instance == *instance)?.idle_since
    }

    /// Stops an instance if it is idle, has no session, and is not one of those that are kept.
    pub(super) fn release_idle(&mut self, instance: &I, now: Instant, effects: &mut Vec<Effect<I>>) {
        self.expire_sessions(now, effects);
        if self.sessions.as_ref().is_some_and(|sessions| sessions.count(instance) > 0) {
            return;
        }
        if !self.is_closed && self.in_use() <= self.rules.instances_min {
            return;
        }
        if self.member(instance).is_some_and(|member| member.in_flight == 0) {
            self.dismiss(instance, effects);
        }
    }

    /// Starts an instance if there is none, and those that are kept. Gives the number of starts for [`Slots::warmth`].
    pub(super) fn warm(&mut self, effects: &mut Vec<Effect<I>>) -> usize {
        self.top_up(effects);
        let is_wanted = self.members.is_empty() && self.starting == 0 && self.cap() > 0;
        if is_wanted && !self.is_closed && self.may_start() {
            self.start(1, effects);
        }
        self.starts
    }

    /// Whether there is an instance, and if not, why. `before` is from [`Slots::warm`].
    pub(super) fn warmth(&self, before: usize) -> Warmth {
        if self.is_closed {
            Warmth::Closed
        } else if !self.members.is_empty() {
            Warmth::Done
        } else if self.starts > before && self.failed_start == Some(self.starts) {
            Warmth::Failed
        } else if self.starting == 0 {
            Warmth::Done
        } else {
            Warmth::Pending
        }
    }

    /// Lets instances be started.
    pub(super) fn open(&mut self, effects: &mut Vec<Effect<I>>) {
        self.is_open = true;
        self.top_up(effects);
    }

    /// Takes no further calls. Calls in progress are finished. Idle instances are stopped at once, and so are
    /// starting ones, unless a call waits for them. Before [`Slots::open`] no start will come, and waiting calls are
    /// turned away.
    pub(super) fn close(&mut self, effects: &mut Vec<Effect<I>>) {
        self.is_closed = true;
        if !self.is_open {
            effects.extend(self.waiting.drain(..).map(|waiting| Effect::TurnAway(waiting.waiter)));
        }
        if self.waiting.is_empty() {
            self.end_starts(effects);
        }
        self.stop_idle(effects);
    }

    /// Stops the idle instances. Gives their number.
    pub(super) fn stop_idle(&mut self, effects: &mut Vec<Effect<I>>) -> usize {
        let idle = self.members.iter().filter(|member| member.in_flight == 0);
        let idle: Vec<I> = idle.map(|member| member.instance.clone()).collect();
        for instance in &idle {
            self.dismiss(instance, effects);
        }
        idle.len()
    }

    /// Stops the busy instances that `is_wanted` selects by instance and number of calls. Their calls go on until the
    /// instance ends.
    pub(super) fn stop_where(&mut self, is_wanted: impl Fn(&I, usize) -> bool, effects: &mut Vec<Effect<I>>) {
        let busy = self.members.iter().filter(|member| member.in_flight > 0);
        let wanted = busy.filter(|member| is_wanted(&member.instance, member.in_flight));
        let wanted: Vec<I> = wanted.map(|member| member.instance.clone()).collect();
        for instance in wanted {
            self.dismiss(&instance, effects);
        }
    }

    /// Ends every instance at once, in any state. Waiting calls are refused.
    pub(super) fn abort(&mut self, effects: &mut Vec<Effect<I>>) {
        self.end_starts(effects);
        effects.extend(self.waiting.drain(..).map(|waiting| Effect::TurnAway(waiting.waiter)));
        let instances = self.members.iter().map(|member| &member.instance).chain(&self.leaving);
        effects.extend(instances.cloned().map(Effect::Kill));
    }

    /// Whether the program listens on a fixed port instead of the given port. Unknown before the first start.
    pub(super) fn ignores_port(&self) -> Option<bool> {
        self.ignores_port
    }

    /// Whether an instance is running or starting.
    pub(super) fn is_in_use(&self) -> bool {
        !self.members.is_empty() || self.starting > 0 || !self.waiting.is_empty()
    }

    /// Whether waiting calls wait for a start, not for other calls.
    pub(super) fn awaits_start(&self) -> bool {
        self.starting > 0 || self.members.is_empty()
    }

    /// Whether every instance is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.members.is_empty() && self.starting == 0 && self.leaving.is_empty()
    }

    fn may_start(&self) -> bool {
        // A program with a fixed port can start only after the last instance has released the port.
        let has_port = self.ignores_port != Some(true) || self.members.is_empty() && self.leaving.is_empty();
        self.is_open && !self.has_ended_starts && has_port
    }

    fn member(&mut self, instance: &I) -> Option<&mut Member<I>> {
        self.members.iter_mut().find(|member| member.instance == *instance)
    }

    fn start(&mut self, count: usize, effects: &mut Vec<Effect<I>>) {
        self.starting += count;
        effects.push(Effect::Start(count));
    }

    fn end_starts(&mut self, effects: &mut Vec<Effect<I>>) {
        if !std::mem::replace(&mut self.has_ended_starts, true) {
            effects.push(Effect::EndStarts);
        }
    }

    /// Handles an instance that became idle: a retired instance is stopped, another is frozen if the settings say so.
    fn settle(&mut self, instance: &I, now: Instant, effects: &mut Vec<Effect<I>>) {
        let (is_closed, freezes) = (self.is_closed, self.rules.freezes);
        let Some(member) = self.member(instance) else { return };
        if member.in_flight > 0 {
            return;
        }
        member.idle_since = Some(now);
        // A frozen instance gets no health checks, so an unhealthy instance would stay unhealthy.
        if member.is_retired || is_closed || freezes && !member.is_healthy {
            self.dismiss(instance, effects);
        } else if freezes {
            effects.push(Effect::Freeze(instance.clone()));
        }
    }

    /// Removes an instance from the list, and stops it.
    fn dismiss(&mut self, instance: &I, effects: &mut Vec<Effect<I>>) {
        self.unbind(instance);
        self.members.retain(|member| member.instance != *instance);
        self.leaving.push(instance.clone());
        effects.push(Effect::Stop(instance.clone()));
    }
}

#[cfg(test)]
mod tests;
