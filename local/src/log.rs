//! What happens, as events: lines of instances, requests, remarks. The library emits them; printing is
//! the command line's.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use http::Method;
use tokio::sync::mpsc;

use crate::platform::Address;

/// How many events wait for a slow reader before the next ones are counted and dropped: a terminal that
/// stands still must not stop serving.
const QUEUE: usize = 65_536;

/// Something that happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Event {
    /// When.
    pub time: SystemTime,
    /// The function it belongs to.
    pub function: Option<Arc<str>>,
    /// The instance it belongs to.
    pub instance: Option<Arc<str>>,
    /// The request it belongs to.
    pub request: Option<Arc<str>>,
    /// What.
    pub kind: Kind,
}

/// What happened.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub enum Kind {
    /// A line that an instance wrote to its standard output.
    Stdout(String),
    /// A line that an instance wrote to its standard error.
    Stderr(String),
    /// A line that a build step wrote.
    Build(String),
    /// A request was answered, or its client left.
    Request(Record),
    /// A function answers at this address from now on.
    Ready(Address),
    /// Something worth knowing.
    Info(String),
    /// Something that needs attention.
    Warning(String),
    /// Something that failed.
    Error(String),
}

/// One request in the log.
#[derive(Debug, Clone)]
#[non_exhaustive]
pub struct Record {
    /// The method.
    pub method: Method,
    /// The path without its query, in which signatures and tokens live.
    pub path: String,
    /// The status; 499 when the client left.
    pub status: u16,
    /// From arrival to the end of the answer.
    pub duration: Duration,
    /// Whether an instance had to be started for it.
    pub is_cold: bool,
}

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

/// What an event belongs to.
#[derive(Debug, Clone, Default)]
pub(crate) struct Source {
    pub(crate) function: Option<Arc<str>>,
    pub(crate) instance: Option<Arc<str>>,
    pub(crate) request: Option<Arc<str>>,
}

impl Source {
    pub(crate) fn function(name: &Arc<str>) -> Self {
        Source { function: Some(Arc::clone(name)), ..Source::default() }
    }

    pub(crate) fn with_instance(&self, id: &Arc<str>) -> Self {
        Source { instance: Some(Arc::clone(id)), ..self.clone() }
    }

    pub(crate) fn with_request(&self, id: &Arc<str>) -> Self {
        Source { request: Some(Arc::clone(id)), ..self.clone() }
    }
}
