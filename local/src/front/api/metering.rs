//! What functions use, as JSON.

use std::time::{Duration, Instant, SystemTime};

use serde_json::{Value, json};

use crate::event::utc;
use crate::meter::{FunctionUsage, Point, UsageReport};

/// What the functions used in a time.
pub(super) fn usage(report: &UsageReport) -> Value {
    json!({
        "since": utc(report.since),
        "until": utc(report.until),
        "p50Ms": report.p50.map(millis),
        "p99Ms": report.p99.map(millis),
        "functions": report.functions.iter().map(function).collect::<Vec<_>>(),
    })
}

fn function(own: &FunctionUsage) -> Value {
    let (used, time) = (&own.used, &own.used.time);
    let billable = used.billable();
    json!({
        "function": own.name,
        "instances": own.instances,
        "invocations": used.invocations,
        "probes": used.probes,
        "refused": used.refused,
        "errors": used.errors,
        "clientLeft": used.client_left,
        "coldStarts": used.cold_starts,
        "callSeconds": used.call_seconds(),
        "activeSeconds": time.active_seconds(),
        "idleSeconds": time.idle_seconds(),
        "activeVcpuSeconds": billable.active_vcpu_seconds,
        "idleVcpuSeconds": billable.idle_vcpu_seconds,
        "activeGbSeconds": time.active_gb_seconds(),
        "idleGbSeconds": time.idle_gb_seconds(),
        "diskGbSeconds": billable.disk_gb_seconds,
        "bytesIn": used.bytes_in,
        "bytesOut": used.bytes_out,
        "p50Ms": own.p50.map(millis),
        "p99Ms": own.p99.map(millis),
    })
}

/// The intervals of functions, and of `all` together, the oldest first. One that nothing was used in is left out.
pub(super) fn course<'a>(all: &[Point], functions: impl Iterator<Item = (&'a str, Vec<Point>)>) -> Value {
    let (now, at) = (Instant::now(), SystemTime::now());
    let point = |point: &Point| {
        let end = at.checked_sub(now.saturating_duration_since(point.end)).unwrap_or(at);
        json!({
            "time": utc(end), "seconds": point.took.as_secs_f64(), "invocations": point.used.invocations,
            "errors": point.used.errors, "clientLeft": point.used.client_left, "refused": point.used.refused,
            "coldStarts": point.used.cold_starts, "instances": point.instances,
            "p50Ms": point.p50.map(millis), "p99Ms": point.p99.map(millis),
        })
    };
    let function = |(name, points): (&str, Vec<Point>)| json!({ "function": name, "points": points.iter().map(point).collect::<Vec<_>>() });
    let all: Vec<Value> = all.iter().map(point).collect();
    json!({ "all": all, "functions": functions.map(function).collect::<Vec<_>>() })
}

fn millis(time: Duration) -> f64 {
    (time.as_secs_f64() * 1e6).round() / 1e3
}
