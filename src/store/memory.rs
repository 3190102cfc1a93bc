//! A store in the memory of the instance.

use std::collections::HashMap;
use std::fmt;
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;
use tokio::time::Instant;

use crate::error::{Error, Result};
use crate::platform::limits::MIB;
use crate::store::{Begun, Hits, Store};

/// A [`Store`] in memory, for this instance alone: what it holds ends with the instance. See the example of [`Store`].
///
/// It holds 100 000 keys and 16 MiB of work that is done once, and as many keys and 4 MiB of rate limits: neither takes the
/// other's room. Beyond that, work is refused with a 503, and further clients of a rate limit share one count.
pub struct MemoryStore {
    work: Mutex<Shelf<Work>>,
    hits: Mutex<Shelf<u64>>,
}

const KEYS_MAX: usize = 100_000;
const WORK_MAX: usize = 16 * MIB;
const HITS_MAX: usize = 4 * MIB;

/// How often entries whose time is over are looked for, at most.
const SWEEP: Duration = Duration::from_secs(1);

/// Values for a time each, by key, with a bound on how many there are and how long they are together.
struct Shelf<T> {
    by_key: HashMap<String, Entry<T>>,
    bytes: usize,
    swept: Option<Instant>,
    keys_max: usize,
    bytes_max: usize,
}

struct Entry<T> {
    value: T,
    /// `None` for a time that the clock cannot say.
    until: Option<Instant>,
}

enum Work {
    Held(String),
    Done(Bytes),
}

/// The length of a value beside its key, in bytes.
trait Weigh {
    fn size(&self) -> usize;
}

impl Weigh for Work {
    fn size(&self) -> usize {
        match self {
            Self::Held(holder) => holder.len(),
            Self::Done(value) => value.len(),
        }
    }
}

impl Weigh for u64 {
    fn size(&self) -> usize {
        0
    }
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self { work: Mutex::new(Shelf::new(WORK_MAX)), hits: Mutex::new(Shelf::new(HITS_MAX)) }
    }
}

fn lock<T>(shelf: &Mutex<Shelf<T>>) -> MutexGuard<'_, Shelf<T>> {
    shelf.lock().unwrap_or_else(PoisonError::into_inner)
}

impl<T> Entry<T> {
    fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }
}

impl<T: Weigh> Shelf<T> {
    fn new(bytes_max: usize) -> Self {
        Self { by_key: HashMap::new(), bytes: 0, swept: None, keys_max: KEYS_MAX, bytes_max }
    }

    /// The entry of a key, unless its time is over.
    fn get(&mut self, key: &str, now: Instant) -> Option<&mut Entry<T>> {
        self.by_key.get_mut(key).filter(|entry| !entry.is_over(now))
    }

    /// Whether there is room for an entry with this key, after those whose time is over have gone.
    fn has_room(&mut self, key: &str, more: usize, now: Instant) -> bool {
        if self.is_full(key, more) && self.swept.is_none_or(|swept| now.duration_since(swept) >= SWEEP) {
            self.swept = Some(now);
            self.by_key.retain(|_, entry| !entry.is_over(now));
            self.bytes = self.by_key.iter().map(|(key, entry)| key.len() + entry.value.size()).sum();
        }
        !self.is_full(key, more)
    }

    fn is_full(&self, key: &str, more: usize) -> bool {
        let keys = self.by_key.len() + usize::from(!self.by_key.contains_key(key));
        keys > self.keys_max || self.bytes.saturating_add(more) > self.bytes_max
    }

    fn put(&mut self, key: &str, value: T, until: Option<Instant>) {
        self.remove(key);
        self.bytes += key.len() + value.size();
        self.by_key.insert(key.to_owned(), Entry { value, until });
    }

    fn remove(&mut self, key: &str) {
        if let Some(old) = self.by_key.remove(key) {
            self.bytes = self.bytes.saturating_sub(key.len() + old.value.size());
        }
    }
}

