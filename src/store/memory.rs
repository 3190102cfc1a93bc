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
/// It holds 100 000 keys and 16 MiB at most. Beyond that, work that is to be done once is refused with a 503, and further
/// clients of a rate limit share one count.
pub struct MemoryStore {
    entries: Mutex<Entries>,
    keys_max: usize,
    bytes_max: usize,
}

const KEYS_MAX: usize = 100_000;
const BYTES_MAX: usize = 16 * MIB;

/// How often entries whose time is over are looked for, at most.
const SWEEP: Duration = Duration::from_secs(1);

#[derive(Default)]
struct Entries {
    by_key: HashMap<String, Entry>,
    bytes: usize,
    swept: Option<Instant>,
}

struct Entry {
    what: What,
    /// `None` for a time that the clock cannot say.
    until: Option<Instant>,
}

enum What {
    Held(String),
    Kept(Bytes),
    Hits(u64),
}

impl MemoryStore {
    /// An empty store.
    pub fn new() -> Self {
        Self { entries: Mutex::default(), keys_max: KEYS_MAX, bytes_max: BYTES_MAX }
    }

    fn lock(&self) -> MutexGuard<'_, Entries> {
        self.entries.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Whether there is room for an entry with this key, after those whose time is over have gone.
    fn has_room(&self, entries: &mut Entries, key: &str, more: usize, now: Instant) -> bool {
        let is_full = |entries: &Entries| {
            let keys = entries.by_key.len() + usize::from(!entries.by_key.contains_key(key));
            keys > self.keys_max || entries.bytes.saturating_add(more) > self.bytes_max
        };
        if is_full(entries) && entries.swept.is_none_or(|swept| now.duration_since(swept) >= SWEEP) {
            entries.swept = Some(now);
            entries.by_key.retain(|_, entry| !entry.is_over(now));
            entries.bytes = entries.by_key.iter().map(|(key, entry)| key.len() + entry.size()).sum();
        }
        !is_full(entries)
    }
}

impl Entry {
    fn is_over(&self, now: Instant) -> bool {
        self.until.is_some_and(|until| until <= now)
    }

    fn size(&self) -> usize {
        match &self.what {
            What::Held(holder) => holder.len(),
            What::Kept(value) => value.len(),
            What::Hits(_) => 0,
        }
    }
}

impl Entries {
    fn put(&mut self, key: &str, what: What, until: Option<Instant>) {
        self.remove(key);
        let entry = Entry { what, until };
        self.bytes += key.len() + entry.size();
        self.by_key.insert(key.to_owned(), entry);
    }

    fn remove(&mut self, key: &str) {
        if let Some(old) = self.by_key.remove(key) {
            self.bytes = self.bytes.saturating_sub(key.len() + old.size());
        }
    }

    fn is_held(&self, key: &str, holder: &str) -> bool {
        self.by_key.get(key).is_some_and(|entry| matches!(&entry.what, What::Held(own) if own == holder))
    }
}

impl Store for MemoryStore {
    async fn begin(&self, key: &str, holder: &str, lease: Duration) -> Result<Begun> {
        let (mut entries, now) = (self.lock(), Instant::now());
        if let Some(entry) = entries.by_key.get(key).filter(|entry| !entry.is_over(now)) {
            return Ok(match &entry.what {
                What::Kept(value) => Begun::Done(value.clone()),
                What::Held(_) | What::Hits(_) => Begun::Running,
            });
        }
        if !self.has_room(&mut entries, key, key.len() + holder.len(), now) {
            let why = "too much is remembered; try again later";
            return Err(Error::of_ours(StatusCode::SERVICE_UNAVAILABLE, why));
        }
        entries.put(key, What::Held(holder.to_owned()), now.checked_add(lease));
        Ok(Begun::Yours)
    }

    async fn complete(&self, key: &str, holder: &str, value: &[u8], keep: Duration) -> Result {
        let (mut entries, now) = (self.lock(), Instant::now());
        if entries.is_held(key, holder) {
            if !self.has_room(&mut entries, key, value.len(), now) {
                return Err(Error::of_ours(StatusCode::SERVICE_UNAVAILABLE, "too much is remembered"));
            }
            entries.put(key, What::Kept(Bytes::copy_from_slice(value)), now.checked_add(keep));
        }
        Ok(())
    }

    async fn release(&self, key: &str, holder: &str) -> Result {
        let mut entries = self.lock();
        if entries.is_held(key, holder) {
            entries.remove(key);
        }
        Ok(())
    }

    async fn hit(&self, key: &str, window: Duration) -> Result<Hits> {
        let (mut entries, now) = (self.lock(), Instant::now());
        let is_known = entries.by_key.contains_key(key);
        let key = if is_known || self.has_room(&mut entries, key, key.len(), now) { key } else { "" };
        if let Some(entry) = entries.by_key.get_mut(key).filter(|entry| !entry.is_over(now))
            && let What::Hits(count) = &mut entry.what
        {
            *count += 1;
            let resets_in = entry.until.map_or(window, |until| until.duration_since(now));
            return Ok(Hits { count: *count, resets_in });
        }
        entries.put(key, What::Hits(1), now.checked_add(window));
        Ok(Hits { count: 1, resets_in: window })
    }
}

impl Default for MemoryStore {
    fn default() -> Self {
        Self::new()
    }
}

impl fmt::Debug for MemoryStore {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("MemoryStore").field("keys", &self.lock().by_key.len()).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const MINUTE: Duration = Duration::from_secs(60);

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
        assert_eq!(store.lock().bytes, 0);
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
        let store = MemoryStore { keys_max: 1, ..MemoryStore::new() };
        assert_eq!(store.begin("a", "me", MINUTE).await.unwrap(), Begun::Yours);
        assert_eq!(store.begin("b", "me", MINUTE).await.unwrap_err().status(), 503);
        store.complete("a", "me", b"done", Duration::from_millis(1)).await.unwrap();
        assert_eq!(store.begin("a", "me", MINUTE).await.unwrap(), Begun::Done("done".into()));
        tokio::time::advance(Duration::from_millis(1)).await;
        assert_eq!(store.begin("a", "me", MINUTE).await.unwrap(), Begun::Yours);
    }

    #[tokio::test(start_paused = true)]
    async fn a_full_store_is_bounded() {
        let store = MemoryStore { keys_max: 3, bytes_max: 100, ..MemoryStore::new() };
        for key in ["a", "b"] {
            assert_eq!(store.begin(key, "me", MINUTE).await.unwrap(), Begun::Yours);
        }
        assert!(store.complete("a", "me", &[b'x'; 200], MINUTE).await.is_err());
        store.hit("c", MINUTE).await.unwrap();
        assert_eq!(store.begin("d", "me", MINUTE).await.unwrap_err().status(), 503);
        assert_eq!(store.hit("x", MINUTE).await.unwrap().count, 1);
        assert_eq!(store.hit("y", MINUTE).await.unwrap().count, 2);
        tokio::time::advance(MINUTE).await;
        assert_eq!(store.begin("d", "me", MINUTE).await.unwrap(), Begun::Yours);
        assert_eq!(store.lock().by_key.len(), 1);
    }
}
