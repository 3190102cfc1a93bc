//! What is known of one asynchronous call: a pure state machine. Times are milliseconds since 1970.

use std::time::Duration;

use serde::{Deserialize, Serialize};

use super::state::State;
use crate::model::AsyncConfig;

/// How long the platform repeats a call that it refuses itself.
const REFUSED_MAX: Duration = Duration::from_secs(5 * 3600);

/// The longest pause before a repetition.
const PAUSE_MAX: Duration = Duration::from_secs(60);

/// The most changes of state that are kept of one task: the first and the latest.
const CHANGES_MAX: usize = 64;

/// What is known of one asynchronous call.
#[derive(Debug, Clone, PartialEq, Serialize, Deserialize)]
pub(crate) struct Record {
    pub(crate) function: String,
    /// The version or alias that the caller named; `None` is `LATEST`.
    pub(crate) qualifier: Option<String>,
    /// The id of the request, which all attempts have.
    pub(crate) request: String,
    /// The id of the task. `None` without task mode: such a call has no record once it has ended.
    pub(crate) task: Option<String>,
    pub(crate) state: State,
    pub(crate) accepted: u64,
    /// When the next attempt may begin.
    pub(crate) due: u64,
    /// When the call ended; 0 until then.
    pub(crate) ended: u64,
    /// How often an instance got the call. After a crash of fc-local, an attempt that may have begun counts.
    pub(crate) executions: u32,
    /// How many executions failed by the function's fault.
    pub(crate) failures: u32,
    /// How often the platform refused the call in a row, and since when.
    pub(crate) refusals: u32,
    pub(crate) refused_since: Option<u64>,
    /// How many destinations led to this call, one after the other.
    pub(crate) depth: u32,
    /// Whether the call waits for its end as [`State::Stopped`]: fc-local ended while the call was being stopped.
    #[serde(default)]
    pub(crate) is_cut_off: bool,
    /// The instance of the latest attempt.
    pub(crate) instance: Option<String>,
    /// The latest failure.
    pub(crate) error: Option<Fault>,
    /// What happened to the task, if it is one.
    pub(crate) changes: Vec<Change>,
}

/// A failure as its caller would see it.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Fault {
    /// The platform's word, such as `UnhandledInvocationError`.
    pub(crate) code: String,
    pub(crate) message: String,
    /// The status that a synchronous caller of the API would get: 200 for a function's own failure.
    pub(crate) status: u16,
}

/// A change of state.
#[derive(Debug, Clone, PartialEq, Eq, Serialize, Deserialize)]
pub(crate) struct Change {
    /// The number of the change, from 1.
    pub(crate) id: u64,
    pub(crate) time: u64,
    pub(crate) state: State,
    /// The number of the execution that the change belongs to; 0 for none.
    pub(crate) execution: u32,
    /// Why an attempt failed.
    pub(crate) error: Option<Fault>,
    pub(crate) instance: Option<String>,
    /// The last lines of the attempt's log.
    pub(crate) log: Option<String>,
}

/// How an attempt ended.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum Outcome {
    Succeeded,
    /// The function failed. Counts as one of the attempts that the configuration allows.
    Failed(Fault),
    /// The function failed, and would fail again: its program cannot be started.
    Hopeless(Fault),
    /// The platform refused the call for now. Does not count.
    Refused(Fault),
    /// The function, version or alias does not exist any more.
    Gone(Fault),
    /// A stop was asked for.
    Stopped,
}

/// What a stop comes to.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum StopOutcome {
    /// The call had not begun, and will not.
    Stopped,
    /// An instance works on the call, which has to be cancelled.
    Stopping,
    /// The call had ended already.
    HasEnded,
}

impl Record {
    /// Notes that the call waits from its acceptance on.
    pub(super) fn begun_waiting(mut self) -> Self {
        self.change(State::Enqueued, self.accepted);
        self
    }

    /// Whether the call waits in the queue.
    pub(super) fn is_waiting(&self) -> bool {
        matches!(self.state, State::Enqueued | State::Retrying)
            || self.state == State::Stopping && self.is_cut_off
    }

    /// Takes the call from the queue. `false` if nothing is left to do: the call is too old, or a stop was asked for.
    pub(crate) fn claim(&mut self, now: u64, age_max: Duration) -> bool {
        // The errors of former attempts stay with their changes of state.
        self.error = None;
        if self.state == State::Stopping {
            self.is_cut_off = false;
            self.end_as(State::Stopped, now);
            return false;
        }
        if now.saturating_sub(self.accepted) > milliseconds(age_max) {
            let message = format!("the call waited longer than {} s", age_max.as_secs());
            self.error = Some(Fault { code: "AsyncEventExpired".to_owned(), message, status: 200 });
            self.end_as(State::Expired, now);
            return false;
        }
        self.executions += 1;
        self.change(State::Dequeued, now);
        true
    }

