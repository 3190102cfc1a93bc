//! The instances of a generation at one moment, as people see them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::{Duration, Instant};

use super::Pool;
use crate::instance::Instance;
use crate::model::{InstanceLook, PoolLook, Stage};

impl Pool {
    /// The instances now, those that are being stopped last.
    pub(crate) fn look(&self) -> PoolLook {
        let state = self.lock();
        let (seen, (starting, starts)) = (state.slots.seen(Instant::now()), state.slots.starts());
        let (waiting, instances_max) = (state.waiting.len(), state.slots.cap());
        // What the kernel knows of the processes is read without the lock.
        drop(state);
        let look = |(instance, stage, calls, idle): (Arc<Instance>, Stage, usize, Option<Duration>)| {
            // It counts into the maximum that is read behind it.
            let memory_bytes = instance.sample_memory();
            InstanceLook {
                id: Arc::clone(&instance.id),
                stage,
                process_id: instance.process.pid(),
                calls,
                idle,
                memory_bytes,
                memory_max: instance.memory_max(),
                cpu: instance.process.cpu(),
            }
        };
        PoolLook {
            version: self.generation.version,
            instances: seen.into_iter().map(look).collect(),
            starting,
            waiting,
            instances_max,
            starts,
            refused: self.refused.load(Ordering::Relaxed),
        }
    }
}
