//! One generation of a function: code and settings that never change under its instances.

use std::path::PathBuf;
use std::sync::Arc;

use tokio_util::task::TaskTracker;

use super::environment::Surroundings;
use crate::event::{Log, Source};
use crate::model::{Function, VersionId};
use crate::process::{Cgroups, Runner};

/// A function with everything its instances have in common: one generation of its code and settings.
#[derive(Debug)]
pub(crate) struct Generation {
    pub(crate) function: Arc<Function>,
    pub(crate) name: Arc<str>,
    /// The published version; `None` is `LATEST`.
    pub(crate) version: Option<VersionId>,
    /// The folder that stands for `/code`.
    pub(crate) code: PathBuf,
    pub(crate) surroundings: Surroundings,
    pub(crate) log: Log,
    pub(crate) tasks: TaskTracker,
    /// Starts the programs of the instances.
    pub(super) runner: Arc<dyn Runner>,
    /// The control groups, if the kernel can enforce the memory limit. Otherwise the memory is sampled.
    pub(super) cgroups: Option<Arc<Cgroups>>,
}

impl Generation {
    pub(crate) fn new(
        function: Arc<Function>,
        version: Option<VersionId>,
        code: PathBuf,
        log: Log,
        tasks: TaskTracker,
        runner: Arc<dyn Runner>,
        cgroups: Option<Arc<Cgroups>>,
    ) -> Self {
        let surroundings = Surroundings::new(&function, version, &code);
        let name = Arc::from(function.name.as_str());
        let cgroups = cgroups.filter(|_| !function.local.sample_memory);
        Generation { function, name, version, code, surroundings, log, tasks, runner, cgroups }
    }

    /// The instances that are kept although nothing calls them. The platform scales `LATEST` and aliases, not versions.
    pub(super) fn instances_min(&self) -> usize {
        if self.version.is_none() { self.function.instances_min } else { 0 }
    }

    /// The most memory that an instance may use, in bytes.
    pub(super) fn memory_limit(&self) -> u64 {
        u64::from(self.function.memory_mib) * 1024 * 1024
    }

    pub(crate) fn source(&self) -> Source {
        Source::function(&self.name)
    }
}
