//! A WebSocket: messages back and forth, what each costs, and the memory of one that is idle.

use super::{FEW, MANY, slope};
use crate::Outcome;
use crate::figures::Figures;
use crate::measure::Measure;
use crate::process::{Bench, Under};
use crate::row::Row;
use crate::streams::{ask, hold, instructions, system_calls};
use crate::subjects::Subject;
use crate::subjects::streams::WEBSOCKET;

const SMALL: usize = 64;
const LARGE: usize = 16 * 1024;

pub(crate) static SMALL_PER_SECOND: Measure =
    Measure::new("websocket-64-per-second", "64 B: messages/s (more is better)", 0).more_is_better();
static SMALL_CPU: Measure = Measure::new("websocket-64-cpu", "64 B: processor µs per message", 2);
pub(crate) static LARGE_PER_SECOND: Measure =
    Measure::new("websocket-16k-per-second", "16 KiB: messages/s (more is better)", 0).more_is_better();
static LARGE_CPU: Measure = Measure::new("websocket-16k-cpu", "16 KiB: processor µs per message", 2);

pub(crate) static SPEED: Row = Row {
    name: "websocket",
    title: "WebSocket echo",
    about: "32 connections, each with one binary message on its way, the server on one processor, for a second.",
    measures: &[&SMALL_PER_SECOND, &SMALL_CPU, &LARGE_PER_SECOND, &LARGE_CPU],
    plots: &[&SMALL_CPU, &LARGE_CPU],
    ci: false,
    take: speed,
};

fn speed(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    const CONNECTIONS: usize = 32;
    let ms = if bench.quick { 300 } else { 1000 };
    for _ in 0..bench.rounds(5) {
        for subject in bench.wanted(&WEBSOCKET) {
            let mut server = bench.start(subject, Under::Nothing)?;
            for (size, per_second, cpu) in
                [(SMALL, &SMALL_PER_SECOND, &SMALL_CPU), (LARGE, &LARGE_PER_SECOND, &LARGE_CPU)]
            {
                let said = ask(bench, &mut server, "echo", &[CONNECTIONS, size, ms])?;
                figures.push(per_second, subject, said.figure("per-second")?);
                figures.push(cpu, subject, said.figure("cpu-us")?);
            }
            server.finish()?;
        }
    }
    Ok(())
}

pub(crate) static SMALL_INSTRUCTIONS: Measure =
    Measure::new("websocket-64-instructions", "64 B: instructions per message", 0);
pub(crate) static LARGE_INSTRUCTIONS: Measure =
    Measure::new("websocket-16k-instructions", "16 KiB: instructions per message", 0);
pub(crate) static SYSCALLS: Measure = Measure::new("websocket-syscalls", "64 B: system calls per message", 2);
pub(crate) static LARGE_SYSCALLS: Measure =
    Measure::new("websocket-16k-syscalls", "16 KiB: system calls per message", 2);

pub(crate) static COUNTS: Row = Row {
    name: "websocket-counts",
    title: "Instructions and system calls per WebSocket message",
    about: "Echoes of one connection, 1 200 less 200, by callgrind and by strace.",
    measures: &[&SMALL_INSTRUCTIONS, &LARGE_INSTRUCTIONS, &SYSCALLS, &LARGE_SYSCALLS],
    plots: &[&SMALL_INSTRUCTIONS],
    ci: true,
    take: counts,
};

fn counts(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for subject in bench.wanted(&WEBSOCKET) {
        for (size, measure, called) in
            [(SMALL, &SMALL_INSTRUCTIONS, &SYSCALLS), (LARGE, &LARGE_INSTRUCTIONS, &LARGE_SYSCALLS)]
        {
            let echoes = |count| instructions(bench, subject, "echoes", &[size, count]);
            figures.push(measure, subject, slope(echoes(FEW)?, echoes(MANY)?));
            let calls = |count| system_calls(bench, subject, "echoes", &[size, count]);
            figures.push(called, subject, slope(calls(FEW)?, calls(MANY)?));
        }
    }
    Ok(())
}

pub(crate) static RSS_1000: Measure = Measure::new("websocket-rss-1000", "RSS per connection at 1 000, B", 0);
static RSS_10000: Measure = Measure::new("websocket-rss-10000", "RSS per connection at 10 000, B", 0);

pub(crate) static MEMORY: Row = Row {
    name: "websocket-memory",
    title: "Memory of idle WebSockets",
    about: "Each got one echo of 64 B and stays. Resident pages beyond those with the first 100, over the rest.",
    measures: &[&RSS_1000, &RSS_10000],
    plots: &[&RSS_1000],
    ci: true,
    take: memory,
};

fn memory(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    for _ in 0..if bench.ci || bench.quick { 1 } else { 2 } {
        for subject in bench.wanted(&WEBSOCKET) {
            per_client(bench, subject, "hold-ws", &[(&RSS_1000, 1000), (&RSS_10000, 10_000)], figures)?;
        }
    }
    Ok(())
}

/// Resident bytes for each of so many clients more; only the fewest for the gate.
pub(super) fn per_client(
    bench: &Bench,
    subject: &Subject,
    name: &str,
    steps: &[(&Measure, usize)],
    figures: &mut Figures,
) -> Outcome<()> {
    const FIRST: usize = 100;
    let mut server = bench.start(subject, Under::Nothing)?;
    let mut held = vec![hold(bench, &mut server, name, FIRST)?];
    let first = server.status_kib("VmRSS")?;
    let mut clients = 0;
    for (measure, count) in &steps[..if bench.ci { 1 } else { steps.len() }] {
        held.push(hold(bench, &mut server, name, count - clients)?);
        clients = *count;
        let kib = server.status_kib("VmRSS")? - first;
        figures.push(measure, subject, kib * 1024.0 / f64::from(u32::try_from(clients)?));
    }
    drop(held);
    server.finish()?;
    Ok(())
}
