//! The measurements, one file each.

mod allocations;
mod connections;
mod instructions;
mod start;
mod syscalls;
mod tree;

use crate::Outcome;
use crate::figures::Figures;
use crate::process::Bench;

pub(crate) use tree::build_time;

type Take = fn(&Bench, &mut Figures) -> Outcome<()>;

/// By name, in the order in which they run: the quick ones first.
pub(crate) const ALL: [(&str, Take); 6] = [
    ("size", tree::take),
    ("start", start::take),
    ("connections", connections::take),
    ("syscalls", syscalls::take),
    ("allocations", allocations::take),
    ("instructions", instructions::take),
];

/// Two counts of requests: what lies between them is requests alone, without start, warming up and end.
const FEW: usize = 200;
const MANY: usize = 1200;

fn slope(few: f64, many: f64) -> f64 {
    const BETWEEN: u16 = 1000;
    const { assert!(MANY - FEW == BETWEEN as usize) };
    (many - few) / f64::from(BETWEEN)
}
