//! How busy a function is at one moment, as callers of the API see it.

use std::sync::Arc;
use std::time::Duration;

use super::version::VersionId;

/// The instances of one version of a function, and the calls that wait for one.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Usage {
    /// `None` is `LATEST`.
    pub(crate) version: Option<VersionId>,
    /// The most instances that are started here.
    pub(crate) instances_max: usize,
    pub(crate) instances: Vec<InstanceUsage>,
    /// Instances that are being started.
    pub(crate) starting: usize,
    /// Calls that wait for an instance.
    pub(crate) waiting: usize,
    /// Starts that have ended, failed ones included, since the code was deployed.
    pub(crate) starts: usize,
    /// Calls that found no instance, since the code was deployed: the callers got 429.
    pub(crate) refused: usize,
}

/// One instance.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct InstanceUsage {
    pub(crate) id: Arc<str>,
    /// When it was started, in milliseconds since 1970.
    pub(crate) since: u64,
    /// The calls that it works on.
    pub(crate) calls: usize,
    /// Its resident memory.
    pub(crate) memory_bytes: u64,
    /// The processor time that its processes have used.
    pub(crate) cpu: Duration,
}
