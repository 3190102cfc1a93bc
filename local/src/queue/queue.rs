//! The queue of a platform: its store, which is opened when it is needed, and a lane for each function with calls.

use std::collections::HashMap;
use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex, PoisonError, RwLock, Weak};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use redb::{ReadTransaction, ReadableTable, ReadableTableMetadata};
use tokio::sync::Notify;
use tokio::time::sleep;
use tokio_util::sync::CancellationToken;
use tokio_util::task::TaskTracker;

use super::configs::{self, Configs};
use super::lane::Lane;
use super::record::Record;
use super::tables::{self, ASIDE, CALLS, CLAIMED, DUE, ENDED};
use crate::event::{Kind, Log, Source};
use crate::registry::Registry;
use crate::store::{Broken, Place, Store, StoreError, Write};

/// How long the record of a task is kept after its end.
pub(super) const KEPT: Duration = Duration::from_secs(7 * 24 * 3600);

/// How often records are looked for that are too old.
const SWEEP: Duration = Duration::from_secs(600);

/// The most records that one transaction removes.
const SWEPT_MAX: usize = 1000;

/// The queue of asynchronous calls.
#[derive(Debug)]
pub(crate) struct Queue {
    own: Weak<Queue>,
    place: Place,
    pub(super) registry: Arc<Registry>,
    pub(super) log: Log,
    /// `None` until there is something to store or to carry out.
    store: RwLock<Option<Arc<Store>>>,
    opening: tokio::sync::Mutex<()>,
    next: AtomicU64,
    pub(super) configs: RwLock<Configs>,
    lanes: Mutex<HashMap<Arc<str>, Arc<Lane>>>,
    /// The calls that are claimed here, each with what cancels it.
    pub(super) claimed: Mutex<HashMap<u64, CancellationToken>>,
    pub(super) trackers: Trackers,
    /// When the platform was opened.
    pub(super) opened: u64,
    /// Tells that there are messages to forward.
    pub(super) forwards: Notify,
}

/// How the work of a queue belongs to its platform.
#[derive(Debug, Clone, Default)]
pub(crate) struct Trackers {
    /// The lanes, and whatever ends after the instances.
    pub(crate) tasks: TaskTracker,
    /// The attempts, which a drain waits for.
    pub(crate) calls: TaskTracker,
    /// No attempt begins any more.
    pub(crate) stop: CancellationToken,
    /// The attempts under way are given up, and are carried out again by the next run.
    pub(crate) abandon: CancellationToken,
}

/// The milliseconds since 1970.
pub(super) fn now() -> u64 {
    let since = SystemTime::now().duration_since(UNIX_EPOCH).unwrap_or_default();
    u64::try_from(since.as_millis()).unwrap_or(u64::MAX)
}

impl Queue {
    pub(crate) fn new(place: Place, registry: Arc<Registry>, log: Log, trackers: Trackers) -> Arc<Self> {
        Arc::new_cyclic(|own| Queue {
            own: own.clone(),
            place,
            registry,
            log,
            store: RwLock::default(),
            opening: tokio::sync::Mutex::default(),
            next: AtomicU64::new(0),
            configs: RwLock::default(),
            lanes: Mutex::default(),
            claimed: Mutex::default(),
            trackers,
            opened: now(),
            forwards: Notify::new(),
        })
    }

    /// Goes on with the calls of former runs, if there are any.
    pub(crate) async fn resume(&self) {
        let exists = match &self.place {
            Place::File(file) => file.exists(),
            Place::Memory => false,
        };
        if exists && let Err(error) = self.store().await {
            self.log.emit(&Source::default(), Kind::QueueUnavailable { error: error.to_string() });
        }
    }

    /// The store, which the first use opens.
    pub(super) async fn store(&self) -> Result<Arc<Store>, StoreError> {
        if let Some(store) = self.opened() {
            return Ok(store);
        }
        let own = self.own.upgrade().ok_or_else(StoreError::interrupted)?;
        // Whoever asked may leave. A file that is opened half way would be in the way of the next one.
        let opening = self.trackers.tasks.spawn(async move { own.open().await });
        opening.await.unwrap_or_else(|_| Err(StoreError::interrupted()))
    }

    async fn open(&self) -> Result<Arc<Store>, StoreError> {
        let _alone = self.opening.lock().await;
        if let Some(store) = self.opened() {
            return Ok(store);
        }
        let place = self.place.clone();
        let opened = tokio::task::spawn_blocking(move || Store::open(place, tables::ALL)).await;
        let store = Arc::new(opened.unwrap_or_else(|_| Err(StoreError::interrupted()))?);
        if let Err(error) = self.go_on(&store).await {
            store.close().await;
            return Err(error);
        }
        Ok(store)
    }

    /// Goes on with what a store holds.
    async fn go_on(&self, store: &Arc<Store>) -> Result<(), StoreError> {
        let (found, unreadable) = store.write(|write| recover(write, now())).await?;
        for error in &unreadable {
            self.tell_unreadable(&Source::default(), error);
        }
        let (next, configs, functions, waiting) = store.read(survey)?;
        self.next.store(next, Ordering::Relaxed);
        *self.configs.write().unwrap_or_else(PoisonError::into_inner) = configs;
        *self.store.write().unwrap_or_else(PoisonError::into_inner) = Some(Arc::clone(store));
        if waiting > 0 {
            self.log.emit(&Source::default(), Kind::QueueResumed { waiting, repeated: found });
        }
        for function in functions {
            self.wake(&function);
        }
        if let Some(own) = self.own.upgrade() {
            self.trackers.tasks.spawn(Arc::clone(&own).sweep(Arc::clone(store)));
            self.trackers.tasks.spawn(own.forward(Arc::clone(store)));
        }
        Ok(())
    }