    /// An instance works on the call.
    pub(crate) fn begin(&mut self, now: u64, instance: Option<&str>) {
        self.instance = instance.map(str::to_owned);
        if self.state == State::Dequeued {
            self.change(State::Running, now);
        }
    }

    /// The attempt has ended. `pause` is the first pause; each one is twice as long as the one before.
    pub(crate) fn end(
        &mut self,
        outcome: Outcome,
        now: u64,
        config: &AsyncConfig,
        pause: Duration,
        log: Option<String>,
    ) {
        let is_stopping = self.state == State::Stopping;
        match outcome {
            Outcome::Succeeded => {
                self.error = None;
                self.end_as(State::Succeeded, now);
            }
            Outcome::Stopped => self.end_as(State::Stopped, now),
            Outcome::Gone(fault) => {
                self.executions = self.executions.saturating_sub(1);
                self.error = Some(fault);
                self.end_as(State::Invalid, now);
            }
            Outcome::Hopeless(fault) => {
                self.failures += 1;
                self.error = Some(fault);
                self.end_as(if is_stopping { State::Stopped } else { State::Failed }, now);
            }
            Outcome::Failed(fault) => {
                self.failures += 1;
                (self.refusals, self.refused_since) = (0, None);
                self.error = Some(fault);
                if is_stopping {
                    self.end_as(State::Stopped, now);
                } else if self.failures > config.retries {
                    self.end_as(State::Failed, now);
                } else {
                    self.due = now + milliseconds(nth_pause(pause, self.failures));
                    self.change(State::Retrying, now);
                }
            }
            Outcome::Refused(fault) => {
                // No instance got the call.
                self.executions = self.executions.saturating_sub(1);
                self.refusals += 1;
                let since = *self.refused_since.get_or_insert(now);
                self.error = Some(fault);
                if is_stopping {
                    self.end_as(State::Stopped, now);
                } else if now.saturating_sub(since) > milliseconds(REFUSED_MAX) {
                    self.end_as(State::Failed, now);
                } else {
                    self.due = now + milliseconds(nth_pause(pause, self.refusals));
                    self.change(State::Retrying, now);
                }
            }
        }
        if let Some(change) = self.changes.last_mut() {
            change.log = log;
        }
    }

    /// Somebody asks for the end of the call.
    pub(crate) fn stop(&mut self, now: u64) -> StopOutcome {
        match self.state {
            state if state.is_final() => StopOutcome::HasEnded,
            State::Dequeued | State::Running => {
                self.change(State::Stopping, now);
                StopOutcome::Stopping
            }
            State::Stopping => StopOutcome::Stopping,
            _ => {
                self.error = None;
                self.end_as(State::Stopped, now);
                StopOutcome::Stopped
            }
        }
    }

    /// fc-local ended while the call was claimed. `is_begun` says whether an instance may have got it. A call that was
    /// being stopped ends by [`claim`](Self::claim): until then its function is not deployed, nor its destination known.
    pub(crate) fn recover(&mut self, now: u64, is_begun: bool) {
        if !is_begun {
            self.executions = self.executions.saturating_sub(1);
        }
        match self.state {
            State::Stopping => (self.due, self.is_cut_off) = (now, true),
            state if state.is_final() => {}
            _ => {
                self.due = now;
                let is_first = self.executions == 0 && self.refusals == 0;
                self.change(if is_first { State::Enqueued } else { State::Retrying }, now);
            }
        }
    }

    fn end_as(&mut self, state: State, now: u64) {
        self.ended = now;
        self.change(state, now);
    }

    fn change(&mut self, state: State, now: u64) {
        self.state = state;
        if self.task.is_none() {
            return;
        }
        if self.changes.len() >= CHANGES_MAX {
            self.changes.remove(CHANGES_MAX / 2);
        }
        let id = self.changes.last().map_or(1, |last| last.id + 1);
        let is_failure = matches!(state, State::Retrying | State::Failed | State::Expired | State::Invalid);
        let is_attempt = !matches!(state, State::Enqueued | State::Expired | State::Invalid);
        let error = self.error.clone().filter(|_| is_failure);
        let execution = if is_attempt { self.executions } else { 0 };
        let instance = self.instance.clone().filter(|_| is_attempt && state != State::Dequeued);
        self.changes.push(Change { id, time: now, state, execution, error, instance, log: None });
    }
}

/// The pause before the `nth` repetition, from 1.
fn nth_pause(first: Duration, nth: u32) -> Duration {
    first.saturating_mul(1_u32.checked_shl(nth.saturating_sub(1)).unwrap_or(u32::MAX)).min(PAUSE_MAX)
}

/// A time span as the records have it.
pub(super) fn milliseconds(span: Duration) -> u64 {
    u64::try_from(span.as_millis()).unwrap_or(u64::MAX)
}

#[cfg(test)]
mod tests;
