//! The budgets: what ours may cost, and beside whom.
//!
//! Every limit is a count or a ratio of counts of the same run. Seconds are printed and never decide.

use crate::figures::Measure::{
    self, Allocations, Crates, HeapPerConnection, IdleRss, Instructions, Size, StartFaults,
    StartInstructions, Syscalls,
};
use crate::subjects::Subject::{self, AxumBare, AxumEqual, AxumHello, Hello, Ours, OursOff, RawHyper};

/// One row.
#[derive(Debug)]
pub(crate) struct Budget {
    pub(crate) measure: Measure,
    pub(crate) subject: Subject,
    pub(crate) limit: Limit,
    pub(crate) mode: Mode,
    /// Why the row is there.
    pub(crate) meaning: &'static str,
}

#[derive(Debug, Clone, Copy)]
pub(crate) enum Limit {
    /// At most so many times a peer's.
    Times(f64, Subject),
    /// Below so many times a peer's.
    Below(f64, Subject),
    /// At most so much more than a peer's.
    Plus(f64, Subject),
    AtMost(f64),
}

/// Whether a missed row fails `--ci`.
#[derive(Debug, Clone, Copy)]
pub(crate) enum Mode {
    Enforced,
    /// Printed only, with the reason.
    Printed(&'static str),
}

use Limit::{AtMost, Below, Plus, Times};
use Mode::{Enforced, Printed};

/// A share of a call: a slope over a thousand requests is not a whole number when a tick falls into it.
const WOBBLE: f64 = 0.02;

/// 0.3 ms at three instructions per nanosecond.
const START_INSTRUCTIONS: f64 = 900_000.0;

/// 0.3 ms at half a microsecond per minor fault, were it all spent on them.
const START_FAULTS: f64 = 600.0;

#[rustfmt::skip]
pub(crate) const BUDGETS: &[Budget] = &[
    Budget {
        mode: Printed("two allocations, moves of the request's parts, route match, one pass over the headers, Vary, guards: see the README"),
        ..row(Instructions, OursOff, Times(1.2, RawHyper), "all stages but the record, over what hyper costs by itself")
    },
    row(Instructions, OursOff, Times(1.38, RawHyper), "the same, so that it does not get worse"),
    row(Instructions, OursOff, Below(1.0, AxumBare), "all stages but the record, beside axum without any"),
    row(Instructions, Ours, Times(1.65, RawHyper), "as deployed, over what hyper costs by itself"),
    row(Instructions, Ours, Times(0.25, AxumEqual), "as deployed, beside axum with equal work"),
    row(Allocations, OursOff, Plus(2.0 + WOBBLE, RawHyper), "the endpoint's future and one more"),
    row(Allocations, Ours, Plus(2.0 + WOBBLE, RawHyper), "a record allocates nothing"),
    row(Syscalls, OursOff, Plus(WOBBLE, RawHyper), "one receive, one send, a share of a wait"),
    row(Syscalls, Ours, Plus(1.0 + WOBBLE, RawHyper), "and at most one write for the record"),
    row(HeapPerConnection, Ours, Plus(1024.0, RawHyper), "after one request with 2 kB of headers; hyper's two buffers bind"),
    Budget {
        mode: Printed("raw hyper alone is above it, by its two buffers of 8 KiB"),
        ..row(HeapPerConnection, Ours, Below(0.6, AxumBare), "the same, beside axum")
    },
    row(HeapPerConnection, Ours, Below(0.63, AxumBare), "the same, so that it does not get worse"),
    row(StartInstructions, Ours, Plus(START_INSTRUCTIONS, RawHyper), "cold start: 0.3 ms over raw hyper"),
    row(StartFaults, Ours, Plus(START_FAULTS, RawHyper), "cold start: 0.3 ms over raw hyper"),
    row(IdleRss, Hello, AtMost(4096.0), "after the first request"),
    Budget {
        mode: Printed("ours also has the door, the watch on sockets and the last resort: it stands within a few kB of the line"),
        ..row(Size, Hello, Times(1.0, AxumHello), "default features, equal work")
    },
    row(Size, Hello, Times(1.03, AxumHello), "the same, so that it does not get worse"),
    row(Crates, Hello, Below(1.0, AxumHello), "default features, equal work"),
];

const fn row(measure: Measure, subject: Subject, limit: Limit, meaning: &'static str) -> Budget {
    Budget { measure, subject, limit, mode: Enforced, meaning }
}
