//! The counters of an app.

use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, Ordering};
use std::sync::{Arc, OnceLock};

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::observe::Observe;
use crate::roll::{Place, Roll};
use crate::task::BoxFuture;

/// Counts of one app since the process started. Probes and hooks are not counted.
///
/// ```
/// use fc_runtime::{App, Json};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new().get("/counters", async |ex| Json(ex.counters())).test_client();
/// client.get("/counters").await.assert_status(200);
/// let counters: serde_json::Value = client.get("/counters").await.json();
/// assert_eq!(counters["finished"], 1);
/// assert_eq!(counters["in_flight"], 1);
/// # });
/// ```
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
#[non_exhaustive]
#[doc(alias = "metrics")]
pub struct Counters {
    /// Requests and event calls in flight, including the one that reads this.
    /// [Handlers that finish](crate::HangUpPolicy::Finish) after their clients have left count too.
    pub in_flight: u64,
    /// Requests whose reply was handed to the connection completely, or ended by an error of its stream.
    pub finished: u64,
    /// Requests whose client left before the end of the reply (499).
    pub cancelled: u64,
    /// Handlers that panicked.
    pub panicked: u64,
    /// Requests that a shutdown cut after its deadline. Handlers without a client that were still running count too.
    pub cut: u64,
    /// Requests, bodies and messages that were refused because [`App::client_memory`](crate::App::client_memory) was
    /// used up.
    pub refused_for_memory: u64,
    /// Event calls.
    pub invoked: u64,
    /// Whether the initialization has succeeded. True from the start if there is no hook.
    pub initialized: bool,
    /// Whether the platform has called pre-stop.
    pub pre_stopped: bool,
}

/// Written by hand, because the derive would link its code into every function.
impl Serialize for Counters {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let mut counters = serializer.serialize_struct("Counters", 9)?;
        counters.serialize_field("in_flight", &self.in_flight)?;
        counters.serialize_field("finished", &self.finished)?;
        counters.serialize_field("cancelled", &self.cancelled)?;
        counters.serialize_field("panicked", &self.panicked)?;
        counters.serialize_field("cut", &self.cut)?;
        counters.serialize_field("refused_for_memory", &self.refused_for_memory)?;
        counters.serialize_field("invoked", &self.invoked)?;
        counters.serialize_field("initialized", &self.initialized)?;
        counters.serialize_field("pre_stopped", &self.pre_stopped)?;
        counters.end()
    }
}

/// Sends what waits to be sent, in a bounded time.
pub(crate) type Flush = Box<dyn Fn() -> BoxFuture<()> + Send + Sync>;

/// An entry of the roll: a connection with its request, a request by itself, or a handler without its client.
pub(crate) trait InFlight: Send + Sync {
    /// Counts it as cut by a shutdown, unless it has ended by now.
    fn cut(&self, counts: &LiveCounters, is_logged: bool);
}

#[derive(Default)]
pub(crate) struct LiveCounters {
    pub(crate) roll: Roll<dyn InFlight>,
    pub(crate) in_flight: Count,
    pub(crate) finished: Count,
    pub(crate) cancelled: Count,
    pub(crate) panicked: Count,
    pub(crate) cut: Count,
    pub(crate) invoked: Count,
    pub(crate) pre_stopped: AtomicBool,
    /// Who observes the ends of requests. Not set if nobody does.
    pub(crate) observers: OnceLock<Vec<Arc<dyn Observe>>>,
    /// What is done before the platform may freeze the instance. Not set if there is nothing to do.
    pub(crate) flush: OnceLock<Vec<Flush>>,
    cutting: AtomicBool,
    /// Connections with unread bytes that were not polled since. May be below zero for a moment, when a poll is faster
    /// than the wake that it answers.
    unpolled: AtomicIsize,
    /// Running handlers of places with `HangUpPolicy::Finish`, with and without a client.
    pub(crate) finishing: Count,
    /// Running handlers, if there is a cap on them.
    running: Count,
}

