//! The recorder: where calls are put, and where they are looked for.

use std::collections::HashMap;
use std::net::SocketAddr;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

use tokio::sync::watch;

use super::body::Bodies;
use super::filter::Filter;
use super::recorded::Recorded;
use super::ring::{Entry, Limits, Ring};
use crate::event::is_id;

/// The latest calls. Clones are the same ones. Switched off, it keeps nothing and costs nothing.
#[derive(Debug, Clone, Default)]
pub(crate) struct Records(Option<Arc<Shared>>);

#[derive(Debug)]
struct Shared {
    ring: Mutex<Ring>,
    limits: Limits,
    /// The latest revision.
    changed: watch::Sender<u64>,
    /// The clients of replays by their addresses, with the id of the call that is sent once more.
    replays: Mutex<HashMap<SocketAddr, Arc<str>>>,
    /// How many there are: most requests need no look at them.
    replaying: AtomicUsize,
}

/// Some of the calls, the latest first.
#[derive(Debug, Clone)]
pub(crate) struct Page {
    pub(crate) entries: Vec<Entry>,
    /// Where the next page begins. `None` after the last one.
    pub(crate) next: Option<u64>,
    /// The calls in the ring, and how many had to go before them.
    pub(crate) kept: usize,
    pub(crate) gone: u64,
}

/// Why there is no call with an id.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Unfound {
    Unknown,
    /// The ids of several calls end so.
    Ambiguous,
}

impl Records {
    pub(crate) fn new(limits: Limits) -> Self {
        let (ring, changed) = (Mutex::default(), watch::Sender::new(0));
        let (replays, replaying) = (Mutex::default(), AtomicUsize::new(0));
        Records(Some(Arc::new(Shared { ring, limits, changed, replays, replaying })))
    }

    /// The bounds. `None` if nothing is recorded.
    pub(crate) fn limits(&self) -> Option<Limits> {
        self.0.as_ref().map(|shared| shared.limits)
    }

    /// Adds a call, and gives its number, with which its later state replaces it.
    pub(crate) fn push(&self, call: Recorded, bodies: Bodies) -> Option<u64> {
        let shared = self.0.as_ref()?;
        let mut ring = shared.lock();
        let number = ring.push(call, bodies, shared.limits);
        let revision = ring.revision;
        drop(ring);
        shared.changed.send_replace(revision);
        Some(number)
    }

    /// Puts the later state of a call in the place of the earlier one.
    pub(crate) fn replace(&self, number: u64, call: Recorded, bodies: Bodies) {
        let Some(shared) = &self.0 else { return };
        let mut ring = shared.lock();
        ring.replace(number, call, bodies, shared.limits);
        let revision = ring.revision;
        drop(ring);
        shared.changed.send_replace(revision);
    }

    /// The calls that pass the filter, the latest first: at most `limit` of those before the number `before`.
    pub(crate) fn list(&self, filter: &Filter, before: Option<u64>, limit: usize) -> Page {
        let Some(shared) = &self.0 else {
            return Page { entries: Vec::new(), next: None, kept: 0, gone: 0 };
        };
        let ring = shared.lock();
        let found =
            ring.latest_first().filter(|entry| before.is_none_or(|before| entry.call.number < before));
        let mut found = found.filter(|entry| filter.passes(&entry.call));
        let entries: Vec<Entry> = found.by_ref().take(limit).cloned().collect();
        let has_more = found.next().is_some();
        let next = entries.last().map(|entry| entry.call.number).filter(|_| has_more);
        Page { entries, next, kept: ring.len(), gone: ring.gone }
    }

    /// The call with this request id or, if there is none, the one whose id ends so. Of several with one id, as a repeated call
    /// has that of the first attempt, the latest.
    ///
    /// # Errors
    ///
    /// There is no such call, or the ids of several end so.
    pub(crate) fn find(&self, id: &str) -> Result<Entry, Unfound> {
        let shared = self.0.as_ref().ok_or(Unfound::Unknown)?;
        let ring = shared.lock();
        if let Some(entry) = ring.latest_first().find(|entry| &*entry.call.id == id) {
            return Ok(entry.clone());
        }
        let mut ending = ring.latest_first().filter(|entry| is_id(&entry.call.id, id));
        let entry = ending.next().ok_or(Unfound::Unknown)?;
        if ending.any(|other| other.call.id != entry.call.id) {
            Err(Unfound::Ambiguous)
        } else {
            Ok(entry.clone())
        }
    }

    /// The calls that were added or changed after the revision, the oldest change first, and the latest revision.
    pub(crate) fn since(&self, revision: u64) -> (Vec<Entry>, u64) {
        let Some(shared) = &self.0 else { return (Vec::new(), 0) };
        let ring = shared.lock();
        let mut entries: Vec<Entry> =
            ring.latest_first().filter(|entry| entry.revision > revision).cloned().collect();
        entries.sort_by_key(|entry| entry.revision);
        (entries, ring.revision)
    }

    /// Tells of each change by the latest revision, for [`since`](Self::since). `None` if nothing is recorded.
    pub(crate) fn subscribe(&self) -> Option<watch::Receiver<u64>> {
        self.0.as_ref().map(|shared| shared.changed.subscribe())
    }

    /// The number of calls, and the memory that they and their bodies take.
    pub(crate) fn size(&self) -> (usize, usize, usize) {
        let Some(shared) = &self.0 else { return (0, 0, 0) };
        let ring = shared.lock();
        let (heads, bodies) = ring.bytes();
        (ring.len(), heads, bodies)
    }

    /// The next request of the client at this address is a replay of the call with this id.
    pub(crate) fn expect_replay(&self, client: SocketAddr, of: &Arc<str>) {
        let Some(shared) = &self.0 else { return };
        let mut replays = shared.lock_replays();
        replays.insert(client, Arc::clone(of));
        shared.replaying.store(replays.len(), Ordering::Relaxed);
    }

    /// The id of the call that the client's request repeats, if it is a replay.
    pub(crate) fn take_replay(&self, client: SocketAddr) -> Option<Arc<str>> {
        let shared = self.0.as_ref()?;
        if shared.replaying.load(Ordering::Relaxed) == 0 {
            return None;
        }
        let mut replays = shared.lock_replays();
        let of = replays.remove(&client);
        shared.replaying.store(replays.len(), Ordering::Relaxed);
        of
    }

    /// Forgets all calls.
    pub(crate) fn clear(&self) {
        let Some(shared) = &self.0 else { return };
        let mut ring = shared.lock();
        ring.clear();
        let revision = ring.revision;
        drop(ring);
        shared.changed.send_replace(revision);
    }
}

impl Shared {
    fn lock_replays(&self) -> MutexGuard<'_, HashMap<SocketAddr, Arc<str>>> {
        self.replays.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn lock(&self) -> MutexGuard<'_, Ring> {
        self.ring.lock().unwrap_or_else(PoisonError::into_inner)
    }
}
