//! The instances of one generation of a function, and who may use them.
//!
//! A call takes a [`Lease`]: one of an instance's `instanceConcurrency` slots. A new instance is started
//! only when the others are full; beyond the cap calls are refused. Until the first instance is up no
//! second one is started, because only then is it known whether the program takes the port it is given.

use std::collections::VecDeque;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::{Notify, oneshot};
use tokio::time::Instant;
use tokio_util::sync::CancellationToken;

use super::keeper::keep;
use super::lease::Lease;
use super::start::{Started, start};
use super::{Generation, Instance};
use crate::failure::Failure;
use crate::process::Order;

/// Why no instance takes a call.
#[derive(Debug)]
pub(crate) enum Refusal {
    /// A newer generation has taken this one's place.
    Closed,
    Failed(Failure),
}

/// The instances of one generation.
#[derive(Debug)]
pub(crate) struct Pool {
    pub(crate) generation: Arc<Generation>,
    state: Mutex<State>,
    changed: Notify,
    /// Ends the starts under way.
    no_more_starts: CancellationToken,
}

#[derive(Debug)]
struct State {
    members: Vec<Member>,
    starting: usize,
    waiting: VecDeque<Waiter>,
    /// Instances that were given up and are being stopped.
    leaving: Vec<Arc<Instance>>,
    is_closed: bool,
    /// Instances may be started: an older generation no longer holds the port that this one needs.
    is_open: bool,
    /// Known after the first start.
    ignores_port: Option<bool>,
    /// How many starts have come to an end, and how the last one failed if it did.
    starts: usize,
    last_failure: Option<Failure>,
}

#[derive(Debug)]
struct Member {
    instance: Arc<Instance>,
    in_flight: usize,
    is_healthy: bool,
    /// Takes no more calls and is stopped after its last one.
    is_retired: bool,
    idle_since: Option<Instant>,
}

/// A call that waits for a slot.
type Waiter = oneshot::Sender<Result<Lease, Failure>>;

/// What has to be done once the lock is released.
#[derive(Default)]
struct Todo {
    handed: Vec<(Waiter, Result<Lease, Failure>)>,
    starts: usize,
}