/// A connection in the roll, until this value is dropped.
pub(crate) struct InRoll {
    counts: Arc<LiveCounters>,
    place: Place,
}

impl InRoll {
    pub(crate) fn enter(counts: &Arc<LiveCounters>, who: Arc<dyn InFlight>) -> Self {
        Self { counts: Arc::clone(counts), place: counts.roll.enter(who) }
    }
}

impl Drop for InRoll {
    fn drop(&mut self) {
        self.counts.roll.leave(self.place);
    }
}

/// Held while a handler runs, also after its client has left. Used only if there is a cap.
pub(crate) struct Permit(Arc<LiveCounters>);

impl Permit {
    pub(crate) fn take(counts: &Arc<LiveCounters>, most: u64) -> Option<Arc<Self>> {
        counts.running.add();
        let permit = Self(Arc::clone(counts));
        (counts.running.get() <= most).then(|| Arc::new(permit))
    }
}

impl Drop for Permit {
    fn drop(&mut self) {
        self.0.running.take();
    }
}

/// The permit of a handler that may run without its client, under `HangUpPolicy::Finish`.
pub(crate) struct FinishPermit(Arc<LiveCounters>);

impl FinishPermit {
    /// `None` if `most` handlers already run without their clients.
    pub(crate) fn take(counts: &Arc<LiveCounters>, most: u64) -> Option<Self> {
        counts.finishing.add();
        let permit = Self(Arc::clone(counts));
        (counts.finishing.get() <= most).then_some(permit)
    }
}

impl Drop for FinishPermit {
    fn drop(&mut self) {
        self.0.finishing.take();
    }
}

#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.increment();
    }

    /// Adds one, and gives the new count.
    pub(crate) fn increment(&self) -> u64 {
        self.0.fetch_add(1, Ordering::SeqCst) + 1
    }

    pub(crate) fn take(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl LiveCounters {
    /// Counts a connection to which bytes came, possibly with a request.
    pub(crate) fn add_unpolled(&self) {
        self.unpolled.fetch_add(1, Ordering::SeqCst);
    }

    /// Takes the count back, because the connection is polled or dropped.
    pub(crate) fn take_unpolled(&self) {
        self.unpolled.fetch_sub(1, Ordering::SeqCst);
    }

    /// True if nothing is in flight, and no connection has unread bytes. The platform may then freeze the instance.
    ///
    /// All counts are sequentially consistent. If two requests end at the same time, at least one of them sees true.
    pub(crate) fn is_quiet(&self) -> bool {
        self.in_flight.get() == 0 && self.unpolled.load(Ordering::SeqCst) <= 0
    }

    /// Sends what waits to be sent, because the platform may freeze the instance next. `None` if there is nothing to do.
    pub(crate) fn flush(self: &Arc<Self>) -> Option<BoxFuture<()>> {
        self.flush.get()?;
        let counts = Arc::clone(self);
        Some(Box::pin(async move {
            for flush in counts.flush.get().into_iter().flatten() {
                flush().await;
            }
        }))
    }

    /// From now on a request that ends early counts as cut by the shutdown.
    pub(crate) fn start_cutting(&self) {
        self.cutting.store(true, Ordering::Release);
    }

    /// Counts and records the requests that are still in flight when the process ends, because their threads are
    /// blocked.
    pub(crate) fn cut_rest(&self, is_logged: bool) {
        self.start_cutting();
        for request in self.roll.all() {
            request.cut(self, is_logged);
        }
    }

    pub(crate) fn is_cutting(&self) -> bool {
        self.cutting.load(Ordering::Acquire)
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            in_flight: self.in_flight.get(),
            finished: self.finished.get(),
            cancelled: self.cancelled.get(),
            panicked: self.panicked.get(),
            cut: self.cut.get(),
            invoked: self.invoked.get(),
            pre_stopped: self.pre_stopped.load(Ordering::Relaxed),
            ..Counters::default()
        }
    }
}
