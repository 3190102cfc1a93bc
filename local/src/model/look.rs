//! The instances of a function at one moment, as people see them.

use std::sync::Arc;
use std::time::Duration;

use super::version::VersionId;

/// What an instance is at.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Stage {
    /// It has calls.
    Busy,
    /// It waits for a call.
    Idle,
    /// It waits for a call, and gets no processor time meanwhile.
    Frozen,
    /// It failed its health checks, and gets no new calls.
    Unhealthy,
    /// It gets no new calls, and is stopped after those that it has.
    Retiring,
    /// It is being stopped.
    Stopping,
}

impl Stage {
    /// The word for people.
    pub(crate) fn name(self) -> &'static str {
        match self {
            Stage::Busy => "busy",
            Stage::Idle => "idle",
            Stage::Frozen => "frozen",
            Stage::Unhealthy => "unhealthy",
            Stage::Retiring => "retiring",
            Stage::Stopping => "stopping",
        }
    }
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstanceLook {
    pub(crate) id: Arc<str>,
    pub(crate) stage: Stage,
    pub(crate) process_id: u32,
    pub(crate) calls: usize,
    /// Since when it has had no call.
    pub(crate) idle: Option<Duration>,
    pub(crate) memory_bytes: u64,
    /// The most memory that it was seen to use.
    pub(crate) memory_max: u64,
    /// The processor time that its processes have used.
    pub(crate) cpu: Duration,
}

/// The instances of one version, and the calls that wait for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct PoolLook {
    /// `None` is `LATEST`.
    pub(crate) version: Option<VersionId>,
    pub(crate) instances: Vec<InstanceLook>,
    pub(crate) starting: usize,
    pub(crate) waiting: usize,
    /// The most instances that are started here.
    pub(crate) instances_max: usize,
    /// Starts that have ended since the code was deployed.
    pub(crate) starts: usize,
    /// Calls that found no instance since the code was deployed.
    pub(crate) refused: usize,
}
