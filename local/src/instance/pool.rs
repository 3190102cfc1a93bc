//! The instances of one generation of a function: a lock around their [`Slots`], and the tasks that start them.

mod ends;
mod freeze;
mod kept;
mod lease;
mod look;
mod sessions;
mod usage;

use std::collections::HashMap;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::time::{Instant, timeout_at};
use tokio_util::sync::CancellationToken;

pub(crate) use lease::Lease;

use super::generation::Generation;
use super::instance::Instance;
use super::slots::{Acquired, Effect, Rules, SessionRules, Slots, Waiter, Warmth};
use super::start::{Started, start};
use super::supervisor::{Change, Owner, supervise};
use crate::event::{Cause, Kind};
use crate::failure::Failure;
use crate::model::Claim;
use crate::process::Order;

/// Why no instance takes a call.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A newer generation has replaced this generation.
    Closed,
    Failed(Failure),
}

/// The instances of one generation.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) generation: Arc<Generation>,
    state: Mutex<State>,
    changed: Notify,
    /// The number of calls that have a slot.
    leases: AtomicUsize,
    /// The number of calls that found no instance.
    refused: AtomicUsize,
    /// Cancels the starts in progress.
    no_more_starts: CancellationToken,
    /// Asks the WebSockets of the instances to end.
    farewell: CancellationToken,
    /// The generation takes no further calls.
    closed: CancellationToken,
    /// Whether instances are kept. A disabled function keeps none.
    is_kept: AtomicBool,
}

#[derive(Debug)]
struct State {
    slots: Slots<Arc<Instance>>,
    waiting: HashMap<Waiter, Ticket>,
    /// How the last start failed, if it did.
    last_failure: Option<Failure>,
    /// When the last start ended.
    last_start: Option<Instant>,
}

/// A waiting call: what it needs, and the way to it.
#[derive(Debug)]
struct Ticket {
    claim: Claim,
    sender: oneshot::Sender<Handed>,
}

/// The result for a waiting call.
type Handed = Result<Lease, Failure>;

type Effects = Vec<Effect<Arc<Instance>>>;

