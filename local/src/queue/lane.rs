//! The lane of one function: takes due calls from the queue, as many at a time as may run.

use std::ops::Bound;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, AtomicUsize, Ordering};
use std::time::Duration;

use bytes::Bytes;
use redb::ReadableTable;
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;

use super::attempt::{Attempt, fault};
use super::destination::{self, Followed};
use super::ending;
use super::queue::{Queue, now};
use super::record::{Record, milliseconds};
use super::tables::{self, DUE, REQUESTS};
use crate::event::{AsyncNews, Kind, Source};
use crate::failure::FailureKind;
use crate::model::{AsyncConfig, Function};
use crate::store::{Broken, StoreError, Write};

/// How often a lane asks whether its function is built.
const BUILT: Duration = Duration::from_millis(100);

/// How long is waited after a fault of the store.
pub(super) const PATIENCE: Duration = Duration::from_secs(1);

/// The longest wait without a look at the queue. A clock that is set back must not hold calls up for ever.
const LOOK: Duration = Duration::from_secs(30);

/// How many calls are taken ahead of those that run, if they are short: so nothing waits for the disk between them.
const AHEAD: usize = 48;

/// Calls are short below this time.
const SHORT: Duration = Duration::from_millis(50);

/// The most bytes of requests that are taken at once.
const TAKEN_BYTES_MAX: usize = 2 * 1024 * 1024;

/// The most attempts of one function at a time, unless `x-local.asyncConcurrency` says otherwise.
const RUNNING_MAX: usize = 32;

/// The lane of one function.
#[derive(Debug)]
pub(super) struct Lane {
    pub(super) function: Arc<str>,
    wake: Notify,
    /// When the lane looks at the queue again, in milliseconds since 1970. The latest time there is while it is awake.
    asleep_until: AtomicU64,
    running: AtomicUsize,
    room: Notify,
    /// How long the latest attempt took, in microseconds.
    latest: AtomicUsize,
}

/// A call that was taken from the queue.
#[derive(Debug)]
pub(super) struct Taken {
    pub(super) seq: u64,
    pub(super) record: Record,
    pub(super) request: Bytes,
    pub(super) cancel: CancellationToken,
}

/// What was found in the queue.
#[derive(Debug, Default)]
struct Found {
    taken: Vec<Taken>,
    /// Calls that have waited too long, or whose stop a former run left unfinished.
    ended: Vec<(Record, Option<Followed>)>,
    /// Why records were set aside.
    unreadable: Vec<String>,
    /// How many entries of the index led to no call. They were removed.
    stale: usize,
}

impl Found {
    fn is_empty(&self) -> bool {
        self.taken.is_empty() && self.ended.is_empty() && self.stale == 0
    }
}

impl Lane {
    pub(super) fn new(function: Arc<str>) -> Self {
        Lane {
            function,
            wake: Notify::new(),
            asleep_until: AtomicU64::new(u64::MAX),
            running: AtomicUsize::new(0),
            room: Notify::new(),
            latest: AtomicUsize::new(usize::MAX),
        }
    }

    pub(super) fn wake(&self) {
        self.wake.notify_one();
    }

    /// Lets the lane look for a call that is due at this time, unless it looks early enough anyway.
    pub(super) fn expect(&self, due: u64) {
        if due < self.asleep_until.load(Ordering::SeqCst) {
            self.wake();
        }
    }

    /// Takes calls and lets them run, until the platform stops.
    pub(super) async fn drain(self: Arc<Self>, queue: Arc<Queue>) {
        let stop = queue.trackers.stop.clone();
        while !stop.is_cancelled() {
            let pause = self.round(&queue).await.unwrap_or(PATIENCE);
            if pause.is_zero() {
                continue;
            }
            // What is stored from now on is compared with this time. What was stored since the look has left a wake.
            self.asleep_until.store(now() + milliseconds(pause), Ordering::SeqCst);
            tokio::select! {
                () = stop.cancelled() => {}
                () = self.wake.notified() => {}
                () = sleep(pause) => {}
            }
            self.asleep_until.store(u64::MAX, Ordering::SeqCst);
        }
    }

    /// Takes what is due and may run. Gives the time until there may be more.
    async fn round(self: &Arc<Self>, queue: &Arc<Queue>) -> Result<Duration, StoreError> {
        let store = queue.store().await?;
        let settings = match queue.registry.find(&self.function) {
            Err(failure) if failure.kind == FailureKind::ServiceUnavailable => return Ok(BUILT),
            Err(_) => None,
            Ok(function) => Some(function.settings()),
        };
        let function = Arc::clone(&self.function);
        let next = store.read(|read| first_due(&read.open_table(DUE)?, &function))?;
        let wait = next.map_or(LOOK, |due| Duration::from_millis(due.saturating_sub(now())).min(LOOK));
        if !wait.is_zero() {
            return Ok(wait);
        }
        let limit = settings.as_deref().map_or(1, limit);
        if !self.has_room(limit, queue).await {
            return Ok(LOOK);
        }
        let running = self.running.load(Ordering::Relaxed);
        let count = limit.saturating_sub(running) + if self.is_short() { AHEAD } else { 0 };
        let own = Arc::clone(queue);
        let found = store.write(move |write| take(write, &own, &function, count)).await?;
        for error in &found.unreadable {
            queue.tell_unreadable(&Source::function(&self.function), error);
        }
        if found.is_empty() {
            // Whoever was first in the index is not any more.
            return Ok(PATIENCE);
        }
        for (record, followed) in found.ended {
            tell(queue, &record, followed, None);
        }
        let mut taken = found.taken.into_iter();
        while let Some(next) = taken.next() {
            if !self.has_room(limit, queue).await {
                self.give_back(queue, std::iter::once(next).chain(taken)).await;
                return Ok(LOOK);
            }
            self.running.fetch_add(1, Ordering::Relaxed);
            let attempt = Attempt::new(Arc::clone(queue), Arc::clone(self), next);
            queue.trackers.calls.spawn(attempt.run());
        }
        Ok(Duration::ZERO)
    }