impl Shelf<Work> {
    fn is_held(&self, key: &str, holder: &str) -> bool {
        self.by_key.get(key).is_some_and(|entry| matches!(&entry.value, Work::Held(own) if own == holder))
    }
}

impl Store for MemoryStore {
    async fn begin(&self, key: &str, holder: &str, lease: Duration) -> Result<Begun> {
        let (mut work, now) = (lock(&self.work), Instant::now());
        if let Some(entry) = work.get(key, now) {
            return Ok(match &entry.value {
                Work::Done(value) => Begun::Done(value.clone()),
                Work::Held(_) => Begun::Running,
            });
        }
        if !work.has_room(key, key.len() + holder.len(), now) {
            let why = "too much is remembered; try again later";
            return Err(Error::of_ours(StatusCode::SERVICE_UNAVAILABLE, why));
        }
        work.put(key, Work::Held(holder.to_owned()), now.checked_add(lease));
        Ok(Begun::Yours)
    }

    async fn complete(&self, key: &str, holder: &str, value: &[u8], keep: Duration) -> Result {
        let (mut work, now) = (lock(&self.work), Instant::now());
        if work.is_held(key, holder) {
            if !work.has_room(key, value.len(), now) {
                return Err(Error::of_ours(StatusCode::SERVICE_UNAVAILABLE, "too much is remembered"));
            }
            work.put(key, Work::Done(Bytes::copy_from_slice(value)), now.checked_add(keep));
        }
        Ok(())
    }

    async fn release(&self, key: &str, holder: &str) -> Result {
        let mut work = lock(&self.work);
        if work.is_held(key, holder) {
            work.remove(key);
        }
        Ok(())
    }

    async fn hit(&self, key: &str, window: Duration) -> Result<Hits> {
        let (mut hits, now) = (lock(&self.hits), Instant::now());
        if let Some(hits) = again(&mut hits, key, window, now) {
            return Ok(hits);
        }
        // The empty key is the count that clients share when there is no room for their own.
        let has_room = hits.by_key.contains_key(key) || hits.has_room(key, key.len(), now);
        let key = if has_room { key } else { "" };
        if let Some(hits) = again(&mut hits, key, window, now) {
            return Ok(hits);
        }
        hits.put(key, 1, now.checked_add(window));
        Ok(Hits { count: 1, resets_in: window })
    }
}