impl Pool {
    pub(crate) fn new(generation: Arc<Generation>, ignores_port: Option<bool>, is_open: bool) -> Arc<Self> {
        let state = State {
            members: Vec::new(),
            starting: 0,
            waiting: VecDeque::new(),
            leaving: Vec::new(),
            is_closed: false,
            is_open,
            ignores_port,
            starts: 0,
            last_failure: None,
        };
        Arc::new(Pool {
            generation,
            state: Mutex::new(state),
            changed: Notify::new(),
            no_more_starts: CancellationToken::new(),
        })
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn cap(&self, state: &State) -> usize {
        let cap = self.generation.function.local.max_instances;
        if state.ignores_port == Some(true) { cap.min(1) } else { cap }
    }

    /// A slot on an instance, which is started if need be.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives a slot that was just handed over back.
    pub(crate) async fn acquire(self: &Arc<Self>) -> Result<Lease, Refusal> {
        let receiver = {
            let mut state = self.lock();
            if state.is_closed {
                return Err(Refusal::Closed);
            }
            if let Some(lease) = self.free_slot(&mut state, false) {
                return Ok(lease);
            }
            let function = &self.generation.function;
            let used = state.members.iter().filter(|member| !member.is_retired).count();
            let room = (self.cap(&state).saturating_sub(used)) * function.concurrency;
            if state.waiting.iter().filter(|waiter| !waiter.is_closed()).count() >= room {
                return Err(self.refuse(&mut state));
            }
            let (sender, receiver) = oneshot::channel();
            state.waiting.push_back(sender);
            let todo = self.top_up(&mut state);
            drop(state);
            self.carry_out(todo);
            receiver
        };
        match receiver.await {
            Ok(Ok(lease)) => Ok(lease),
            Ok(Err(failure)) => Err(Refusal::Failed(failure)),
            Err(_) => Err(Refusal::Closed),
        }
    }

    /// Waits until an instance is there, and has one started if there is none. It takes no slot.
    pub(crate) async fn warm(self: &Arc<Self>) -> Result<(), Refusal> {
        let before = {
            let mut state = self.lock();
            if state.members.is_empty() && state.starting == 0 && self.cap(&state) > 0 {
                state.starting = 1;
                let todo = Todo { starts: 1, ..Todo::default() };
                self.carry_out(todo);
            }
            state.starts
        };
        loop {
            let changed = self.changed.notified();
            {
                let state = self.lock();
                if state.is_closed {
                    return Err(Refusal::Closed);
                }
                match &state.last_failure {
                    _ if !state.members.is_empty() => return Ok(()),
                    Some(failure) if state.starts > before => return Err(Refusal::Failed(failure.clone())),
                    _ if state.starting == 0 => return Ok(()),
                    _ => {}
                }
            }
            changed.await;
        }
    }

    /// At the cap: an unhealthy instance with nothing to do makes room for the next call.
    fn refuse(&self, state: &mut State) -> Refusal {
        let function = &self.generation.function;
        let cap = self.cap(state);
        let Some(sick) = state.members.iter_mut().find(|member| !member.is_healthy && !member.is_retired)
        else {
            return Refusal::Failed(Failure::exhausted(&function.name, cap));
        };
        sick.is_retired = true;
        let instance = Arc::clone(&sick.instance);
        let is_unused = sick.in_flight == 0;
        if is_unused {
            Self::dismiss(state, &instance);
        }
        let path = function.health.as_ref().map_or("", |check| &check.path);
        Refusal::Failed(Failure::health_check_failed(
            path,
            "the instance is unhealthy; the next call gets another one",
        ))
    }

    fn free_slot(self: &Arc<Self>, state: &mut State, is_cold: bool) -> Option<Lease> {
        let concurrency = self.generation.function.concurrency;
        let member = state.members.iter_mut().find(|member| member.is_free(concurrency))?;
        if member.in_flight == 0 && self.generation.function.local.freeze {
            member.instance.process.order(Order::Thaw);
        }
        member.in_flight += 1;
        member.idle_since = None;
        Some(Lease { instance: Arc::clone(&member.instance), pool: Arc::clone(self), is_cold })
    }

    /// Starts as many instances as the waiting calls need and the cap allows.
    fn top_up(self: &Arc<Self>, state: &mut State) -> Todo {
        let mut todo = Todo::default();
        if !state.is_open || self.no_more_starts.is_cancelled() {
            return todo;
        }
        let concurrency = self.generation.function.concurrency;
        let used = state.members.iter().filter(|member| !member.is_retired).count();
        let wanted = state.waiting.iter().filter(|waiter| !waiter.is_closed()).count().div_ceil(concurrency);
        let at_once = if state.ignores_port.is_none() { 1 } else { usize::MAX };
        let allowed = self.cap(state).saturating_sub(used).min(at_once);
        // A program with a port of its own can only start when the last one has let go of it.
        let allowed = if state.ignores_port == Some(true) && !state.leaving.is_empty() { 0 } else { allowed };
        let target = wanted.min(allowed);
        if target > state.starting {
            todo.starts = target - state.starting;
            state.starting = target;
        }
        todo
    }

    /// Gives free slots to those who wait, in their order.
    fn hand_over(self: &Arc<Self>, state: &mut State, is_cold: bool) -> Todo {
        let mut todo = Todo::default();
        while let Some(waiter) = state.waiting.pop_front() {
            if waiter.is_closed() {
                continue;
            }
            let Some(lease) = self.free_slot(state, is_cold) else {
                state.waiting.push_front(waiter);
                break;
            };
            todo.handed.push((waiter, Ok(lease)));
        }
        todo.starts = self.top_up(state).starts;
        todo
    }

    fn carry_out(self: &Arc<Self>, todo: Todo) {
        for (waiter, outcome) in todo.handed {
            // The caller may be gone by now: then the lease comes back, and its drop hands it on.
            drop(waiter.send(outcome));
        }
        for _ in 0..todo.starts {
            let pool = Arc::clone(self);
            self.generation.tasks.spawn(async move { pool.start_one().await });
        }
        self.changed.notify_waiters();
    }

    async fn start_one(self: Arc<Self>) {
        let begin = Instant::now();
        let outcome = tokio::select! {
            outcome = start(&self.generation) => outcome,
            // Dropping the start ends its process.
            () = self.no_more_starts.cancelled() => {
                self.lock().starting -= 1;
                self.changed.notify_waiters();
                return;
            }
        };
        let log = &self.generation.log;
        let mut state = self.lock();
        state.starting -= 1;
        state.starts += 1;
        state.last_failure = outcome.as_ref().err().cloned();
        let todo = match outcome {
            Ok(Started { instance, ignores_port }) => {
                log.info(
                    &instance.source,
                    format!(
                        "started in {} ms, process {}",
                        begin.elapsed().as_millis(),
                        instance.process.pid()
                    ),
                );
                state.ignores_port = Some(ignores_port);
                state.members.push(Member {
                    instance: Arc::clone(&instance),
                    in_flight: 0,
                    is_healthy: true,
                    is_retired: false,
                    idle_since: Some(Instant::now()),
                });
                self.generation.tasks.spawn(keep(Arc::clone(&self), Arc::clone(&instance)));
                let todo = self.hand_over(&mut state, true);
                self.settle(&mut state, &instance);
                todo
            }
            Err(failure) => {
                log.error(&self.generation.source(), format!("cannot start: {}", failure.message()));
                let count = state.waiting.len().min(self.generation.function.concurrency);
                let mut todo = Todo::default();
                let failed = state.waiting.drain(..count);
                todo.handed = failed.map(|waiter| (waiter, Err(failure.clone()))).collect();
                todo.starts = self.top_up(&mut state).starts;
                todo
            }
        };
        drop(state);
        self.carry_out(todo);
    }

    pub(super) fn give_back(self: &Arc<Self>, instance: &Arc<Instance>) {
        let mut state = self.lock();
        if let Some(member) = state.member(instance) {
            member.in_flight -= 1;
        }
        let todo = self.hand_over(&mut state, false);
        self.settle(&mut state, instance);
        drop(state);
        self.carry_out(todo);
    }

    /// What follows when an instance has no call left: stopped if it is retired, else frozen if that is wished.
    fn settle(&self, state: &mut State, instance: &Arc<Instance>) {
        let is_closed = state.is_closed;
        let Some(member) = state.member(instance) else { return };
        if member.in_flight > 0 {
            return;
        }
        member.idle_since = Some(Instant::now());
        let freeze = self.generation.function.local.freeze;
        // What is frozen is not checked, so it could never be found healthy again.
        if member.is_retired || is_closed || freeze && !member.is_healthy {
            Self::dismiss(state, instance);
        } else if freeze {
            instance.process.order(Order::Freeze);
        }
    }

    /// Takes an instance off the list and has it stopped.
    fn dismiss(state: &mut State, instance: &Arc<Instance>) {
        state.members.retain(|member| !Arc::ptr_eq(&member.instance, instance));
        state.leaving.push(Arc::clone(instance));
        instance.retired.cancel();
    }

    /// The client of a call left, and the instance may still be busy with it: start another one, and stop
    /// this one when its calls are over (FC §6.2).
    pub(crate) fn replace(self: &Arc<Self>, instance: &Arc<Instance>) {
        let mut state = self.lock();
        if let Some(member) = state.member(instance) {
            member.is_retired = true;
        }
        let mut todo = Todo::default();
        let used = state.members.iter().filter(|member| !member.is_retired).count();
        let may_start = state.is_open && !state.is_closed && state.ignores_port != Some(true);
        if may_start && used + state.starting < self.cap(&state) {
            state.starting += 1;
            todo.starts = 1;
        }
        drop(state);
        self.carry_out(todo);
    }

    /// No further call goes to this instance, for example after it ran into the function's time limit.
    pub(crate) fn retire(&self, instance: &Arc<Instance>) {
        if let Some(member) = self.lock().member(instance) {
            member.is_retired = true;
        }
    }

    /// The instance has ended: by itself, or because it was given up.
    pub(crate) fn ended(self: &Arc<Self>, instance: &Arc<Instance>) {
        let mut state = self.lock();
        state.members.retain(|member| !Arc::ptr_eq(&member.instance, instance));
        state.leaving.retain(|leaving| !Arc::ptr_eq(leaving, instance));
        let todo = self.top_up(&mut state);
        drop(state);
        self.carry_out(todo);
    }

    pub(crate) fn set_healthy(self: &Arc<Self>, instance: &Arc<Instance>, is_healthy: bool) {
        let mut state = self.lock();
        if let Some(member) = state.member(instance) {
            member.is_healthy = is_healthy;
        }
        let todo = self.hand_over(&mut state, false);
        drop(state);
        self.carry_out(todo);
    }

    /// Since when the instance has no call, if it has none.
    pub(crate) fn idle_since(&self, instance: &Arc<Instance>) -> Option<Instant> {
        self.lock().member(instance)?.idle_since
    }

    /// Stops the instance unless a call came in between.
    pub(crate) fn release_idle(&self, instance: &Arc<Instance>) {
        let mut state = self.lock();
        if state.member(instance).is_some_and(|member| member.in_flight == 0) {
            Self::dismiss(&mut state, instance);
        }
    }

    /// Whether the program keeps to a port of its own; unknown before the first start.
    pub(crate) fn ignores_port(&self) -> Option<bool> {
        self.lock().ignores_port
    }

    /// Whether any instance is there or on its way.
    pub(crate) fn is_in_use(&self) -> bool {
        let state = self.lock();
        !state.members.is_empty() || state.starting > 0 || !state.waiting.is_empty()
    }

    /// Lets instances be started, after [`Pool::new`] had them wait.
    pub(crate) fn open(self: &Arc<Self>) {
        let mut state = self.lock();
        state.is_open = true;
        let todo = self.top_up(&mut state);
        drop(state);
        self.carry_out(todo);
    }

    /// Takes no further calls. Those that were taken are finished; idle instances are stopped at once, and
    /// so are those that are starting unless a call waits for one.
    pub(crate) fn close(&self) {
        let mut state = self.lock();
        state.is_closed = true;
        if state.waiting.iter().all(Waiter::is_closed) {
            self.no_more_starts.cancel();
        }
        let idle: Vec<_> = state
            .members
            .iter()
            .filter(|member| member.in_flight == 0)
            .map(|member| Arc::clone(&member.instance))
            .collect();
        for instance in idle {
            Self::dismiss(&mut state, &instance);
        }
        drop(state);
        self.changed.notify_waiters();
    }

    /// Ends every instance at once, whether it has calls, is starting or being stopped, and turns away who waits
    /// for one.
    pub(crate) fn abort(&self) {
        let mut state = self.lock();
        self.no_more_starts.cancel();
        state.waiting.clear();
        for instance in state.members.iter().map(|member| &member.instance).chain(&state.leaving) {
            instance.process.order(Order::Kill);
        }
    }

    /// Waits until every instance is gone.
    pub(crate) async fn gone(&self) {
        loop {
            let changed = self.changed.notified();
            {
                let state = self.lock();
                if state.members.is_empty() && state.starting == 0 && state.leaving.is_empty() {
                    return;
                }
            }
            changed.await;
        }
    }
}

impl State {
    fn member(&mut self, instance: &Arc<Instance>) -> Option<&mut Member> {
        self.members.iter_mut().find(|member| Arc::ptr_eq(&member.instance, instance))
    }
}

impl Member {
    fn is_free(&self, concurrency: usize) -> bool {
        self.is_healthy && !self.is_retired && self.in_flight < concurrency
    }
}
