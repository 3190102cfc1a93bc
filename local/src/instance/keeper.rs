//! One task per instance that looks after it: memory, health, idleness, its end.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use fc_runtime::platform::names::path;
use http::{Method, Request};
use tokio::time::{Instant, sleep, sleep_until};

use super::Instance;
use super::pool::Pool;
use crate::failure::{Failure, megabytes};
use crate::model::Hook;
use crate::process::{Exit, Order};
use crate::wire::Payload;

/// How often the memory in use is sampled.
const SAMPLE: Duration = Duration::from_millis(200);

/// How long a process may take to be gone after SIGKILL, before that is reported.
const KILLED_MAX: Duration = Duration::from_secs(10);

/// Looks after `instance` until it has ended.
pub(crate) async fn keep(pool: Arc<Pool>, instance: Arc<Instance>) {
    let log = &instance.generation.log;
    tokio::select! {
        exit = instance.process.exited() => {
            let text = if instance.is_oom() {
                format!("killed: it used {}MB of {}MB", megabytes(instance.memory_max()), instance.generation.function.memory_mb)
            } else {
                ended(exit)
            };
            log.error(&instance.source, text);
        }
        () = instance.retired.cancelled() => stop(&instance).await,
        () = sample(&instance) => {}
        () = check_health(&pool, &instance) => {}
        () = release_when_idle(&pool, &instance) => {}
    }
    instance.connections.clear();
    pool.ended(&instance);
}

fn ended(exit: Exit) -> String {
    match exit {
        Exit::Code(code) => format!("the instance ended by itself with code {code}"),
        Exit::Signal(signal) => format!("the instance was ended by signal {signal}"),
    }
}

/// Pre-stop hook, SIGTERM, SIGKILL: each with its limit.
async fn stop(instance: &Instance) {
    let function = &instance.generation.function;
    let log = &instance.generation.log;
    instance.process.order(Order::Thaw);
    if let Some(hook) = &function.pre_stop {
        let failure = tokio::select! {
            biased;
            // It may be killed meanwhile, for example because the time of a drain is over.
            _ = instance.process.exited() => Some("the instance ended during its pre-stop hook".to_owned()),
            failure = pre_stop(instance, hook) => failure,
        };
        if let Some(why) = failure {
            log.warn(&instance.source, format!("{why}; stopping goes on"));
        }
    }
    instance.connections.clear();
    instance.process.order(Order::Terminate);
    if instance.process.exited_within(function.local.stop_timeout).await.is_none() {
        instance.process.order(Order::Kill);
        if instance.process.exited_within(KILLED_MAX).await.is_none() {
            let text = format!("process {} does not end after SIGKILL", instance.process.pid());
            log.error(&instance.source, text);
        }
    }
    log.info(&instance.source, "stopped");
}

/// What went wrong, if anything did.
async fn pre_stop(instance: &Instance, hook: &Hook) -> Option<String> {
    match &hook.command {
        None => match instance.call_hook(Method::GET, path::PRE_STOP, hook.timeout).await {
            Ok(status) if status.is_success() => None,
            Ok(status) => Some(format!("GET /pre-stop answered {status}")),
            Err(why) => Some(format!("GET /pre-stop: {why}")),
        },
        Some(command) => match instance.run_hook(command, hook.timeout).await {
            Ok(Exit::Code(0)) => None,
            Ok(exit) => Some(format!("the pre-stop command ended with code {}", exit.code())),
            Err(why) => Some(format!("the pre-stop command: {why}")),
        },
    }
}

/// Never ends: samples the memory, and kills an instance that uses more than it may. Where the kernel holds
/// the limit it kills one process of the instance; the others are no use without it.
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

/// Never ends: asks the pool to give the instance up when nothing called it for long enough.
async fn release_when_idle(pool: &Pool, instance: &Arc<Instance>) {
    let limit = instance.generation.function.local.idle_timeout;
    let mut next = Instant::now() + limit;
    loop {
        sleep_until(next).await;
        next = Instant::now() + limit;
        if let Some(since) = pool.idle_since(instance) {
            if since.elapsed() >= limit {
                pool.release_idle(instance);
            } else {
                next = since + limit;
            }
        }
    }
}

/// The first check after the initializer: an instance that fails it is not started.
pub(crate) async fn first_health_check(instance: &Instance) -> Result<(), Failure> {
    let Some(check) = &instance.generation.function.health else { return Ok(()) };
    sleep(check.initial_delay).await;
    probe(instance).await.map_err(|why| Failure::health_check_failed(&check.path, &why))
}

/// Never ends: checks the instance while it is not frozen, and tells the pool when its health changes.
async fn check_health(pool: &Arc<Pool>, instance: &Arc<Instance>) {
    let Some(check) = &instance.generation.function.health else { return std::future::pending().await };
    let mut is_healthy = true;
    let mut streak = 0;
    loop {
        sleep(check.period).await;
        if instance.generation.function.local.freeze && pool.idle_since(instance).is_some() {
            continue;
        }
        let result = probe(instance).await;
        if result.is_ok() == is_healthy {
            streak = 0;
            continue;
        }
        streak += 1;
        let needed = if is_healthy { check.failures } else { check.successes };
        if streak < needed {
            continue;
        }
        (is_healthy, streak) = (!is_healthy, 0);
        pool.set_healthy(instance, is_healthy);
        let log = &instance.generation.log;
        match result {
            Ok(()) => log.info(&instance.source, "healthy again"),
            Err(why) => log.warn(
                &instance.source,
                format!("unhealthy, no new requests go to it: GET {}: {why}", check.path),
            ),
        }
    }
}

/// One check. `Err` says what is wrong.
async fn probe(instance: &Instance) -> Result<(), String> {
    let Some(check) = &instance.generation.function.health else { return Ok(()) };
    let mut request = Request::new(Payload::Empty);
    *request.uri_mut() = check.path.parse().map_err(|error| format!("not a path: {error}"))?;
    request.headers_mut().insert(http::header::HOST, instance.host());
    let status = instance.exchange(request, check.timeout).await?;
    if (200..400).contains(&status.as_u16()) { Ok(()) } else { Err(format!("answered {status}")) }
}