impl Pool {
    /// Starts nothing before [`Pool::open`] unless `is_open`.
    pub(crate) fn new(generation: Arc<Generation>, ignores_port: Option<bool>, is_open: bool) -> Arc<Self> {
        let function = &generation.function;
        let instances_min = generation.kept(jiff::Timestamp::now()).count;
        generation.fleet.set_kept(instances_min);
        let rules = Rules {
            concurrency: function.concurrency,
            instances_max: function.local.instances_max(),
            instances_min,
            alone_max: function.local.instances_of_platform() * function.concurrency,
            waits_at_cap: generation.keeps_port(),
            freezes: function.local.freeze || generation.pre_freeze().is_some(),
            sessions: function.affinity.as_ref().map(|affinity| SessionRules {
                per_instance: affinity.sessions_per_instance,
                is_isolated: affinity.is_isolated,
                terms: affinity.terms(),
            }),
        };
        let slots = Slots::new(rules, ignores_port, is_open);
        let state = State { slots, waiting: HashMap::new(), last_failure: None, last_start: None };
        Arc::new(Pool {
            generation,
            state: Mutex::new(state),
            changed: Notify::new(),
            leases: AtomicUsize::new(0),
            refused: AtomicUsize::new(0),
            no_more_starts: CancellationToken::new(),
            farewell: CancellationToken::new(),
            closed: CancellationToken::new(),
            is_kept: AtomicBool::new(true),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Gives the slots a command and carries out its effects.
    fn change<T>(self: &Arc<Self>, command: impl FnOnce(&mut Slots<Arc<Instance>>, &mut Effects) -> T) -> T {
        // An empty `Vec` allocates nothing.
        let mut effects = Effects::new();
        let mut state = self.lock();
        let outcome = command(&mut state.slots, &mut effects);
        self.carry_out(state, effects);
        outcome
    }

    /// A call has given its slot back. What that changes is an effect, so without effects nobody is told.
    fn take_back(self: &Arc<Self>, instance: &Arc<Instance>, claim: &Claim, now: std::time::Instant) {
        let mut effects = Effects::new();
        let mut state = self.lock();
        state.slots.give_back(instance, claim, now, &mut effects);
        if !effects.is_empty() {
            self.carry_out(state, effects);
        }
    }

    /// Carries out the effects. Orders are given under the lock, so that guards get them in the order of the decisions.
    /// Calls get their slots after the release: a slot whose call is gone comes back at once, and takes the lock.
    fn carry_out(self: &Arc<Self>, mut state: MutexGuard<'_, State>, effects: Effects) {
        let mut handed = Vec::new();
        for effect in effects {
            match effect {
                Effect::Hand { waiter, instance, is_cold } => {
                    // The slots know only calls that are on this list.
                    let Some(Ticket { claim, sender }) = state.waiting.remove(&waiter) else { continue };
                    handed.push((
                        sender,
                        Ok(Lease::new(instance, self, claim, is_cold, Instant::now().into_std())),
                    ));
                }
                Effect::Fail(waiter) => {
                    if let Some(failure) = state.last_failure.clone()
                        && let Some(Ticket { sender, .. }) = state.waiting.remove(&waiter)
                    {
                        handed.push((sender, Err(failure)));
                    }
                }
                Effect::TurnAway(waiter) => drop(state.waiting.remove(&waiter)),
                Effect::Start(count) => {
                    for _ in 0..count {
                        let pool = Arc::clone(self);
                        self.generation.tasks.spawn(async move { pool.start_one().await });
                    }
                }
                Effect::EndStarts => self.no_more_starts.cancel(),
                Effect::Thaw(instance) => instance.process.order(Order::Thaw),
                Effect::Freeze(instance) if self.generation.pre_freeze().is_none() => {
                    instance.process.order(Order::Freeze);
                }
                Effect::Freeze(instance) => {
                    let (pool, since) = (Arc::clone(self), state.slots.idle_since(&instance));
                    self.generation.tasks.spawn(async move { pool.freeze(instance, since).await });
                }
                Effect::Stop(instance) => instance.retired.cancel(),
                Effect::Kill(instance) => instance.kill(),
            }
        }
        drop(state);
        for (sender, outcome) in handed {
            // If the caller is gone, the lease is dropped here, and the next call gets the slot.
            drop(sender.send(outcome));
        }
        self.changed.notify_waiters();
    }

    /// Leases a slot, and starts an instance if needed. `is_cold` says whether the call waits, or has waited, for a start:
    /// also when the start fails, or the future is dropped. A call that waits for other calls waits for as long as it may
    /// last itself.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives back a slot that was just assigned.
    pub(crate) async fn acquire(
        self: &Arc<Self>,
        claim: Claim,
        is_cold: &mut bool,
    ) -> Result<Lease, Refusal> {
        let begin = Instant::now();
        let place = {
            let mut effects = Effects::new();
            let mut state = self.lock();
            let place = match state.slots.acquire(&claim, begin.into_std(), &mut effects) {
                Acquired::Waiting(waiter) => {
                    let (sender, handed) = oneshot::channel();
                    state.waiting.insert(waiter, Ticket { claim, sender });
                    Ok(Place { pool: self, waiter, handed })
                }
                Acquired::Slot(instance) => {
                    Err(Ok(Lease::new(instance, self, claim, false, begin.into_std())))
                }
                Acquired::SessionOver => Err(Err(Refusal::Failed(Failure::session_over()))),
                Acquired::Full(cap) => {
                    self.refused.fetch_add(1, Ordering::Relaxed);
                    Err(Err(Refusal::Failed(Failure::exhausted(&self.generation.name, cap))))
                }
                Acquired::Unhealthy => Err(Err(Refusal::Failed(self.unhealthy()))),
                Acquired::Closed => Err(Err(Refusal::Closed)),
            };
            *is_cold = place.is_ok() && state.slots.awaits_start();
            if !effects.is_empty() {
                self.carry_out(state, effects);
            }
            place
        };
        let mut place = match place {
            Ok(place) => place,
            Err(outcome) => return outcome,
        };
        match self.handed(&mut place, begin).await.ok_or_else(|| self.waited_too_long())? {
            Ok(Ok(lease)) => {
                // Another call may have given a slot back before the start ended.
                *is_cold = lease.is_cold;
                Ok(lease)
            }
            Ok(Err(failure)) => Err(Refusal::Failed(failure)),
            Err(_) => Err(Refusal::Closed),
        }
    }

    /// Waits for the outcome of a waiting call. `None` after the function's time; the time of starts does not count.
    async fn handed(
        &self,
        place: &mut Place<'_>,
        begin: Instant,
    ) -> Option<Result<Handed, oneshot::error::RecvError>> {
        let limit = self.generation.function.timeout;
        let mut deadline = begin + limit;
        loop {
            if let Ok(handed) = timeout_at(deadline, &mut place.handed).await {
                return Some(handed);
            }
            let state = self.lock();
            let now = Instant::now();
            let since = state.last_start.map_or(begin, |start| start.max(begin));
            deadline = if state.slots.awaits_start() { now + limit } else { since + limit };
            // The outcome may be there by now.
            if deadline <= now && state.waiting.contains_key(&place.waiter) {
                return None;
            }
        }
    }

    fn waited_too_long(&self) -> Refusal {
        let function = &self.generation.function;
        let cap = self.lock().slots.cap();
        self.refused.fetch_add(1, Ordering::Relaxed);
        Refusal::Failed(Failure::exhausted_after(&function.name, cap, function.timeout))
    }

    fn unhealthy(&self) -> Failure {
        let path = self.generation.function.health.as_ref().map_or("", |check| &check.path);
        Failure::health_check_failed(path, "the instance is unhealthy; the next call gets another one")
    }

    /// Waits for an instance, but takes no slot. Starts an instance if there is none.
    pub(crate) async fn warm(self: &Arc<Self>) -> Result<(), Refusal> {
        let before = self.change(Slots::warm);
        loop {
            let changed = self.changed.notified();
            {
                let state = self.lock();
                match (state.slots.warmth(before), &state.last_failure) {
                    (Warmth::Closed, _) => return Err(Refusal::Closed),
                    (Warmth::Failed, Some(failure)) => return Err(Refusal::Failed(failure.clone())),
                    (Warmth::Done | Warmth::Failed, _) => return Ok(()),
                    (Warmth::Pending, _) => {}
                }
            }
            changed.await;
        }
    }

    async fn start_one(self: Arc<Self>) {
        let begin = Instant::now();
        let outcome = tokio::select! {
            outcome = async {
                self.generation.delay_start().await;
                start(&self.generation).await
            } => outcome,
            // Dropping the start ends its process.
            () = self.no_more_starts.cancelled() => {
                return self.change(|slots, _| slots.start_ended());
            }
        };
        let log = &self.generation.log;
        match outcome {
            Ok(Started { instance, ignores_port }) => {
                let (process_id, duration) = (instance.process.pid(), begin.elapsed());
                log.emit(&instance.source, Kind::InstanceStarted { process_id, duration });
                let now = Instant::now().into_std();
                let mut effects = Effects::new();
                let mut state = self.lock();
                state.last_start = Some(Instant::now());
                if self.generation.keeps_port() {
                    state.slots.wait_at_cap();
                }
                state.slots.started(&instance, ignores_port, now, &mut effects);
                self.carry_out(state, effects);
                // Not earlier: the supervisor reports an end only of an instance that the slots know.
                self.generation.tasks.spawn(supervise(instance, Arc::clone(&self)));
            }
            Err(failure) => {
                log.emit(&self.generation.source(), Kind::InstanceStartFailed(Cause::from(&failure)));
                let mut effects = Effects::new();
                let mut state = self.lock();
                self.generation.note(&failure);
                state.last_failure = Some(failure);
                state.last_start = Some(Instant::now());
                state.slots.start_failed(&mut effects);
                self.carry_out(state, effects);
            }
        }
    }

    /// Whether the program listens on a fixed port instead of the given port. Unknown before the first start.
    pub(crate) fn ignores_port(&self) -> Option<bool> {
        self.lock().slots.ignores_port()
    }

    /// Whether an instance has the session.
    pub(crate) fn has_session(&self, id: &str) -> bool {
        self.lock().slots.has_session(id)
    }

    /// Whether an instance is running or starting.
    pub(crate) fn is_in_use(&self) -> bool {
        self.lock().slots.is_in_use()
    }

    /// Allows starts, if [`Pool::new`] did not.
    pub(crate) fn open(self: &Arc<Self>) {
        self.change(Slots::open);
    }

    /// The number of calls in flight, and of calls that wait for an instance.
    pub(crate) fn calls(&self) -> usize {
        self.leases.load(Ordering::Relaxed) + self.lock().waiting.len()
    }
}

impl Owner for Arc<Pool> {
    fn idle_since(&self, instance: &Arc<Instance>) -> Option<Instant> {
        self.lock().slots.idle_since(instance).map(Instant::from_std)
    }

    fn changed(&self, instance: &Arc<Instance>, change: Change) {
        let now = Instant::now().into_std();
        self.change(|slots, effects| match change {
            Change::Healthy => slots.set_healthy(instance, true, now, effects),
            Change::Unhealthy => slots.set_healthy(instance, false, now, effects),
            Change::Idle => slots.release_idle(instance, now, effects),
            Change::Ended => slots.ended(instance, effects),
        });
    }
}

/// The place of a call that waits for a slot. Its drop gives the place up.
struct Place<'a> {
    pool: &'a Arc<Pool>,
    waiter: Waiter,
    handed: oneshot::Receiver<Handed>,
}

impl Drop for Place<'_> {
    fn drop(&mut self) {
        let mut state = self.pool.lock();
        state.slots.cancel(self.waiter);
        let sender = state.waiting.remove(&self.waiter);
        drop(state);
        drop(sender);
    }
}
