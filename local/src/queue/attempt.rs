//! One attempt at a call: an ordinary call of the function, and what its end means for the queue.

use std::sync::{Arc, OnceLock};
use std::time::Duration;

use bytes::Bytes;
use fc_runtime::platform::names::header as fc;
use http::{HeaderName, HeaderValue};
use tokio::sync::oneshot;
use tokio::time::{Instant, sleep};

use super::destination::Followed;
use super::ending;
use super::lane::{Lane, PATIENCE, Taken, lock, tell};
use super::queue::{Queue, now};
use super::record::{Fault, Outcome, Record};
use super::stored::StoredCall;
use super::tables;
use crate::call::{Seat, dispatch};
use crate::event::Tail;
use crate::failure::{Failure, FailureKind, FailureSource};
use crate::model::{Edition, Function};
use crate::registry::Callee;
use crate::store::{Store, StoreError, Write};

const RETRY_COUNT: HeaderName = HeaderName::from_static(fc::RETRY_COUNT);
const TASK_ID: HeaderName = HeaderName::from_static(fc::ASYNC_TASK_ID);
const TASK_ID_FC2: HeaderName = HeaderName::from_static(fc::STATEFUL_INVOCATION_ID);

/// The most of a function's error that a record keeps, in bytes.
const MESSAGE_MAX: usize = 4 * 1024;

/// The pause before the first repetition, unless the function sets it. The platform states 0.5 s for its own refusals,
/// and nothing for failures of the function.
const PAUSE: Duration = Duration::from_millis(500);

/// The longest pause before the end of a call is stored once more, after a fault of the store.
const PATIENCE_MAX: Duration = Duration::from_secs(30);

/// An attempt. The drop leaves the lane.
#[derive(Debug)]
pub(super) struct Attempt {
    queue: Arc<Queue>,
    lane: Arc<Lane>,
    taken: Taken,
    begin: Instant,
}

impl Drop for Attempt {
    fn drop(&mut self) {
        lock(&self.queue.claimed).remove(&self.taken.seq);
        self.lane.leave(self.begin.elapsed());
    }
}

/// What an attempt brought.
pub(super) struct Ended {
    outcome: Outcome,
    reply: Option<Bytes>,
    log: Option<String>,
    pause: Duration,
    /// The instance that had the call of a task: of an attempt that ends at once, nothing is noted before.
    pub(super) instance: Option<Arc<str>>,
}

impl Ended {
    pub(super) fn new(outcome: Outcome, reply: Option<Bytes>, pause: Duration) -> Self {
        Ended { outcome, reply, log: None, pause, instance: None }
    }
}

/// The answer of the store to the end of an attempt. `None` if the call is not known any more.
pub(super) type Stored = oneshot::Receiver<Result<Option<(Record, Option<Followed>)>, StoreError>>;

impl Ended {
    /// Stores the end, and what follows from it.
    ///
    /// # Errors
    ///
    /// The store is closed.
    pub(super) async fn store(
        self: &Arc<Self>,
        store: &Store,
        queue: &Arc<Queue>,
        seq: u64,
    ) -> Result<Stored, StoreError> {
        let (ended, queue) = (Arc::clone(self), Arc::clone(queue));
        let work = move |write: &Write<'_>| {
            let Some(before) = tables::get(write, seq)? else { return Ok(None) };
            let mut after = before.clone();
            let config = queue.config(&before.function, before.qualifier.as_deref());
            if let Some(instance) = &ended.instance {
                after.begin(now(), Some(instance));
            }
            after.end(ended.outcome.clone(), now(), &config, ended.pause, ended.log.clone());
            let followed = ending::store(write, &queue, seq, &before, &after, ended.reply.as_deref())?;
            Ok(Some((after, followed)))
        };
        store.submit(work).await
    }
}

impl Attempt {
    pub(super) fn new(queue: Arc<Queue>, lane: Arc<Lane>, taken: Taken) -> Self {
        Attempt { queue, lane, taken, begin: Instant::now() }
    }

