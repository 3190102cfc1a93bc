//! Who may use which instance of one generation: a state machine without tasks, locks or a clock of its own.
//!
//! Each command is a method. What the pool has to do then is left as [`Effect`]s, in their order.
//!
//! A call takes one of an instance's `instanceConcurrency` slots. A new instance is started only when the
//! others are full; beyond the cap calls are refused. Until the first instance is up no second one is
//! started, because only then is it known whether the program takes the port it is given.

mod effect;

use std::collections::VecDeque;
use std::time::Instant;

pub(super) use effect::{Acquired, Effect, Waiter, Warmth};

/// What the function's settings say about its instances.
#[derive(Debug, Clone, Copy)]
pub(super) struct Rules {
    /// How many calls an instance takes at a time.
    pub(super) concurrency: usize,
    /// How many instances there may be.
    pub(super) instances_max: usize,
    /// Whether an instance is frozen while it has no call.
    pub(super) freezes: bool,
}

/// The instances of one generation, and the calls that use them or wait for them.
#[derive(Debug)]
pub(super) struct Slots<I> {
    rules: Rules,
    members: Vec<Member<I>>,
    starting: usize,
    waiting: VecDeque<Waiter>,
    next_waiter: Waiter,
    /// Instances that were given up and are being stopped.
    leaving: Vec<I>,
    is_closed: bool,
    /// Instances may be started: an older generation no longer holds the port that this one needs.
    is_open: bool,
    /// No further instance is started, also for calls that wait.
    has_ended_starts: bool,
    /// Known after the first start.
    ignores_port: Option<bool>,
    /// How many starts have come to an end, and the number of the latest that failed.
    starts: usize,
    failed_start: Option<usize>,
}

#[derive(Debug)]
struct Member<I> {
    instance: I,
    in_flight: usize,
    is_healthy: bool,
    /// Takes no more calls and is stopped after its last one.
    is_retired: bool,
    idle_since: Option<Instant>,
}

impl<I: Clone + PartialEq> Slots<I> {
    /// Starts nothing before [`Slots::open`] unless `is_open`.
    pub(super) fn new(rules: Rules, ignores_port: Option<bool>, is_open: bool) -> Self {
        Slots {
            rules,
            members: Vec::new(),
            starting: 0,
            waiting: VecDeque::new(),
            next_waiter: 1,
            leaving: Vec::new(),
            is_closed: false,
            is_open,
            has_ended_starts: false,
            ignores_port,
            starts: 0,
            failed_start: None,
        }
    }

    /// A slot for a call, or a place to wait for one. Another instance is started if need be.
    pub(super) fn acquire(&mut self, effects: &mut Vec<Effect<I>>) -> Acquired<I> {
        if self.is_closed {
            return Acquired::Closed;
        }
        if let Some(instance) = self.free_slot(effects) {
            return Acquired::Slot(instance);
        }
        let room = self.cap().saturating_sub(self.in_use()) * self.rules.concurrency;
        if self.waiting.len() >= room {
            return self.refuse(effects);
        }
        let waiter = self.next_waiter;
        self.next_waiter += 1;
        self.waiting.push_back(waiter);
        self.top_up(effects);
        Acquired::Waiting(waiter)
    }

    /// The caller left before it had a slot.
    pub(super) fn cancel(&mut self, waiter: Waiter) {
        self.waiting.retain(|other| *other != waiter);
    }

    /// The call is over.
    pub(super) fn give_back(&mut self, instance: &I, now: Instant, effects: &mut Vec<Effect<I>>) {
        if let Some(member) = self.member(instance) {
            member.in_flight = member.in_flight.saturating_sub(1);
        }
        self.hand_over(false, effects);
        self.settle(instance, now, effects);
    }

