//! The optional features, each beside axum with equal work and the same feature.

use super::Limit::Beyond;
use super::Peer::Only;
use super::{Budget, time};
use crate::rows::features::INSTRUCTIONS;
use crate::subjects::features::CASES;

/// In the order of the table. `--ci` does not take the row: its thirty programs are built for most of an hour.
pub(super) static BUDGETS: [Budget; CASES.len()] = [
    line(0),
    line(1),
    line(2),
    line(3),
    line(4),
    line(5),
    line(6),
    line(7),
    line(8),
    line(9),
    line(10),
    line(11),
    line(12),
    line(13),
    line(14),
];

const fn line(at: usize) -> Budget {
    let case = &CASES[at];
    time(
        &INSTRUCTIONS,
        &case.ours,
        Beyond(1.0, Only(&case.axum)),
        "beside axum with equal work and the same feature",
    )
}