    /// Carries the call out, and stores what became of it.
    pub(super) async fn run(self) {
        let Some(store) = self.queue.opened() else { return };
        let (sender, mut begun) = oneshot::channel();
        let instance = OnceLock::new();
        let tail = self.taken.record.task.is_some().then(Tail::default);
        let ended = tokio::select! {
            biased;
            // The call stays claimed: the next run finds it.
            () = self.queue.trackers.abandon.cancelled() => return,
            () = self.taken.cancel.cancelled() => {
                Ended::new(Outcome::Stopped, None, PAUSE)
            }
            ended = self.carry_out(sender, tail.clone()) => ended,
            // This one never ends the wait.
            ended = self.note_begin(&store, &mut begun, &instance) => ended,
        };
        let log = tail.map(|tail| tail.text()).filter(|text| !text.is_empty());
        let instance = instance.into_inner().or_else(|| begun.try_recv().ok());
        let instance = instance.filter(|_| self.taken.record.task.is_some());
        let ended = Arc::new(Ended { log, instance, ..ended });
        let (queue, seq, took) = (Arc::clone(&self.queue), self.taken.seq, self.begin.elapsed());
        let Ok(mut stored) = ended.store(&store, &queue, seq).await else { return };
        // The next call need not wait for the disk.
        drop(self);
        let mut pause = PATIENCE;
        let told = loop {
            match stored.await {
                Ok(Ok(told)) => break told,
                Ok(Err(_)) => {}
                Err(_) => return,
            }
            // Nothing was stored. Without the end the call would stay claimed, and would be carried out once more.
            tokio::select! {
                () = queue.trackers.abandon.cancelled() => return,
                () = sleep(pause) => pause = (pause * 2).min(PATIENCE_MAX),
            }
            let Ok(again) = ended.store(&store, &queue, seq).await else { return };
            stored = again;
        };
        if let Some((record, followed)) = told {
            tell(&queue, &record, followed, Some(took));
            if !record.state.is_final() {
                queue.changed(&record.function);
            }
        }
    }

    /// Notes that an instance has the call, once it has.
    async fn note_begin(
        &self,
        store: &Store,
        begun: &mut oneshot::Receiver<Arc<str>>,
        taken_by: &OnceLock<Arc<str>>,
    ) -> Ended {
        if self.taken.record.task.is_some()
            && let Ok(instance) = begun.await
        {
            let instance = taken_by.get_or_init(|| instance).clone();
            let seq = self.taken.seq;
            let noted = store.submit(move |write| {
                let Some(before) = tables::get(write, seq)? else { return Ok(()) };
                let mut after = before.clone();
                after.begin(now(), Some(&instance));
                tables::replace(write, seq, &before, &after)
            });
            // Without the note the call runs all the same.
            drop(noted.await);
        }
        std::future::pending().await
    }

    async fn carry_out(&self, begun: oneshot::Sender<Arc<str>>, tail: Option<Tail>) -> Ended {
        let failed = |failure: &Failure| Ended::new(outcome_of(failure), None, PAUSE);
        let record = &self.taken.record;
        let callee = self.queue.registry.find(&record.function);
        let callee = match callee.and_then(|function| Callee::choose(function, record.qualifier.as_deref())) {
            Ok(callee) => callee,
            Err(failure) => return failed(&failure),
        };
        let Some(stored) = StoredCall::decode(&self.taken.request) else {
            return failed(&Failure::invalid_argument("the stored request cannot be read"));
        };
        let settings = callee.function.settings();
        let (pause, is_event) = (settings.local.async_retry_pause.unwrap_or(PAUSE), stored.is_event);
        let mut call = stored.into_call(Arc::from(&*record.request), callee, record.executions.max(1), tail);
        tell_function(&mut call.headers, record, &settings);
        let mut seat = Seat { begun: Some(begun), ..Seat::default() };
        let answer = match dispatch(Box::new(call), &mut seat).await {
            Ok(answer) => answer,
            Err(failure) => return Ended { pause, ..failed(&failure) },
        };
        let is_error = answer.is_function_error()
            || (!is_event && settings.local.async_server_errors && answer.head.status.is_server_error());
        let outcome = match answer.body.collect(false).await {
            Ok(whole) if is_error => {
                let message = lossy(&whole.bytes);
                let fault = Fault { code: fault::UNHANDLED.to_owned(), message, status: 200 };
                return Ended::new(Outcome::Failed(fault), Some(whole.bytes), pause);
            }
            Ok(whole) => {
                return Ended::new(Outcome::Succeeded, Some(whole.bytes), pause);
            }
            Err(failure) => outcome_of(&failure),
        };
        Ended::new(outcome, None, pause)
    }
}

