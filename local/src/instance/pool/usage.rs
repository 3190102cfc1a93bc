//! How busy the instances of a generation are.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Pool;
use crate::model::{InstanceUsage, Usage};

impl Pool {
    /// How busy the instances are now.
    pub(crate) fn usage(&self) -> Usage {
        let state = self.lock();
        let (calls, (starting, starts)) = (state.slots.calls(), state.slots.starts());
        let (waiting, instances_max) = (state.waiting.len(), state.slots.cap());
        // What the kernel knows of the processes is read without the lock.
        drop(state);
        let usage = |(instance, calls): (Arc<crate::instance::Instance>, usize)| InstanceUsage {
            id: Arc::clone(&instance.id),
            since: instance.since,
            calls,
            memory_bytes: instance.sample_memory(),
            cpu: instance.process.cpu(),
        };
        Usage {
            version: self.generation.version,
            instances_max,
            instances: calls.into_iter().map(usage).collect(),
            starting,
            waiting,
            starts,
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}
