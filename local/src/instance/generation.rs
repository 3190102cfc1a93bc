//! One generation of a function: code and settings that never change under its instances.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use jiff::Timestamp;
use tokio_util::task::TaskTracker;

use super::environment::Surroundings;
use super::layout::Layout;
use super::network::Networks;
use crate::event::{Kind, Log, Source};
use crate::failure::{Failure, FailureSource};
use crate::fault::Faults;
use crate::meter::{Fleet, Meter, Rate};
use crate::model::{Edition, Function, Hook, Kept, VersionId, kept};
use crate::process::{Cgroups, Engine, Runner};
use crate::wire::Ticks;

/// A function with everything its instances have in common: one generation of its code and settings.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) function: Arc<Function>,
    pub(crate) name: Arc<str>,
    /// The published version; `None` is `LATEST`.
    pub(crate) version: Option<VersionId>,
    /// Where the platform's folders are here.
    pub(crate) layout: Layout,
    pub(crate) surroundings: Surroundings,
    pub(crate) log: Log,
    pub(crate) tasks: TaskTracker,
    /// The clock of short waits for the instances.
    pub(crate) ticks: Arc<Ticks>,
    /// Starts the programs of the instances.
    pub(super) runner: Arc<dyn Runner>,
    /// The control groups, if the kernel can enforce the memory limit. Otherwise the memory is sampled.
    pub(super) cgroups: Option<Arc<Cgroups>>,
    /// The first line of the latest failure of a start or a call.
    last_error: Mutex<Option<String>>,
    /// The faults of the function's starts.
    pub(super) faults: Option<Arc<Faults>>,
    /// The networks for programs that keep to the declared port. `None` if there can be none.
    pub(super) networks: Option<Arc<Networks>>,
    /// What runs the containers of a function that is an image.
    pub(super) engine: Option<Arc<Engine>>,
    /// Whether the program is known to keep to the declared port, and its instances get networks.
    pub(super) keeps_port: AtomicBool,
    /// Counts what calls use.
    pub(crate) meter: Arc<Meter>,
    /// Counts the time of the instances.
    pub(super) fleet: Arc<Fleet>,
    /// What was said once and is not said again.
    pub(super) told: Told,
}

/// What is said once of a generation.
#[derive(Debug, Default)]
pub(super) struct Told {
    pub(super) closes_early: AtomicBool,
    pub(super) speaks_http_1_0: AtomicBool,
}

impl Generation {
    pub(crate) fn new(
        function: Arc<Function>,
        version: Option<VersionId>,
        layout: Layout,
        log: Log,
        tasks: TaskTracker,
        runner: Arc<dyn Runner>,
        cgroups: Option<Arc<Cgroups>>,
    ) -> Self {
        let surroundings = Surroundings::new(&function, version, &layout);
        let name = Arc::from(function.name.as_str());
        // The engine limits its containers.
        let cgroups = cgroups.filter(|_| !function.local.sample_memory && function.container.is_none());
        let meter = Arc::default();
        let fleet = Fleet::new(&meter, rate(&function), 0);
        Generation {
            function,
            name,
            version,
            layout,
            surroundings,
            log,
            ticks: Ticks::new(tasks.clone()),
            tasks,
            runner,
            cgroups,
            last_error: Mutex::default(),
            faults: None,
            networks: None,
            engine: None,
            keeps_port: AtomicBool::new(false),
            meter,
            fleet,
            told: Told::default(),
        }
    }

    /// Keeps a failure for people who look at the function, unless the caller is at fault.
    pub(crate) fn note(&self, failure: &Failure) {
        if failure.kind.source() != FailureSource::Caller {
            let line = failure.message().lines().next().map(str::to_owned);
            *self.last_error.lock().unwrap_or_else(PoisonError::into_inner) = line;
        }
    }

    /// The first line of the latest failure of a start or a call.
    pub(crate) fn last_error(&self) -> Option<String> {
        self.last_error.lock().unwrap_or_else(PoisonError::into_inner).clone()
    }

    /// With the meter that counts what its calls and instances use, among those of other generations.
    pub(crate) fn with_meter(self, meter: Arc<Meter>) -> Self {
        let fleet = Fleet::new(&meter, rate(&self.function), 0);
        Generation { meter, fleet, ..self }
    }

    /// With faults injected.
    pub(crate) fn with_faults(self, faults: Option<Arc<Faults>>) -> Self {
        Generation { faults, ..self }
    }

    /// With what runs the containers of a function that is an image.
    pub(crate) fn with_engine(self, engine: Option<Arc<Engine>>) -> Self {
        Generation { engine, ..self }
    }

    /// The address at which the instances call the API. Containers do not reach this machine's loopback address.
    pub(crate) fn with_endpoint(mut self, endpoint: SocketAddr) -> Self {
        if self.function.container.is_none() {
            self.surroundings.set_endpoint(endpoint);
        }
        self
    }

    /// The pre-freeze hook, if the function has one. Edition 3.0 calls none.
    pub(super) fn pre_freeze(&self) -> Option<&Hook> {
        self.function.pre_freeze.as_ref().filter(|_| self.function.local.edition == Edition::Fc2)
    }

    /// The instances that are kept at `now` although nothing calls them. The platform scales `LATEST` and aliases, not
    /// versions.
    pub(super) fn kept(&self, now: Timestamp) -> Kept {
        if self.version.is_some() {
            return Kept { count: 0, schedule: None };
        }
        kept(&self.function.schedules, self.function.instances_min, now)
    }

    /// Whether instances are kept now although nothing calls them.
    pub(crate) fn keeps_instances(&self) -> bool {
        self.kept(Timestamp::now()).count > 0
    }

    /// Whether the number of kept instances changes with the time.
    pub(crate) fn has_schedules(&self) -> bool {
        self.version.is_none() && !self.function.schedules.is_empty()
    }

    /// The most memory that an instance may use, in bytes.
    pub(super) fn memory_limit(&self) -> u64 {
        u64::from(self.function.memory_mib) * 1024 * 1024
    }

    /// How much the `/tmp` of an instance may hold, in bytes.
    pub(super) fn disk(&self) -> u64 {
        u64::from(self.function.disk_mib) * 1024 * 1024
    }

    /// Logs `kind` unless that was done before: `told` is the kind's own.
    pub(super) fn emit_once(&self, told: &AtomicBool, source: &Source, kind: Kind) {
        if !told.swap(true, Ordering::Relaxed) {
            self.log.emit(source, kind);
        }
    }

    pub(crate) fn source(&self) -> Source {
        Source { version: self.version, ..Source::function(&self.name) }
    }
}

fn rate(function: &Function) -> Rate {
    Rate { memory_mib: function.memory_mib, cpu_millis: function.cpu_millis(), disk_mib: function.disk_mib }
}
