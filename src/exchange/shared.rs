//! The data that all exchanges of an app share.

use std::net::IpAddr;
use std::sync::{Arc, OnceLock};
use std::time::{Duration, Instant, SystemTime};

use crate::budget::Budget;
use crate::counters::{Counters, LiveCounters};
use crate::error::Error;
use crate::exchange::{Call, forwarded};
use crate::lifecycle::Initialization;
use crate::log::current;
use crate::platform::names::header::CLIENT_IP;
use crate::platform::{Instance, Invocation};
#[cfg(feature = "websocket")]
use crate::pulse::Pulse;
use crate::stop::Stops;
use crate::store::AnyStore;
use crate::task::Tracker;

pub(crate) struct Shared<S> {
    pub(crate) state: Arc<S>,
    pub(crate) instance: Instance,
    /// Whether the platform's headers and hooks are trusted.
    pub(crate) trusted: bool,
    pub(crate) tracker: Tracker,
    /// What requests share. Empty until it is used, if the author has set none.
    pub(crate) store: OnceLock<Arc<dyn AnyStore>>,
    pub(crate) counts: Arc<LiveCounters>,
    /// The memory that clients may make the process hold.
    pub(crate) budget: Budget,
    /// The most handlers that may run without their clients.
    pub(crate) max_finishing: u64,
    pub(crate) initialization: Initialization,
    pub(crate) error_maps: Vec<ErrorMap>,
    pub(crate) stops: Stops,
    /// Alarms that the door keeps.
    #[cfg(feature = "websocket")]
    pub(crate) pulse: Pulse,
    pub(crate) trusted_hops: usize,
    pub(crate) base_path: Option<String>,
}

/// How long before the platform's deadline a handler is ended, at most. A tenth of the remaining time, if that is less.
const MARGIN: Duration = Duration::from_millis(250);

/// A mapping of the author's, from one type of error to the error that is sent.
pub(crate) type ErrorMap = Box<dyn Fn(&Error) -> Option<Error> + Send + Sync>;

impl<S> Shared<S> {
    pub(crate) fn invocation<'a>(&'a self, call: &'a Call) -> Invocation<'a> {
        Invocation::new(&call.id, &call.head.headers, &self.instance, self.trusted)
    }

    /// The earliest of the place's time limit, the platform's deadline and the client's own time-out.
    pub(crate) fn deadline(&self, call: &Call) -> Option<Instant> {
        let scope = call.scope.as_ref();
        let limit = scope.and_then(|scope| scope.time_limit);
        let patience = scope.and_then(|scope| (scope.protocol?.patience)(&call.head.headers));
        let own = [limit, patience].into_iter().flatten().min();
        let own = own.and_then(|limit| call.started().checked_add(limit));
        [own, self.platform_deadline(call)].into_iter().flatten().min()
    }

    /// A time shortly before the platform ends the request.
    pub(crate) fn platform_deadline(&self, call: &Call) -> Option<Instant> {
        let invocation = self.invocation(call);
        // Earlier than the platform's deadline: its clock started before ours, and the reply takes time to reach it.
        let early = |left: Duration| left.saturating_sub((left / 10).min(MARGIN));
        match invocation.deadline() {
            Some(at) => {
                let left = at.duration_since(SystemTime::now()).unwrap_or_default();
                Instant::now().checked_add(early(left))
            }
            None => invocation.timeout().and_then(|limit| call.started().checked_add(early(limit))),
        }
    }

    /// The client's address: see [`Exchange::client_addr`](crate::Exchange::client_addr).
    pub(crate) fn client(&self, call: &Call) -> Option<IpAddr> {
        let told = self.invocation(call).header(CLIENT_IP).and_then(|ip| ip.parse().ok());
        let forwarded = || forwarded::client(&call.head.headers, self.trusted_hops);
        told.or_else(forwarded).or_else(|| call.peer.as_ref().map(|peer| peer.address.ip()))
    }

    /// Blocking work on a separate thread, as part of a call.
    pub(crate) fn blocking<F, T>(
        &self,
        call: &Arc<Call>,
        work: F,
    ) -> impl Future<Output = T> + Send + use<F, T, S>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let call = Arc::clone(call);
        let task = self.tracker.spawn_blocking(move || {
            let _entered = current::enter(call);
            work()
        });
        async move {
            match task.await {
                Ok(value) => value,
                Err(error) if error.is_panic() => std::panic::resume_unwind(error.into_panic()),
                // The runtime shuts down, and drops this future too.
                Err(_) => std::future::pending().await,
            }
        }
    }

    pub(crate) fn counters(&self) -> Counters {
        Counters {
            initialized: self.initialization.is_done(),
            refused_for_memory: self.budget.refused(),
            ..self.counts.counters()
        }
    }

    /// Counts a panic, and gives the error for its request.
    pub(crate) fn panicked(&self, message: &'static str) -> Error {
        self.counts.panicked.add();
        Error::of_panic(message)
    }

    /// Applies the author's mappings to an error. Each error is mapped once.
    pub(crate) fn map_error(&self, error: Error) -> Error {
        let mapped = self.error_maps.iter().find_map(|map| map(&error));
        error.or_mapped(mapped)
    }
}
