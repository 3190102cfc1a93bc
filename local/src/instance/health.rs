//! Health checks: the first one belongs to the start, the others go on as long as the instance lives.

use http::Request;
use tokio::time::sleep;

use super::hooks::broken;
use super::instance::Instance;
use crate::event::{HookFault, Kind};
use crate::failure::Failure;
use crate::wire::Payload;

/// The first check after the initializer: an instance that fails it is not started.
pub(super) async fn first_check(instance: &Instance) -> Result<(), Failure> {
    let Some(check) = &instance.generation.function.health else { return Ok(()) };
    sleep(check.initial_delay).await;
    probe(instance).await.map_err(|fault| Failure::health_check_failed(&check.path, &fault.to_string()))
}

/// Never ends: checks the instance unless `is_frozen`, and reports when it becomes healthy or unhealthy.
pub(super) async fn watch(instance: &Instance, is_frozen: impl Fn() -> bool, report: impl Fn(bool)) {
    let Some(check) = &instance.generation.function.health else { return std::future::pending().await };
    let mut is_healthy = true;
    let mut streak = 0;
    loop {
        sleep(check.period).await;
        if is_frozen() {
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
        report(is_healthy);
        let kind = match result {
            Ok(()) => Kind::InstanceHealthy,
            Err(fault) => Kind::InstanceUnhealthy { path: check.path.clone(), fault },
        };
        instance.generation.log.emit(&instance.source, kind);
    }
}

/// One check.
async fn probe(instance: &Instance) -> Result<(), HookFault> {
    let Some(check) = &instance.generation.function.health else { return Ok(()) };
    let mut request = Request::new(Payload::Empty);
    *request.uri_mut() = check.path.parse().map_err(broken)?;
    request.headers_mut().insert(http::header::HOST, instance.host());
    let status = instance.exchange(request, check.timeout).await?;
    if (200..400).contains(&status.as_u16()) { Ok(()) } else { Err(HookFault::Status(status)) }
}
