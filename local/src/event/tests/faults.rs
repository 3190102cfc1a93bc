//! An event of each injected fault, and its sentence.

use std::time::Duration;

use super::samples::Sample;
use super::*;
use crate::fault::Fault;

const TIME: Duration = Duration::from_millis(45);

pub(super) fn samples() -> Vec<Sample> {
    let faults = [
        (Fault::Reuse, "chaos: call 3: its instance gets no further call"),
        (Fault::Idle, "chaos: call 3: idle instances are stopped before it"),
        (Fault::SlowStart(TIME), "chaos: start 3 begins 45 ms late"),
        (Fault::Freeze(TIME), "chaos: call 3: its instance is frozen for 45 ms before it"),
        (Fault::Upstream(TIME), "chaos: call 3: its connection to the instance is closed after 45 ms"),
        (Fault::Leave(7), "chaos: call 3: its client leaves after 7 bytes of the reply"),
        (Fault::Throttle(429), "chaos: call 3: it is refused with 429"),
    ];
    let samples = faults.map(|(fault, text)| (Kind::FaultInjected { fault, ordinal: 3 }, text));
    samples.into_iter().collect()
}
