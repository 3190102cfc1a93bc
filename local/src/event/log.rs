//! The log of events: any number of readers, and a ring of the latest events.
//!
//! An emitter never waits for a reader. Each reader has its own queue, bounded in events and in bytes: each function's lines
//! have a share, and so have fc-local's own events. Beyond its share, events are dropped until half of the share is read.
//! So a slow reader sees few gaps, each reported once in its place, and complete runs of events between the gaps.

mod look;
mod unread;

use std::collections::BTreeMap;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

use super::entry::{Event, Source};
use super::kind::Kind;
use look::News;
use unread::{Backlog, Limits, Queued, Unread};

const MIB: usize = 1024 * 1024;

/// The bounds of a reader's queue.
const UNREAD: Limits = Limits { events: 65_536, bytes: 16 * MIB };

/// The bounds of the ring, which a new reader gets first.
const RECENT: Limits = Limits { events: 4_096, bytes: 4 * MIB };

/// Where events go. Clones are the same log. [The example of the crate](crate) makes one with its first reader.
#[derive(Debug, Clone)]
pub struct Log(Arc<Writers>);

/// Where events come out: one reader of a log. [The example of the crate](crate) takes them all.
#[derive(Debug)]
pub struct Events {
    reader: Arc<Reader>,
    hub: Arc<Hub>,
}

/// All that emit. When they are gone the readers come to their end.
#[derive(Debug)]
struct Writers(Arc<Hub>);

#[derive(Debug)]
struct Hub {
    state: Mutex<State>,
    recent: Limits,
    unread: Limits,
}

#[derive(Debug)]
struct State {
    recent: Backlog,
    news: News,
    /// How many events there were.
    emitted: u64,
    /// How many events of each kind there were, in the order of [`Kind::NAMES`].
    counts: [u64; Kind::NAMES.len()],
    readers: Vec<Arc<Reader>>,
}

#[derive(Debug)]
struct Reader {
    unread: Mutex<Unread>,
    arrived: Condvar,
    limits: Limits,
}

impl Log {
    /// A log and its first reader.
    pub fn new() -> (Log, Events) {
        Log::bounded(RECENT, UNREAD)
    }

    fn bounded(recent: Limits, unread: Limits) -> (Log, Events) {
        let state = State {
            recent: Backlog::default(),
            news: News::default(),
            emitted: 0,
            counts: [0; Kind::NAMES.len()],
            readers: Vec::new(),
        };
        let hub = Arc::new(Hub { state: Mutex::new(state), recent, unread });
        let log = Log(Arc::new(Writers(hub)));
        let events = log.subscribe();
        (log, events)
    }

    /// Another reader. It begins with the latest events, at most 4 096 of them and 4 MiB.
    pub fn subscribe(&self) -> Events {
        let hub = Arc::clone(&self.0.0);
        let mut state = hub.lock();
        let reader = Arc::new(Reader {
            unread: Mutex::new(Unread::of(state.recent.clone())),
            arrived: Condvar::new(),
            limits: hub.unread,
        });
        state.readers.push(Arc::clone(&reader));
        drop(state);
        Events { reader, hub }
    }

    /// The number of events of each kind, by the kind's name. Kinds that never happened are left out.
    pub fn counts(&self) -> BTreeMap<&'static str, u64> {
        let counts = self.0.0.lock().counts;
        Kind::NAMES.iter().copied().zip(counts).filter(|(_, count)| *count > 0).collect()
    }

    /// Lets the readers come to their end after the events so far, as if every clone of the log were gone.
    pub(crate) fn close(&self) {
        self.0.end();
    }

    pub(crate) fn emit(&self, source: &Source, kind: Kind) {
        self.emit_from(source.clone(), kind);
    }

    /// As [`emit`](Self::emit), of a source that is not needed afterwards.
    pub(crate) fn emit_from(&self, source: Source, kind: Kind) {
        let Source { function, instance, request, version } = source;
        self.0.0.emit(Event { time: SystemTime::now(), function, instance, request, version, kind }.into());
    }
}

impl Writers {
    fn end(&self) {
        for reader in &self.0.lock().readers {
            reader.lock().is_over = true;
            reader.arrived.notify_all();
        }
    }
}

impl Drop for Writers {
    fn drop(&mut self) {
        self.end();
    }
}

impl Hub {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn emit(&self, queued: Queued) {
        let mut state = self.lock();
        state.counts[queued.event.kind.index()] += 1;
        state.emitted += 1;
        let number = state.emitted;
        state.news.note(number, &queued.event);
        for reader in &state.readers {
            reader.push(&queued);
        }
        state.recent.push(queued);
        while state.recent.exceeds(self.recent) {
            state.recent.pop();
        }
    }
}

impl Reader {
    fn lock(&self) -> MutexGuard<'_, Unread> {
        self.unread.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn push(&self, queued: &Queued) {
        let mut unread = self.lock();
        if unread.is_over {
            return;
        }
        unread.push(queued, self.limits);
        // Waking is a system call, which a reader that is at work does not need.
        if unread.is_awaited {
            unread.is_awaited = false;
            self.arrived.notify_all();
        }
    }
}

impl Events {
    /// Blocks the thread until there are events and takes them, at most `limit` and about 1 MiB. Nothing is left
    /// when it gives 0: every [`Log`] is gone.
    pub fn wait(&mut self, into: &mut Vec<Arc<Event>>, limit: usize) -> usize {
        let mut unread = self.reader.lock();
        while unread.backlog.events.is_empty() && !unread.is_over {
            unread.is_awaited = true;
            unread = self.reader.arrived.wait(unread).unwrap_or_else(PoisonError::into_inner);
        }
        unread.take(into, limit, self.reader.limits)
    }

    /// As [`wait`](Self::wait), but waits no longer than `within`. `None` when nothing is left and every [`Log`] is gone.
    pub(crate) fn wait_within(
        &mut self,
        into: &mut Vec<Arc<Event>>,
        limit: usize,
        within: Option<Duration>,
    ) -> Option<usize> {
        let Some(within) = within else { return Some(self.wait(into, limit)).filter(|count| *count > 0) };
        let mut unread = self.reader.lock();
        if unread.backlog.events.is_empty() && !unread.is_over {
            unread.is_awaited = true;
            let waited = self.reader.arrived.wait_timeout(unread, within);
            unread = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        let count = unread.take(into, limit, self.reader.limits);
        (count > 0 || !unread.is_over).then_some(count)
    }

    /// Takes queued events: at most `limit` events, and about 1 MiB.
    pub fn take(&mut self, into: &mut Vec<Arc<Event>>, limit: usize) -> usize {
        self.reader.lock().take(into, limit, self.reader.limits)
    }
}

impl Drop for Events {
    fn drop(&mut self) {
        self.hub.lock().readers.retain(|reader| !Arc::ptr_eq(reader, &self.reader));
    }
}

#[cfg(test)]
mod tests;
