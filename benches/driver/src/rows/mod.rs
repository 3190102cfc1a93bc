//! The rows, one file each.

pub(crate) mod allocations;
pub(crate) mod bulk;
pub(crate) mod connections;
pub(crate) mod cpu;
pub(crate) mod events;
pub(crate) mod features;
pub(crate) mod gateway;
pub(crate) mod gateway_counts;
pub(crate) mod gateway_streams;
pub(crate) mod gateway_websocket;
pub(crate) mod growth;
pub(crate) mod grpc;
pub(crate) mod instructions;
pub(crate) mod latency;
pub(crate) mod lookup;
pub(crate) mod payload;
pub(crate) mod probes;
pub(crate) mod sizes;
pub(crate) mod stalled;
pub(crate) mod start;
pub(crate) mod syscalls;
pub(crate) mod tree;
pub(crate) mod waking;
pub(crate) mod websocket;

use crate::row::Row;

/// In the order of the report, which is the order in which they run.
pub(crate) static ALL: [&Row; 33] = [
    &instructions::ROW,
    &allocations::ROW,
    &syscalls::ROW,
    &cpu::ROW,
    &growth::ON_ONE,
    &growth::ON_TWO,
    &latency::ROW,
    &probes::ROW,
    &connections::ROW,
    &waking::ROW,
    &payload::ROW,
    &bulk::ROW,
    &lookup::ROW,
    &start::ROW,
    &sizes::AT_TWENTIETH,
    &sizes::AT_HALF,
    &sizes::AT_WHOLE,
    &tree::SIZE,
    &tree::BUILD,
    &features::ROW,
    &websocket::SPEED,
    &websocket::COUNTS,
    &websocket::MEMORY,
    &events::SPEED,
    &events::COUNTS,
    &events::MEMORY,
    &grpc::SPEED,
    &grpc::COUNTS,
    &stalled::ROW,
    &gateway::ROW,
    &gateway_websocket::ROW,
    &gateway_streams::ROW,
    &gateway_counts::ROW,
];

/// Two counts of requests: what lies between them is requests alone, without start, warming up and end.
const FEW: usize = 200;
const MANY: usize = 1200;

fn slope(few: f64, many: f64) -> f64 {
    const BETWEEN: u16 = 1000;
    const { assert!(MANY - FEW == BETWEEN as usize) };
    (many - few) / f64::from(BETWEEN)
}