    /// Waits until one more attempt may run. `false` if the platform stops.
    async fn has_room(&self, limit: usize, queue: &Queue) -> bool {
        loop {
            let room = self.room.notified();
            if queue.trackers.stop.is_cancelled() {
                return false;
            }
            if self.running.load(Ordering::Relaxed) < limit {
                return true;
            }
            tokio::select! {
                () = queue.trackers.stop.cancelled() => return false,
                () = room => {}
            }
        }
    }

    /// An attempt has ended.
    pub(super) fn leave(&self, took: Duration) {
        let took = usize::try_from(took.as_micros()).unwrap_or(usize::MAX);
        self.latest.store(took, Ordering::Relaxed);
        self.running.fetch_sub(1, Ordering::Relaxed);
        self.room.notify_one();
    }

    fn is_short(&self) -> bool {
        u128::try_from(self.latest.load(Ordering::Relaxed)).is_ok_and(|took| took < SHORT.as_micros())
    }

    /// Puts calls back that were taken and have not begun.
    async fn give_back(&self, queue: &Queue, calls: impl Iterator<Item = Taken>) {
        let calls: Vec<u64> = calls.map(|taken| taken.seq).collect();
        for seq in &calls {
            lock(&queue.claimed).remove(seq);
        }
        let Some(store) = queue.opened() else { return };
        let given = store.write(move |write| {
            for seq in calls {
                if let Some(before) = tables::get(write, seq)? {
                    let mut after = before.clone();
                    after.recover(now(), false);
                    tables::replace(write, seq, &before, &after)?;
                }
            }
            Ok(())
        });
        // If this fails, the next run takes them for calls that may have begun.
        _ = given.await;
    }
}

/// How many attempts of a function may run at a time: half of what its instances take, so that the other half is there
/// for synchronous calls.
fn limit(function: &Function) -> usize {
    let capacity = function.concurrency.saturating_mul(function.local.instances_max());
    let own = function.local.async_concurrency.unwrap_or((capacity / 2).min(RUNNING_MAX));
    own.max(1)
}

/// When the first call of a function is due.
fn first_due(
    due: &impl ReadableTable<(&'static str, u64, u64), ()>,
    function: &str,
) -> Result<Option<u64>, Broken> {
    let first = due.range((function, 0, 0)..=(function, u64::MAX, u64::MAX))?.next().transpose()?;
    Ok(first.map(|(key, _)| key.value().1))
}

/// Takes up to `count` due calls.
fn take(write: &Write<'_>, queue: &Queue, function: &str, count: usize) -> Result<Found, Broken> {
    let now = now();
    let due: Vec<(u64, u64)> = {
        let due = write.table(DUE)?;
        let end = Bound::Included((function, now, u64::MAX));
        let range = due.range::<(&str, u64, u64)>((Bound::Included((function, 0, 0)), end))?;
        let places = range.take(count).map(|entry| {
            let entry = entry?;
            let (_, time, seq) = entry.0.value();
            Ok((time, seq))
        });
        places.collect::<Result<_, Broken>>()?
    };
    let (mut found, mut bytes) = (Found::default(), 0);
    for (time, seq) in due {
        let Some(before) = tables::usable(write, seq, &mut found.unreadable)? else {
            // It would be found again, before all that are due later.
            write.remove(DUE, (function, time, seq))?;
            found.stale += 1;
            continue;
        };
        let mut after = before.clone();
        let config: AsyncConfig = queue.config(function, before.qualifier.as_deref());
        if !after.claim(now, config.age_max) {
            let followed = ending::store(write, queue, seq, &before, &after, None)?;
            found.ended.push((after, followed));
            continue;
        }
        tables::replace(write, seq, &before, &after)?;
        let request = {
            let requests = write.table(REQUESTS)?;
            let request = requests.get(seq)?;
            request.map(|bytes| Bytes::copy_from_slice(bytes.value())).unwrap_or_default()
        };
        bytes += request.len();
        // Before anybody can see the claim: a stop of a claimed call finds what cancels it. If the commit fails, the next
        // claim of the call replaces the token.
        let cancel = CancellationToken::new();
        lock(&queue.claimed).insert(seq, cancel.clone());
        found.taken.push(Taken { seq, record: after, request, cancel });
        if bytes >= TAKEN_BYTES_MAX {
            break;
        }
    }
    Ok(found)
}

/// Tells what became of a call, and lets go on what followed.
pub(super) fn tell(queue: &Queue, record: &Record, followed: Option<Followed>, took: Option<Duration>) {
    let source = Source::function(&Arc::from(&*record.function)).with_request(&Arc::from(&*record.request));
    let mut news = AsyncNews::new(record.task.clone(), record.state.name(), record.executions);
    news.duration = took;
    news.error = record.error.as_ref().map(fault::text);
    if !record.state.is_final() {
        news.retry_in = Some(Duration::from_millis(record.due.saturating_sub(now())));
    }
    queue.log.emit(&source, Kind::AsyncCall(news));
    if let Some(followed) = followed {
        destination::go_on(queue, &source, followed);
    }
}

pub(super) fn lock<T>(mutex: &std::sync::Mutex<T>) -> std::sync::MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(std::sync::PoisonError::into_inner)
}

#[cfg(test)]
mod tests;