/// Tells the function the number of the retry, and the id of the task.
fn tell_function(headers: &mut http::HeaderMap, record: &Record, settings: &Function) {
    headers.insert(RETRY_COUNT, HeaderValue::from(record.executions.saturating_sub(1)));
    let Some(id) = record.task.as_deref().and_then(|task| HeaderValue::from_str(task).ok()) else { return };
    if settings.local.edition == Edition::Fc2 {
        headers.insert(TASK_ID_FC2, id);
    } else {
        headers.insert(TASK_ID, id);
    }
}

/// What a failure means for the queue.
fn outcome_of(failure: &Failure) -> Outcome {
    let fault = fault::of(failure);
    match failure.kind {
        FailureKind::FunctionNotFound | FailureKind::VersionNotFound | FailureKind::AliasNotFound => {
            Outcome::Gone(fault)
        }
        // A disabled function takes calls again once it is enabled.
        FailureKind::AccessDenied => Outcome::Refused(fault),
        kind => match kind.source() {
            FailureSource::Platform => Outcome::Refused(fault),
            FailureSource::Function if kind.is_retryable() => Outcome::Failed(fault),
            FailureSource::Function | FailureSource::Caller => Outcome::Hopeless(fault),
        },
    }
}

/// The begin of a text that a function sent.
fn lossy(bytes: &[u8]) -> String {
    String::from_utf8_lossy(&bytes[..bytes.len().min(MESSAGE_MAX)]).into_owned()
}

/// Failures in the words of records.
pub(super) mod fault {
    use crate::failure::{Failure, FailureKind, FailureSource};
    use crate::queue::record::Fault;

    /// The platform's word for a failure of the function.
    pub(crate) const UNHANDLED: &str = "UnhandledInvocationError";

    /// The failure as a caller of the API would see it.
    pub(crate) fn of(failure: &Failure) -> Fault {
        let status = match failure.kind {
            FailureKind::InvalidArgument | FailureKind::EntityTooLarge => 400,
            FailureKind::AccessDenied => 403,
            FailureKind::ResourceExhausted => 429,
            FailureKind::ServiceUnavailable => 503,
            kind if kind.source() == FailureSource::Function => 200,
            _ => 404,
        };
        let code = match failure.kind.source() {
            FailureSource::Function => UNHANDLED.to_owned(),
            _ => camel(failure.kind.name()),
        };
        Fault { code, message: failure.message().to_owned(), status }
    }

    /// One line for people.
    pub(crate) fn text(fault: &Fault) -> String {
        let line = fault.message.lines().next().unwrap_or_default();
        if line.is_empty() { fault.code.clone() } else { format!("{}: {line}", fault.code) }
    }

    /// `function_not_found` as `FunctionNotFound`.
    fn camel(name: &str) -> String {
        let mut out = String::with_capacity(name.len());
        for word in name.split('_') {
            let mut chars = word.chars();
            out.extend(chars.next().map(|first| first.to_ascii_uppercase()));
            out.push_str(chars.as_str());
        }
        out
    }
}