/// Counts a hit in a window that has begun.
fn again(hits: &mut Shelf<u64>, key: &str, window: Duration, now: Instant) -> Option<Hits> {
    let entry = hits.get(key, now)?;
    entry.value += 1;
    let resets_in = entry.until.map_or(window, |until| until.duration_since(now));
    Some(Hits { count: entry.value, resets_in })
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        let (work, hits) = (lock(&self.work).by_key.len(), lock(&self.hits).by_key.len());
        f.debug_struct("MemoryStore").field("work", &work).field("hits", &hits).finish()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

    fn small(keys_max: usize, bytes_max: usize) -> MemoryStore {
        let work = Mutex::new(Shelf { keys_max, ..Shelf::new(bytes_max) });
        MemoryStore { work, hits: Mutex::new(Shelf { keys_max, ..Shelf::new(bytes_max) }) }
    }

    #[tokio::test(start_paused = true)]
    async fn a_lease_ends_and_a_late_holder_changes_nothing() {
        let store = MemoryStore::new();
        assert_eq!(store.begin("k", "a", MINUTE).await.unwrap(), Begun::Yours);
        tokio::time::advance(MINUTE).await;
        assert_eq!(store.begin("k", "b", MINUTE).await.unwrap(), Begun::Yours);
        store.complete("k", "a", b"late", MINUTE).await.unwrap();
        store.release("k", "a").await.unwrap();
        assert_eq!(store.begin("k", "c", MINUTE).await.unwrap(), Begun::Running);
        store.complete("k", "b", b"done", MINUTE).await.unwrap();
        assert_eq!(store.begin("k", "c", MINUTE).await.unwrap(), Begun::Done("done".into()));
        tokio::time::advance(MINUTE).await;
        assert_eq!(store.begin("k", "c", MINUTE).await.unwrap(), Begun::Yours);
        store.release("k", "c").await.unwrap();
        assert_eq!(lock(&store.work).bytes, 0);
    }

    #[tokio::test(start_paused = true)]
    async fn windows_begin_with_their_first_hit() {
        let store = MemoryStore::new();
        for count in 1..=3 {
            let hits = store.hit("k", MINUTE).await.unwrap();
            assert_eq!((hits.count, hits.resets_in), (count, Duration::from_secs(80 - 20 * count)));
            tokio::time::advance(Duration::from_secs(20)).await;
        }
        assert_eq!(store.hit("k", MINUTE).await.unwrap().count, 1);
    }

    /// A key that was taken is no further one when its result comes, nor when its time is over.
    #[tokio::test(start_paused = true)]
    async fn a_full_store_keeps_the_results_of_its_keys() {
        let store = small(1, WORK_MAX);
        assert_eq!(store.begin("a", "me", MINUTE).await.unwrap(), Begun::Yours);
        assert_eq!(store.begin("b", "me", MINUTE).await.unwrap_err().status(), 503);
        store.complete("a", "me", b"done", Duration::from_millis(1)).await.unwrap();
        assert_eq!(store.begin("a", "me", MINUTE).await.unwrap(), Begun::Done("done".into()));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(store.begin("a", "me", MINUTE).await.unwrap(), Begun::Yours);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_store_is_bounded() {
        let store = small(3, 100);
        for key in ["a", "b", "c"] {
            assert_eq!(store.begin(key, "me", MINUTE).await.unwrap(), Begun::Yours);
        }
        assert!(store.complete("a", "me", &[b'x'; 200], MINUTE).await.is_err());
        assert_eq!(store.begin("d", "me", MINUTE).await.unwrap_err().status(), 503);
        for key in ["a", "b", "c"] {
            assert_eq!(store.hit(key, MINUTE).await.unwrap().count, 1);
        }
        // Clients without room share a count, which has begun already.
        assert_eq!(store.hit("x", MINUTE).await.unwrap().count, 1);
        assert_eq!(store.hit("y", MINUTE).await.unwrap().count, 2);
        assert_eq!(store.hit("a", MINUTE).await.unwrap().count, 2);
        tokio::time::advance(MINUTE).await;
        assert_eq!(store.begin("d", "me", MINUTE).await.unwrap(), Begun::Yours);
        assert_eq!(store.hit("z", MINUTE).await.unwrap().count, 1);
        assert_eq!((lock(&store.work).by_key.len(), lock(&store.hits).by_key.len()), (1, 1));
    }

    /// Clients of a rate limit choose their keys, and must not keep work from being done; nor the other way round.
    #[tokio::test(start_paused = true)]
    async fn work_and_rate_limits_do_not_take_each_others_room() {
        let store = small(2, 1000);
        for key in ["a", "b", "c", "d"] {
            store.hit(key, MINUTE).await.unwrap();
        }
        assert_eq!(store.begin("order", "me", MINUTE).await.unwrap(), Begun::Yours);
        // A key of a limit is none of work.
        assert_eq!(store.begin("a", "me", MINUTE).await.unwrap(), Begun::Yours);
        let store = small(2, 1000);
        for key in ["a", "b"] {
            assert_eq!(store.begin(key, "me", MINUTE).await.unwrap(), Begun::Yours);
        }
        for count in 1..=3 {
            assert_eq!(store.hit("client", MINUTE).await.unwrap().count, count);
            assert_eq!(store.hit("other", MINUTE).await.unwrap().count, count);
        }
    }
}
