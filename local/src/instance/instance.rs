//! One running instance, and the memory it uses.

use std::path::PathBuf;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, AtomicUsize, Ordering};

use tokio_util::sync::CancellationToken;

use super::connection::Connections;
use super::generation::Generation;
use super::multiplexed::Multiplexed;
use crate::event::Source;
use crate::meter::Presence;
use crate::process::{Order, Output, OwnGroup, Port, Process};

/// One running instance.
#[derive(Debug)]
pub(crate) struct Instance {
    pub(crate) id: Arc<str>,
    /// When it was started, in milliseconds since 1970.
    pub(crate) since: u64,
    pub(crate) source: Source,
    pub(crate) generation: Arc<Generation>,
    pub(crate) process: Process,
    /// In a network of its own the instance needs none.
    pub(super) _port: Option<Port>,
    pub(crate) output: Arc<Output>,
    pub(crate) connections: Arc<Connections>,
    pub(crate) multiplexed: Multiplexed,
    /// Counts its time.
    pub(super) presence: Presence,
    /// The number of calls whose streams have begun.
    pub(super) streams: AtomicUsize,
    pub(super) memory_max: AtomicU64,
    pub(super) is_oom: AtomicBool,
    /// Whether fc-local killed the instance.
    pub(super) is_killed: AtomicBool,
    pub(super) group: Option<OwnGroup>,
    /// The folder that is `/tmp` of the instance.
    pub(super) scratch: Option<PathBuf>,
    /// Asks the supervisor to stop the instance.
    pub(super) retired: CancellationToken,
}

/// An instance is equal to itself alone.
impl PartialEq for Instance {
    fn eq(&self, other: &Self) -> bool {
        std::ptr::eq(self, other)
    }
}

impl Instance {
    /// Ends the instance at once.
    pub(super) fn kill(&self) {
        self.is_killed.store(true, Ordering::Relaxed);
        self.process.order(Order::Kill);
    }

    /// Whether fc-local killed the instance by [`kill`](Self::kill).
    pub(super) fn is_killed(&self) -> bool {
        self.is_killed.load(Ordering::Relaxed)
    }

    /// The largest memory of all samples, in bytes. Includes the kernel's count from before a kill.
    pub(crate) fn memory_max(&self) -> u64 {
        self.memory_max.load(Ordering::Relaxed).max(self.process.oom())
    }

    /// Whether the instance was killed at its memory limit.
    pub(super) fn is_oom(&self) -> bool {
        self.is_oom.load(Ordering::Relaxed) || self.process.oom() > 0
    }

    /// Takes a sample of the memory in use.
    pub(crate) fn sample_memory(&self) -> u64 {
        let bytes = self.process.memory();
        self.memory_max.fetch_max(bytes, Ordering::Relaxed);
        bytes
    }
}
