//! How busy the instances of a generation are.

use std::sync::Arc;
use std::sync::atomic::Ordering;

use super::Pool;
use crate::instance::instance::Instance;
use crate::model::{InstanceUsage, Usage};

impl Pool {
    /// A running instance by its id.
    pub(crate) fn instance(&self, id: &str) -> Option<Arc<Instance>> {
        let instances = self.lock().slots.calls();
        instances.into_iter().map(|(instance, _)| instance).find(|instance| *instance.id == *id)
    }

    /// How busy the instances are now.
    pub(crate) fn usage(&self) -> Usage {
        let state = self.lock();
        let (calls, (starting, starts)) = (state.slots.calls(), state.slots.starts());
        let (waiting, instances_max) = (state.waiting.len(), state.slots.cap());
        // What the kernel knows of the processes is read without the lock.
        drop(state);
        let usage = |(instance, calls): (Arc<Instance>, usize)| InstanceUsage {
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
