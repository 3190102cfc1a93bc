//! Where events go, and where they come out.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::SystemTime;

use tokio::sync::mpsc;

use super::kind::{Event, Kind, Source};

/// How many events wait for a slow reader before the next ones are counted and dropped: a terminal that
/// stands still must not stop serving.
const QUEUE: usize = 65_536;

/// Where events go.
#[derive(Debug, Clone)]
pub struct Log {
    sender: mpsc::Sender<Event>,
    dropped: Arc<AtomicU64>,
}

/// Where events come out.
#[derive(Debug)]
pub struct Events {
    receiver: mpsc::Receiver<Event>,
    dropped: Arc<AtomicU64>,
}

impl Log {
    /// A log and its reader.
    pub fn new() -> (Log, Events) {
        let (sender, receiver) = mpsc::channel(QUEUE);
        let dropped = Arc::new(AtomicU64::new(0));
        (Log { sender, dropped: Arc::clone(&dropped) }, Events { receiver, dropped })
    }

    pub(crate) fn emit(&self, source: &Source, kind: Kind) {
        let event = Event {
            time: SystemTime::now(),
            function: source.function.clone(),
            instance: source.instance.clone(),
            request: source.request.clone(),
            kind,
        };
        if self.sender.try_send(event).is_err() {
            self.dropped.fetch_add(1, Ordering::Relaxed);
        }
    }

    pub(crate) fn info(&self, source: &Source, text: impl Into<String>) {
        self.emit(source, Kind::Info(text.into()));
    }

    pub(crate) fn warn(&self, source: &Source, text: impl Into<String>) {
        self.emit(source, Kind::Warning(text.into()));
    }

    pub(crate) fn error(&self, source: &Source, text: impl Into<String>) {
        self.emit(source, Kind::Error(text.into()));
    }
}

impl Events {
    /// Blocks the thread until there are events and takes them, at most `limit`. Nothing is left when it
    /// gives 0: every [`Log`] is gone.
    pub fn wait(&mut self, into: &mut Vec<Event>, limit: usize) -> usize {
        self.receiver.blocking_recv_many(into, limit)
    }

    /// Takes the events that are there now, at most `limit`.
    pub fn take(&mut self, into: &mut Vec<Event>, limit: usize) -> usize {
        let before = into.len();
        into.extend(std::iter::from_fn(|| self.receiver.try_recv().ok()).take(limit));
        into.len() - before
    }

    /// How many events were dropped since the last call because the reader was too slow.
    pub fn take_dropped(&self) -> u64 {
        self.dropped.swap(0, Ordering::Relaxed)
    }
}
