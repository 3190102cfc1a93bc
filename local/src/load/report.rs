//! The figures as lines and as JSON.

use serde_json::{Map, Value, json};

use super::advice::{Advice, number, time};
use super::search::Search;
use super::steps::Step;
use super::target::Target;

const PERCENTILES: [(&str, f64); 4] = [("p50", 50.0), ("p90", 90.0), ("p99", 99.0), ("p99.9", 99.9)];

const MIB: u64 = 1024 * 1024;

/// The names of the columns of [`line()`].
pub(crate) fn header() -> String {
    let names = ["rate", "right/s", "p50", "p90", "p99", "p99.9", "max"];
    let columns: Vec<String> = names.iter().map(|name| format!("{name:>9}")).collect();
    format!("{}  statuses, failures, instances", columns.join(""))
}

/// The figures of one rate.
pub(crate) fn line(step: &Step) -> String {
    let tally = &step.tally;
    let mut columns = vec![number(step.rate), number(step.achieved())];
    columns.extend(PERCENTILES.iter().map(|(_, percentile)| time(tally.percentile(*percentile))));
    columns.push(time(tally.longest()));
    let columns: Vec<String> = columns.iter().map(|column| format!("{column:>9}")).collect();
    let mut line = columns.concat();
    let statuses = tally.statuses.iter().map(|(status, count)| format!("{status}: {count}"));
    let failures = tally.failures.iter().map(|(failed, count)| format!("{}: {count}", failed.text()));
    let mut rest: Vec<String> = statuses.chain(failures).collect();
    let course = &step.course;
    if course.latest.is_some() {
        rest.push(format!(
            "{} {} (at most {} {} and {} MiB each)",
            course.instances(),
            if course.instances() == 1 { "instance" } else { "instances" },
            course.calls_max(),
            if course.calls_max() == 1 { "call" } else { "calls" },
            course.memory_bytes() / MIB
        ));
        rest.extend(
            Some(course.starts()).filter(|starts| *starts > 0).map(|starts| format!("{starts} started")),
        );
        let refused = Some(course.refused()).filter(|refused| *refused > 0);
        rest.extend(refused.map(|refused| format!("{refused} found no instance")));
    }
    line.push_str("  ");
    line.push_str(&rest.join(", "));
    line
}

/// What follows the figures: errors, the highest rate, and what a wanted one needs.
pub(crate) fn summary(steps: &[Step], search: Option<&Search>, advice: Option<&Advice>) -> Vec<String> {
    let mut lines = Vec::new();
    for (failed, text) in
        steps.iter().flat_map(|step| &step.errors).collect::<std::collections::BTreeMap<_, _>>()
    {
        lines.push(format!("{}, such as: {text}", failed.text()));
    }
    match search.map(Search::found) {
        Some(Some((rate, true))) => lines.push(format!("highest rate: {} requests per second", number(rate))),
        Some(Some((rate, false))) => lines
            .push(format!("{} requests per second are sustained; higher rates were not tried", number(rate))),
        Some(None) => lines.push("no rate was sustained".to_owned()),
        None => {}
    }
    lines.extend(advice.into_iter().flat_map(Advice::lines));
    lines
}

/// All figures.
pub(crate) fn document(
    target: &Target,
    steps: &[Step],
    search: Option<&Search>,
    advice: Option<&Advice>,
) -> Value {
    let found = search.and_then(Search::found);
    json!({
        "url": target.url(),
        "method": target.method().as_str(),
        "steps": steps.iter().map(step_document).collect::<Vec<_>>(),
        "highestRate": found.map(|(rate, is_limit)| json!({ "rate": rate, "isLimit": is_limit })),
        "advice": advice.map(Advice::document),
    })
}

fn step_document(step: &Step) -> Value {
    let ms = |time: std::time::Duration| time.as_secs_f64() * 1000.0;
    let tally = &step.tally;
    let mut latency: Map<String, Value> = PERCENTILES
        .iter()
        .map(|(name, percentile)| ((*name).to_owned(), ms(tally.percentile(*percentile)).into()))
        .collect();
    latency.insert("mean".to_owned(), ms(tally.mean()).into());
    latency.insert("max".to_owned(), ms(tally.longest()).into());
    let statuses: Map<String, Value> =
        tally.statuses.iter().map(|(status, count)| (status.to_string(), (*count).into())).collect();
    let failures: Map<String, Value> =
        tally.failures.iter().map(|(failed, count)| (failed.name().to_owned(), (*count).into())).collect();
    let errors: Map<String, Value> =
        step.errors.iter().map(|(failed, text)| (failed.name().to_owned(), text.as_str().into())).collect();
    let windows = (0_u32..).zip(&tally.windows).map(|(number, window)| {
        json!({
            "seconds": f64::from(number) * tally.window().as_secs_f64(), "requests": window.requests,
            "right": window.right, "refused": window.refused, "p50": ms(window.percentile(50.0)),
            "p99": ms(window.percentile(99.0)),
        })
    });
    json!({
        "rate": step.rate,
        "seconds": step.time.as_secs_f64(),
        "stopped": step.is_stopped,
        "requests": tally.requests(),
        "right": tally.right,
        "rightPerSecond": step.achieved(),
        "latencyMs": latency,
        "servedMs": tally.served().map(ms),
        "statuses": statuses,
        "failures": failures,
        "errors": errors,
        "bytes": tally.bytes,
        "overTime": windows.collect::<Vec<_>>(),
        "instances": step.course.document(),
    })
}