    /// A start has led to `instance`, which may listen on the declared port instead of the one it was given.
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
        self.hand_over(true, effects);
        self.settle(instance, now, effects);
    }

    /// A start has failed, and with it the calls that an instance would have taken.
    pub(super) fn start_failed(&mut self, effects: &mut Vec<Effect<I>>) {
        self.starting = self.starting.saturating_sub(1);
        self.starts += 1;
        self.failed_start = Some(self.starts);
        let count = self.waiting.len().min(self.rules.concurrency);
        effects.extend(self.waiting.drain(..count).map(Effect::Fail));
        self.top_up(effects);
    }

    /// A start was given up after [`Effect::EndStarts`].
    pub(super) fn start_ended(&mut self) {
        self.starting = self.starting.saturating_sub(1);
    }

    /// The client of a call left, and the instance may still be busy with it: another one is started, and
    /// this one is stopped when its calls are over.
    pub(super) fn replace(&mut self, instance: &I, effects: &mut Vec<Effect<I>>) {
        self.retire(instance);
        if self.may_start() && !self.is_closed && self.in_use() + self.starting < self.cap() {
            self.start(1, effects);
        }
    }

    /// No further call goes to this instance, for example after it ran into the function's time limit.
    pub(super) fn retire(&mut self, instance: &I) {
        if let Some(member) = self.member(instance) {
            member.is_retired = true;
        }
    }

    /// The instance has ended: by itself, or because it was given up.
    pub(super) fn ended(&mut self, instance: &I, effects: &mut Vec<Effect<I>>) {
        self.members.retain(|member| member.instance != *instance);
        self.leaving.retain(|leaving| leaving != instance);
        self.top_up(effects);
    }

    /// No call goes to an instance that is not healthy.
    pub(super) fn set_healthy(&mut self, instance: &I, is_healthy: bool, effects: &mut Vec<Effect<I>>) {
        if let Some(member) = self.member(instance) {
            member.is_healthy = is_healthy;
        }
        self.hand_over(false, effects);
    }

    /// Since when the instance has no call, if it has none.
    pub(super) fn idle_since(&self, instance: &I) -> Option<Instant> {
        self.members.iter().find(|member| member.instance == *instance)?.idle_since
    }

    /// Stops an instance that has no call.
    pub(super) fn release_idle(&mut self, instance: &I, effects: &mut Vec<Effect<I>>) {
        if self.member(instance).is_some_and(|member| member.in_flight == 0) {
            self.dismiss(instance, effects);
        }
    }

    /// Has an instance started if there is none. The number is for [`Slots::warmth`].
    pub(super) fn warm(&mut self, effects: &mut Vec<Effect<I>>) -> usize {
        let is_wanted = self.members.is_empty() && self.starting == 0 && self.cap() > 0;
        if is_wanted && !self.is_closed && self.may_start() {
            self.start(1, effects);
        }
        self.starts
    }

    /// Whether an instance is there, or why it is not. `before` is from [`Slots::warm`].
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

    /// Takes no further calls. Those that were taken are finished; idle instances are stopped at once, and so
    /// are those that are starting unless a call waits for one.
    pub(super) fn close(&mut self, effects: &mut Vec<Effect<I>>) {
        self.is_closed = true;
        if self.waiting.is_empty() {
            self.end_starts(effects);
        }
        let idle = self.members.iter().filter(|member| member.in_flight == 0);
        let idle: Vec<I> = idle.map(|member| member.instance.clone()).collect();
        for instance in idle {
            self.dismiss(&instance, effects);
        }
    }

    /// Stops the instances with calls for which `is_wanted` says so, by the number of their calls. The calls go on for as
    /// long as the instance does.
    pub(super) fn stop_where(&mut self, is_wanted: impl Fn(&I, usize) -> bool, effects: &mut Vec<Effect<I>>) {
        let busy = self.members.iter().filter(|member| member.in_flight > 0);
        let wanted = busy.filter(|member| is_wanted(&member.instance, member.in_flight));
        let wanted: Vec<I> = wanted.map(|member| member.instance.clone()).collect();
        for instance in wanted {
            self.dismiss(&instance, effects);
        }
    }

    /// Ends every instance at once, whether it has calls, is starting or being stopped, and turns away the
    /// calls that wait.
    pub(super) fn abort(&mut self, effects: &mut Vec<Effect<I>>) {
        self.end_starts(effects);
        effects.extend(self.waiting.drain(..).map(Effect::TurnAway));
        let instances = self.members.iter().map(|member| &member.instance).chain(&self.leaving);
        effects.extend(instances.cloned().map(Effect::Kill));
    }

    /// Whether the program keeps to a port of its own; unknown before the first start.
    pub(super) fn ignores_port(&self) -> Option<bool> {
        self.ignores_port
    }

    /// Whether any instance is there or on its way.
    pub(super) fn is_in_use(&self) -> bool {
        !self.members.is_empty() || self.starting > 0 || !self.waiting.is_empty()
    }

    /// Whether every instance is gone.
    pub(super) fn is_gone(&self) -> bool {
        self.members.is_empty() && self.starting == 0 && self.leaving.is_empty()
    }

    /// How many instances there may be: of a program with a port of its own only one can listen.
    fn cap(&self) -> usize {
        let cap = self.rules.instances_max;
        if self.ignores_port == Some(true) { cap.min(1) } else { cap }
    }

    /// How many instances count towards the cap.
    fn in_use(&self) -> usize {
        self.members.iter().filter(|member| !member.is_retired).count()
    }

    fn may_start(&self) -> bool {
        // A program with a port of its own can only start when the last one has let go of it.
        let has_port = self.ignores_port != Some(true) || self.members.is_empty() && self.leaving.is_empty();
        self.is_open && !self.has_ended_starts && has_port
    }

    fn member(&mut self, instance: &I) -> Option<&mut Member<I>> {
        self.members.iter_mut().find(|member| member.instance == *instance)
    }

    fn free_slot(&mut self, effects: &mut Vec<Effect<I>>) -> Option<I> {
        let Rules { concurrency, freezes, .. } = self.rules;
        let member = self.members.iter_mut().find(|member| member.is_free(concurrency))?;
        if member.in_flight == 0 && freezes {
            effects.push(Effect::Thaw(member.instance.clone()));
        }
        member.in_flight += 1;
        member.idle_since = None;
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

    /// Gives free slots to those who wait, in their order.
    fn hand_over(&mut self, is_cold: bool, effects: &mut Vec<Effect<I>>) {
        while let Some(&waiter) = self.waiting.front() {
            let Some(instance) = self.free_slot(effects) else { break };
            self.waiting.pop_front();
            effects.push(Effect::Hand { waiter, instance, is_cold });
        }
        self.top_up(effects);
    }

    /// Starts as many instances as the waiting calls need and the cap allows.
    fn top_up(&mut self, effects: &mut Vec<Effect<I>>) {
        if !self.may_start() {
            return;
        }
        let wanted = self.waiting.len().div_ceil(self.rules.concurrency);
        let at_once = if self.ignores_port.is_none() { 1 } else { usize::MAX };
        let allowed = self.cap().saturating_sub(self.in_use()).min(at_once);
        let target = wanted.min(allowed);
        if target > self.starting {
            self.start(target - self.starting, effects);
        }
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

    /// What follows when an instance has no call left: stopped if it is retired, else frozen if that is wished.
    fn settle(&mut self, instance: &I, now: Instant, effects: &mut Vec<Effect<I>>) {
        let (is_closed, freezes) = (self.is_closed, self.rules.freezes);
        let Some(member) = self.member(instance) else { return };
        if member.in_flight > 0 {
            return;
        }
        member.idle_since = Some(now);
        // What is frozen is not checked, so it could never be found healthy again.
        if member.is_retired || is_closed || freezes && !member.is_healthy {
            self.dismiss(instance, effects);
        } else if freezes {
            effects.push(Effect::Freeze(instance.clone()));
        }
    }

    /// Takes an instance off the list and has it stopped.
    fn dismiss(&mut self, instance: &I, effects: &mut Vec<Effect<I>>) {
        self.members.retain(|member| member.instance != *instance);
        self.leaving.push(instance.clone());
        effects.push(Effect::Stop(instance.clone()));
    }
}

impl<I> Member<I> {
    fn is_free(&self, concurrency: usize) -> bool {
        self.is_healthy && !self.is_retired && self.in_flight < concurrency
    }
}

#[cfg(test)]
mod tests;
