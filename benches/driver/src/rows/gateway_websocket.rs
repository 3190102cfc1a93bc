//! What a gateway before the function costs for a WebSocket message.

use super::gateway::{Placed, ways};
use crate::Outcome;
use crate::figures::Figures;
use crate::measure::Measure;
use crate::process::Bench;
use crate::row::Row;
use crate::streams::ask;

pub(crate) static SMALL_CPU: Measure =
    Measure::new("gateway-websocket-64-cpu", "64 B: its CPU µs per echo", 1);
pub(crate) static LARGE_CPU: Measure =
    Measure::new("gateway-websocket-16k-cpu", "16 KiB: its CPU µs per echo", 1);

pub(crate) static ROW: Row = Row {
    name: "gateway-websocket",
    title: "WebSocket through the local Function Compute, beside nginx",
    about: "The contract example by itself, behind nginx and behind `fc-local dev`, all on one processor. 32 connections, each with \
            one binary message on its way there and back. Processor time is that of the gateway alone; of the direct way, the function's.",
    measures: &[&SMALL_CPU, &LARGE_CPU],
    plots: &[],
    ci: false,
    take,
};

const CONNECTIONS: usize = 32;
const SIZES: [(usize, &Measure); 2] = [(64, &SMALL_CPU), (16 * 1024, &LARGE_CPU)];

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let mut ways = ways(bench)?;
    let ms = if bench.quick { 300 } else { 800 };
    for round in 0..bench.rounds(7) {
        for (size, measure) in SIZES {
            // Each comes first as often as the others.
            for at in (0..3).map(|at| (at + round) % 3) {
                let Placed { subject, server, .. } = &mut ways[at];
                let said = ask(bench, server, "echo", &[CONNECTIONS, size, ms]);
                let said = said.map_err(|error| format!("{}: {error}", subject.name))?;
                figures.push(measure, subject, said.figure("cpu-us")?);
            }
        }
    }
    Ok(())
}
