//! The pre-freeze hook of edition 2.0, and the freeze behind it.

use std::sync::Arc;
use std::time::Instant;

use super::Pool;
use crate::event::Kind;
use crate::instance::hooks::pre_freeze;
use crate::instance::instance::Instance;
use crate::process::Order;

impl Pool {
    /// Calls the pre-freeze hook, and freezes the instance unless a call came meanwhile.
    pub(super) async fn freeze(self: Arc<Self>, instance: Arc<Instance>, since: Option<Instant>) {
        let Some(hook) = self.generation.pre_freeze() else { return };
        let outcome = tokio::select! {
            biased;
            _ = instance.process.exited() => return,
            () = instance.retired.cancelled() => return,
            outcome = pre_freeze(&instance, hook) => outcome,
        };
        if let Err(fault) = outcome {
            let is_command = hook.command.is_some();
            self.generation.log.emit(&instance.source, Kind::PreFreezeFailed { is_command, fault });
        }
        let state = self.lock();
        if self.generation.function.local.freeze && state.slots.idle_since(&instance) == since {
            instance.process.order(Order::Freeze);
        }
    }
}
