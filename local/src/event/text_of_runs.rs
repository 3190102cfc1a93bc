//! Sentences about a run of fc-local itself: its stop, its output, its asynchronous calls, and the faults that it injects.

use std::time::Duration;

use super::details::{AsyncNews, CallInFlight};
use crate::failure::mebibytes;
use crate::fault::Fault;

pub(super) fn calls_remain(calls: usize, left: Duration, oldest: &[CallInFlight]) -> String {
    let are = if calls == 1 { "call is" } else { "calls are" };
    let named = oldest.iter().map(|call| {
        let CallInFlight { method, path, age } = call;
        format!("{method} {path} for {} s", age.as_secs())
    });
    let named: Vec<String> = named.collect();
    let more = if !named.is_empty() && calls > named.len() { ", …" } else { "" };
    let (colon, named) = (if named.is_empty() { "" } else { ": " }, named.join(", "));
    format!(
        "{calls} {are} still under way, for at most {} s more; Ctrl-C ends all at once{colon}{named}{more}",
        left.as_millis().div_ceil(1000)
    )
}

pub(super) fn async_call(news: &AsyncNews) -> String {
    let AsyncNews { task, state, execution, duration, retry_in, error } = news;
    let task = task.as_ref().map_or_else(|| "asynchronous call".to_owned(), |task| format!("task {task}"));
    let execution = if *execution == 0 { String::new() } else { format!(", execution {execution}") };
    let duration = duration.map_or_else(String::new, |duration| {
        let tenths = duration.as_micros() / 100;
        format!(" {}.{} ms", tenths / 10, tenths % 10)
    });
    let again = retry_in.map_or_else(String::new, |pause| format!(", again in {} s", pause.as_secs_f64()));
    let why = error.as_ref().map_or_else(String::new, |error| format!(": {error}"));
    format!("{task} {state}{execution}{duration}{again}{why}")
}

pub(super) fn queue_resumed(waiting: u64, repeated: u64) -> String {
    let calls = |count: u64| if count == 1 { "1 call".to_owned() } else { format!("{count} calls") };
    let again = match repeated {
        0 => String::new(),
        _ => format!(
            "; {} may have been under way when the former fc-local ended, and run once more",
            calls(repeated)
        ),
    };
    format!("the queue of asynchronous calls goes on with {}{again}", calls(waiting))
}

pub(super) fn kept(count: usize, schedule: Option<&str>) -> String {
    let instances = if count == 1 { "instance is" } else { "instances are" };
    match schedule {
        Some("") => format!("{count} {instances} kept, as a schedule says"),
        Some(name) => format!("{count} {instances} kept, as the schedule `{name}` says"),
        None => format!("{count} {instances} kept: no schedule is in effect"),
    }
}

pub(super) fn events_dropped(events: u64, bytes: u64, is_by_function: bool) -> String {
    let (lines, are) = if events == 1 { ("line", "is") } else { ("lines", "are") };
    let mebibytes = mebibytes(bytes);
    if is_by_function {
        format!(
            "{events} {lines} ({mebibytes} MiB) of the function {are} not shown: it writes more than the output takes. \
             x-local.log or --quiet mutes it"
        )
    } else {
        format!("{events} {lines} ({mebibytes} MiB) {are} not shown: the output is too slow")
    }
}

pub(super) fn injected(fault: Fault, ordinal: u64) -> String {
    let what = match fault {
        Fault::Reuse => "its instance gets no further call".to_owned(),
        Fault::Idle => "idle instances are stopped before it".to_owned(),
        Fault::SlowStart(time) => {
            return format!("chaos: start {ordinal} begins {} ms late", time.as_millis());
        }
        Fault::Freeze(time) => format!("its instance is frozen for {} ms before it", time.as_millis()),
        Fault::Upstream(time) => {
            format!("its connection to the instance is closed after {} ms", time.as_millis())
        }
        Fault::Leave(bytes) => format!("its client leaves after {bytes} bytes of the reply"),
        Fault::Throttle(status) => format!("it is refused with {status}"),
    };
    format!("chaos: call {ordinal}: {what}")
}

/// What `fc-local doctor` would say, in one line.
pub(super) fn doctor_findings(errors: usize) -> String {
    let them = if errors == 1 { "1 error" } else { &format!("{errors} errors") };
    let shown = if errors == 1 { "it" } else { "them" };
    format!("{them} that a deployment would meet: `fc-local doctor` shows {shown}")
}
