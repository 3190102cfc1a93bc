//! What a gateway before the function costs for server-sent events and for gRPC calls.

use super::gateway::{Placed, ways};
use super::grpc::unary;
use crate::Outcome;
use crate::figures::Figures;
use crate::measure::Measure;
use crate::process::Bench;
use crate::row::Row;
use crate::streams::ask;

pub(crate) static EVENT_CPU: Measure = Measure::new("gateway-events-cpu", "its CPU µs per event", 3);
pub(crate) static CALL_CPU: Measure =
    Measure::new("gateway-grpc-one-cpu", "gRPC, a call at a time: its CPU µs per call", 1);
pub(crate) static CALLS_CPU: Measure =
    Measure::new("gateway-grpc-16-cpu", "gRPC, 16 at a time: its CPU µs per call", 1);

pub(crate) static ROW: Row = Row {
    name: "gateway-streams",
    title: "Events and gRPC through the local Function Compute, beside nginx",
    about: "The contract example by itself, behind nginx (`proxy_pass`, `grpc_pass`) and behind `fc-local dev`, all on one processor. \
            Events: `GET /sse`, 30 000 that are ready, three times on one connection. gRPC: unary calls by h2load on one connection, of one \
            and of 16 streams. Processor time is that of the gateway alone; of the direct way, the function's.",
    measures: &[&EVENT_CPU, &CALL_CPU, &CALLS_CPU],
    plots: &[],
    ci: false,
    take,
};

const EVENTS: usize = 30_000;
const TIMES: usize = 3;

/// Streams of the one connection, and calls.
const CALLS: [(u32, u32, &Measure); 2] = [(1, 3_000, &CALL_CPU), (16, 10_000, &CALLS_CPU)];

fn take(bench: &Bench, figures: &mut Figures) -> Outcome<()> {
    let mut ways = ways(bench)?;
    for round in 0..bench.rounds(9) {
        // Each comes first as often as the others.
        for at in (0..3).map(|at| (at + round) % 3) {
            let Placed { subject, server, grpc } = &mut ways[at];
            let said = ask(bench, server, "ticks", &[EVENTS, TIMES]);
            let said = said.map_err(|error| format!("{}: {error}", subject.name))?;
            figures.push(&EVENT_CPU, subject, said.figure("cpu-us")?);
            for (streams, calls, measure) in CALLS {
                let unary = unary(bench, (server, *grpc), (1, streams), calls);
                let unary = unary.map_err(|error| format!("{}: {error}", subject.name))?;
                figures.push(measure, subject, unary.cpu_us);
            }
        }
    }
    Ok(())
}
