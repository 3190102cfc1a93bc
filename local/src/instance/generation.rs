//! One generation of a function: code and settings that never change under its instances.

use std::net::SocketAddr;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use tokio_util::task::TaskTracker;

use super::environment::Surroundings;
use super::layout::Layout;
use crate::event::{Kind, Log, Source};
use crate::failure::{Failure, FailureSource};
use crate::fault::Faults;
use crate::model::{Edition, Function, Hook, VersionId};
use crate::process::{Cgroups, Runner};

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
    /// Starts the programs of the instances.
    pub(super) runner: Arc<dyn Runner>,
    /// The control groups, if the kernel can enforce the memory limit. Otherwise the memory is sampled.
    pub(super) cgroups: Option<Arc<Cgroups>>,
    /// The first line of the latest failure of a start or a call.
    last_error: Mutex<Option<String>>,
    /// The faults of the function's starts.
    pub(super) faults: Option<Arc<Faults>>,
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
        let cgroups = cgroups.filter(|_| !function.local.sample_memory);
        Generation {
            function,
            name,
            version,
            layout,
            surroundings,
            log,
            tasks,
            runner,
            cgroups,
            last_error: Mutex::default(),
            faults: None,
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

    /// With faults injected.
    pub(crate) fn with_faults(self, faults: Option<Arc<Faults>>) -> Self {
        Generation { faults, ..self }
    }

    /// The address at which the instances call the API.
    pub(crate) fn with_endpoint(mut self, endpoint: SocketAddr) -> Self {
        self.surroundings.set_endpoint(endpoint);
        self
    }

    /// The pre-freeze hook, if the function has one. Edition 3.0 calls none.
    pub(super) fn pre_freeze(&self) -> Option<&Hook> {
        self.function.pre_freeze.as_ref().filter(|_| self.function.local.edition == Edition::Fc2)
    }

    /// The instances that are kept although nothing calls them. The platform scales `LATEST` and aliases, not versions.
    pub(super) fn instances_min(&self) -> usize {
        if self.version.is_none() { self.function.instances_min } else { 0 }
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
        Source::function(&self.name)
    }
}