    /// Tells that the record of a call was set aside.
    pub(super) fn tell_unreadable(&self, source: &Source, error: &str) {
        self.log.emit(source, Kind::CallSetAside { error: error.to_owned() });
    }

    /// The queue itself, for work that outlives the caller.
    pub(super) fn shared(&self) -> Option<Arc<Self>> {
        self.own.upgrade()
    }

    /// The store, if it is open.
    pub(super) fn opened(&self) -> Option<Arc<Store>> {
        self.store.read().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// The number of a new call.
    pub(super) fn next_number(&self) -> u64 {
        self.next.fetch_add(1, Ordering::Relaxed)
    }

    /// Lets the lane of a function look for due calls.
    pub(crate) fn wake(&self, function: &str) {
        self.expect(function, 0);
    }

    /// Lets the lane of a function look for a call that is due at this time.
    pub(super) fn expect(&self, function: &str, due: u64) {
        let mut lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(function) {
            lane.expect(due);
            return;
        }
        let lane = Arc::new(Lane::new(Arc::from(function)));
        lanes.insert(Arc::from(function), Arc::clone(&lane));
        if let Some(own) = self.own.upgrade() {
            self.trackers.tasks.spawn(lane.drain(own));
        }
    }

    /// Lets the lane of a function look again, if it has one: its code changed.
    pub(crate) fn changed(&self, function: &str) {
        let lanes = self.lanes.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some(lane) = lanes.get(function) {
            lane.wake();
        }
    }

    /// Waits until everything is stored, and closes the file. No call is accepted any more.
    pub(crate) async fn close(&self) {
        let _alone = self.opening.lock().await;
        if let Some(store) = self.opened() {
            store.close().await;
        }
    }

    /// Removes the records of tasks that ended long ago, from time to time.
    async fn sweep(self: Arc<Self>, store: Arc<Store>) {
        loop {
            let limit = now().saturating_sub(super::record::milliseconds(KEPT));
            let has_old = store.read(|read| {
                let ended = read.open_table(ENDED)?;
                Ok(ended.first()?.is_some_and(|(key, _)| key.value().0 < limit))
            });
            let removed = match has_old {
                Ok(true) => store.write(move |write| remove_old(write, limit)).await.unwrap_or(0),
                _ => 0,
            };
            if removed < SWEPT_MAX {
                tokio::select! {
                    () = self.trackers.stop.cancelled() => return,
                    () = sleep(SWEEP) => {}
                }
            }
        }
    }
}

/// The next number, the configurations, the functions with waiting calls, and how many calls wait.
fn survey(read: &ReadTransaction) -> Result<(u64, Configs, Vec<String>, u64), Broken> {
    let mut next = 0;
    // Indexes still lead to the number of a record that was set aside, so no other call gets it.
    for table in [CALLS, ASIDE] {
        next = next.max(read.open_table(table)?.last()?.map_or(0, |(seq, _)| seq.value() + 1));
    }
    let due = read.open_table(DUE)?;
    let mut functions: Vec<String> = Vec::new();
    // One step for each function, however many calls wait.
    while let Some(entry) = due
        .range(
            (
                functions.last().map_or("", String::as_str),
                u64::from(!functions.is_empty()) * u64::MAX,
                u64::MAX,
            )..,
        )?
        .next()
    {
        let function = entry?.0.value().0.to_owned();
        if functions.last() == Some(&function) {
            break;
        }
        functions.push(function);
    }
    Ok((next, configs::load(read)?, functions, due.len()?))
}

/// Gives back the calls that a former run had claimed. The number of those that may have begun, and why records were set
/// aside.
fn recover(write: &Write<'_>, now: u64) -> Result<(u64, Vec<String>), Broken> {
    let claimed: Vec<u64> = {
        let claimed = write.table(CLAIMED)?;
        let all = claimed.iter()?.map(|entry| Ok(entry?.0.value())).collect::<Result<_, Broken>>();
        all?
    };
    let (mut repeated, mut unreadable) = (0, Vec::new());
    for seq in claimed {
        let Some(before) = tables::usable(write, seq, &mut unreadable)? else {
            write.remove(CLAIMED, seq)?;
            continue;
        };
        let mut after: Record = before.clone();
        after.recover(now, true);
        repeated += u64::from(!after.is_cut_off);
        tables::replace(write, seq, &before, &after)?;
    }
    Ok((repeated, unreadable))
}

fn remove_old(write: &Write<'_>, limit: u64) -> Result<usize, Broken> {
    let old: Vec<(u64, u64)> = {
        let ended = write.table(ENDED)?;
        let range = ended.range(..(limit, 0))?.take(SWEPT_MAX);
        range.map(|entry| Ok(entry?.0.value())).collect::<Result<_, Broken>>()?
    };
    for (time, seq) in &old {
        match tables::get(write, *seq)? {
            Some(record) => tables::remove(write, *seq, &record)?,
            None => write.remove(ENDED, (*time, *seq))?,
        }
    }
    Ok(old.len())
}
