//! Server-sent events: a stream that is always ready, one event to many clients, and clients that wait.

use super::websocket::per_client;
use super::{FEW, MANY, slope};
use crate::Outcome;
use crate::figures::Figures;
use crate::measure::Measure;
use crate::process::{Bench, Under};
use crate::row::Row;
use crate::streams::{ask, instructions};
use crate::subjects::streams::EVENTS;

static PER_SECOND: Measure =
    Measure::new("events-per-second", "ready events/s to one client (more is better)", 0).more_is_better();
pub(crate) static CPU: Measure = Measure::new("events-cpu", "processor µs per ready event", 3);
static BYTES: Measure = Measure::new("events-bytes", "bytes per ready event", 1);
pub(crate) static FAN_CPU: Measure =
    Measure::new("fan-out-cpu", "processor µs per delivery to 1 000 clients", 2);
static FAN_LAST: Measure = Measure::new("fan-out-last", "ms until the last of 1 000 has it", 2);

pub(crate) static SPEED: Row = Row {
    name: "events",
    title: "Server-sent events",
    about: "`GET /sse`: 100 000 ready events to one client. `GET /feed`: 1 000 clients of one broadcast, 30 events one \
            after another, each published by a `POST` that waits until the last client has it.",
    measures: &[&PER_SECOND, &CPU, &BYTES, &FAN_CPU, &FAN_LAST],
    plots: &[&CPU, &FAN_CPU],
    ci: false,
    take: speed,
};

fn speed(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for _ in 0..bench.rounds(5) {
        for subject in bench.wanted(&EVENTS) {
            let mut server = bench.start(subject, Under::Nothing)?;
            let ready = ask(bench, &mut server, "ticks", &[100_000, 10])?;
            figures.push(&PER_SECOND, subject, ready.figure("per-second")?);
            figures.push(&CPU, subject, ready.figure("cpu-us")?);
            figures.push(&BYTES, subject, ready.figure("bytes")?);
            let fan = ask(bench, &mut server, "fan", &[1000, 30])?;
            figures.push(&FAN_CPU, subject, fan.figure("cpu-us")?);
            figures.push(&FAN_LAST, subject, fan.figure("last-ms")?);
            server.finish()?;
        }
    }
    Ok(())
}

pub(crate) static INSTRUCTIONS: Measure =
    Measure::new("events-instructions", "instructions per ready event", 0);
pub(crate) static FAN_INSTRUCTIONS: Measure =
    Measure::new("fan-out-instructions", "instructions per delivery", 0);

pub(crate) static COUNTS: Row = Row {
    name: "events-counts",
    title: "Instructions per server-sent event",
    about: "By callgrind: streams of 12 000 and 2 000 ready events; 60 and 10 events to 50 clients each.",
    measures: &[&INSTRUCTIONS, &FAN_INSTRUCTIONS],
    plots: &[&INSTRUCTIONS, &FAN_INSTRUCTIONS],
    ci: true,
    take: counts,
};

fn counts(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    /// Ready events are cheap: more of them.
    const TIMES: u16 = 10;
    /// 50 clients, and a twentieth of the requests: one event to all of them is one unit of 50 deliveries.
    const CLIENTS: usize = 50;
    const SHARE: usize = 20;
    for subject in bench.wanted(&EVENTS) {
        let ready = |count| instructions(bench, subject, "ticks", &[count * usize::from(TIMES), 1]);
        figures.push(&INSTRUCTIONS, subject, slope(ready(FEW)?, ready(MANY)?) / f64::from(TIMES));
        let fan = |count: usize| instructions(bench, subject, "fan", &[CLIENTS, count / SHARE]);
        let per_event = slope(fan(FEW)?, fan(MANY)?) * f64::from(u8::try_from(SHARE)?);
        figures.push(&FAN_INSTRUCTIONS, subject, per_event / f64::from(u8::try_from(CLIENTS)?));
    }
    Ok(())
}

pub(crate) static RSS_1000: Measure = Measure::new("events-rss-1000", "RSS per client at 1 000, B", 0);
static RSS_5000: Measure = Measure::new("events-rss-5000", "RSS per client at 5 000, B", 0);

pub(crate) static MEMORY: Row = Row {
    name: "events-memory",
    title: "Memory of idle clients of a feed",
    about: "Each got one event of `GET /feed` and waits. Resident pages beyond those with the first 100, over the rest.",
    measures: &[&RSS_1000, &RSS_5000],
    plots: &[&RSS_1000],
    ci: true,
    take: memory,
};

fn memory(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for _ in 0..if bench.ci || bench.quick { 1 } else { 2 } {
        for subject in bench.wanted(&EVENTS) {
            per_client(bench, subject, "hold-sse", &[(&RSS_1000, 1000), (&RSS_5000, 5000)], figures)?;
        }
    }
    Ok(())
}
