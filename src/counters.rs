//! What an app has done so far, counted.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicIsize, AtomicU64, Ordering};

use serde::ser::{Serialize, SerializeStruct, Serializer};

use crate::roll::Roll;

/// Counts since the process started, of one app. Probes and hooks are not traffic and are not counted.
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
    /// Requests and event calls that are being handled now, the one that asks included, and
    /// [handlers that finish](crate::HangUpPolicy::Finish) without their clients.
    pub in_flight: u64,
    /// Those whose reply was handed to the connection to its end, or broke off by an error of the handler's.
    pub finished: u64,
    /// Those whose client left first (499).
    pub cancelled: u64,
    /// Handlers that panicked.
    pub panicked: u64,
    /// Requests that a shutdown cut after its deadline, and handlers that went on without their clients until then.
    pub cut: u64,
    /// Event calls.
    pub invoked: u64,
    /// Whether initialization has succeeded; true from the start when there is no hook.
    pub initialized: bool,
    /// Whether the platform has called pre-stop.
    pub pre_stopped: bool,
}

/// Written out: the derive would bring its macros into every function.
impl Serialize for Counters {
    fn serialize<T: Serializer>(&self, serializer: T) -> Result<T::Ok, T::Error> {
        let mut counters = serializer.serialize_struct("Counters", 8)?;
        counters.serialize_field("in_flight", &self.in_flight)?;
        counters.serialize_field("finished", &self.finished)?;
        counters.serialize_field("cancelled", &self.cancelled)?;
        counters.serialize_field("panicked", &self.panicked)?;
        counters.serialize_field("cut", &self.cut)?;
        counters.serialize_field("invoked", &self.invoked)?;
        counters.serialize_field("initialized", &self.initialized)?;
        counters.serialize_field("pre_stopped", &self.pre_stopped)?;
        counters.end()
    }
}

/// A request that is not over.
pub(crate) trait InFlight: Send + Sync {
    /// Ends it as one that a shutdown has cut, unless it has ended meanwhile.
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
    cutting: AtomicBool,
    /// Connections to which bytes came that were not polled since. Below zero for a moment, when a poll overtakes the
    /// wake that it answers.
    unpolled: AtomicIsize,
    /// Handlers that run to their end, whether their clients wait or not.
    pub(crate) finishing: Count,
    /// Handlers that run, where there is a cap on them.
    running: Count,
}

/// Held while a handler runs, where there is a cap on them: also when its client has left.
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

#[derive(Default)]
pub(crate) struct Count(AtomicU64);

impl Count {
    pub(crate) fn add(&self) {
        self.0.fetch_add(1, Ordering::SeqCst);
    }

    pub(crate) fn take(&self) {
        self.0.fetch_sub(1, Ordering::SeqCst);
    }

    pub(crate) fn get(&self) -> u64 {
        self.0.load(Ordering::SeqCst)
    }
}

impl LiveCounters {
    /// Bytes came to a connection: a request may be among them.
    pub(crate) fn add_unpolled(&self) {
        self.unpolled.fetch_add(1, Ordering::SeqCst);
    }

    /// The connection is polled, or gone.
    pub(crate) fn take_unpolled(&self) {
        self.unpolled.fetch_sub(1, Ordering::SeqCst);
    }

    /// Nothing is in flight, and no connection may be about to bring anything: the instance may be frozen.
    ///
    /// Sequentially consistent with what is written before it is asked: of two that ask at once, one is told so.
    pub(crate) fn is_quiet(&self) -> bool {
        self.in_flight.get() == 0 && self.unpolled.load(Ordering::SeqCst) <= 0
    }

    /// From now on, what ends early was cut by us.
    pub(crate) fn start_cutting(&self) {
        self.cutting.store(true, Ordering::Release);
    }

    /// Counts and records those that nobody has dropped when the process ends: their threads do not turn.
    pub(crate) fn cut_rest(&self, is_logged: bool) {
        self.start_cutting();
        for request in self.roll.all() {
            request.cut(self, is_logged);
        }
    }

    pub(crate) fn is_cutting(&self) -> bool {
        self.cutting.load(Ordering::Acquire)
    }

    pub(crate) fn counters(&self, initialized: bool) -> Counters {
        Counters {
            in_flight: self.in_flight.get(),
            finished: self.finished.get(),
            cancelled: self.cancelled.get(),
            panicked: self.panicked.get(),
            cut: self.cut.get(),
            invoked: self.invoked.get(),
            initialized,
            pre_stopped: self.pre_stopped.load(Ordering::Relaxed),
        }
    }
}
