//! One task per instance that looks after it: memory, health, idleness, its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use tokio::time::{Instant, sleep, sleep_until};

use super::health;
use super::hooks::pre_stop;
use super::instance::Instance;
use crate::event::{Ending, HookFault, Kind};
use crate::process::{Exit, Order};

/// How often the memory in use is sampled.
const SAMPLE: Duration = Duration::from_millis(200);

/// How long a process may take to be gone after SIGKILL, before that is reported.
const KILLED_MAX: Duration = Duration::from_secs(10);

/// A change of an instance of which its pool is notified.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(super) enum Change {
    Healthy,
    Unhealthy,
    /// It had no call for the idle time.
    Idle,
    Ended,
}

/// The owner of the instances, which is notified of their changes.
pub(super) trait Owner: Send + Sync {
    /// Since when the instance has been idle. `None` if the instance has a call.
    fn idle_since(&self, instance: &Arc<Instance>) -> Option<Instant>;

    /// The instance has changed.
    fn changed(&self, instance: &Arc<Instance>, change: Change);
}

/// Supervises `instance` until it has ended.
pub(super) async fn supervise(instance: Arc<Instance>, owner: impl Owner) {
    let log = &instance.generation.log;
    let is_frozen = || instance.generation.function.local.freeze && owner.idle_since(&instance).is_some();
    let report = |is_healthy| {
        let change = if is_healthy { Change::Healthy } else { Change::Unhealthy };
        owner.changed(&instance, change);
    };
    tokio::select! {
        exit = instance.process.exited() => {
            let kind = if instance.is_oom() {
                Kind::InstanceOverMemory {
                    memory_bytes: instance.memory_max(),
                    limit_mib: instance.generation.function.memory_mib,
                }
            } else if instance.is_killed() {
                Kind::InstanceKilled { process_id: instance.process.pid(), waited: None }
            } else {
                Kind::InstanceEnded(match exit {
                    Exit::Code(code) => Ending::Code(code),
                    Exit::Signal(signal) => Ending::Signal(signal),
                })
            };
            log.emit(&instance.source, kind);
        }
        () = instance.retired.cancelled() => stop(&instance).await,
        () = sample(&instance) => {}
        () = watch_disk(&instance) => {}
        () = watch_network(&instance) => {}
        () = health::watch(&instance, is_frozen, report) => {}
        () = watch_idleness(&instance, &owner) => {}
    }
    instance.connections.clear();
    owner.changed(&instance, Change::Ended);
}

/// Pre-stop hook, SIGTERM, SIGKILL: each with its limit.
async fn stop(instance: &Instance) {
    let function = &instance.generation.function;
    let log = &instance.generation.log;
    instance.process.order(Order::Thaw);
    if let Some(hook) = &function.pre_stop {
        let outcome = tokio::select! {
            biased;
            // The instance may be killed meanwhile, for example at the end of a drain.
            _ = instance.process.exited() => Err(HookFault::InstanceEnded),
            outcome = pre_stop(instance, hook) => outcome,
        };
        if let Err(fault) = outcome {
            let is_command = hook.command.is_some();
            log.emit(&instance.source, Kind::PreStopFailed { is_command, fault });
        }
    }
    instance.connections.clear();
    instance.process.order(Order::Terminate);
    let waited = function.local.stop_timeout;
    if instance.process.exited_within(waited).await.is_none() {
        let process_id = instance.process.pid();
        log.emit(&instance.source, Kind::InstanceKilled { process_id, waited: Some(waited) });
        instance.process.order(Order::Kill);
        if instance.process.exited_within(KILLED_MAX).await.is_none() {
            log.emit(&instance.source, Kind::InstanceNotEnded { process_id });
        }
    }
    let is_aborted = instance.is_killed();
    let end = if is_aborted {
        Kind::InstanceKilled { process_id: instance.process.pid(), waited: None }
    } else {
        Kind::InstanceStopped
    };
    log.emit(&instance.source, end);
}

/// Never ends: samples the memory, and kills an instance beyond its limit. Where the kernel enforces the limit, the
/// kernel kills only one process of the instance; the other processes are useless without it.
async fn sample(instance: &Instance) {
    let limit = instance.generation.memory_limit();
    loop {
        let used = instance.sample_memory();
        let is_over = match &instance.group {
            Some(group) => group.kills().is_some_and(|kills| kills > 0),
            None => used > limit,
        };
        if is_over && !instance.is_oom.swap(true, Ordering::Relaxed) {
            instance.process.order(Order::Kill);
        }
        sleep(SAMPLE).await;
    }
}

/// Never ends: says once when `/tmp` holds more than the platform's would.
async fn watch_disk(instance: &Instance) {
    let bytes = instance.process.full_disk().await;
    let limit_mib = instance.generation.function.disk_mib;
    instance.generation.log.emit(&instance.source, Kind::DiskExceeded { bytes, limit_mib });
    std::future::pending::<()>().await;
}

/// Never ends: kills an instance whose network has ended, since no call reaches it any more.
async fn watch_network(instance: &Instance) {
    if let Some(network) = &instance.connections.reach().network {
        network.ended().await;
        instance.kill();
    }
    std::future::pending::<()>().await;
}

/// Never ends: reports when nothing called the instance for long enough.
async fn watch_idleness(instance: &Arc<Instance>, owner: &impl Owner) {
    let limit = instance.generation.function.local.idle_timeout;
    let mut next = Instant::now() + limit;
    loop {
        sleep_until(next).await;
        next = Instant::now() + limit;
        if let Some(since) = owner.idle_since(instance) {
            if since.elapsed() >= limit {
                owner.changed(instance, Change::Idle);
            } else {
                next = since + limit;
            }
        }
    }
}
