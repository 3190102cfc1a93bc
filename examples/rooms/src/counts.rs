//! What is counted, for Prometheus.

use fc_runtime::Metrics;
use fc_runtime::metrics::Counter;

/// The counters of all rooms of an instance.
#[derive(Clone)]
pub(crate) struct Counts {
    pub(crate) heard: Counter,
    pub(crate) reconnected: Counter,
    pub(crate) refused: Counter,
    missed: Counter,
    unknown: Counter,
}

impl Counts {
    pub(crate) fn new(metrics: &Metrics) -> Self {
        Self {
            heard: metrics.counter("rooms_lines_total", "Lines that listeners of this instance were told"),
            reconnected: metrics
                .counter("rooms_reconnects_total", "Connections to Redis after the first one"),
            refused: metrics
                .counter("rooms_refused_total", "Lines that were not taken, because Redis was away"),
            missed: metrics.counter("rooms_missed_total", "Lines that Redis no longer had when it was back"),
            unknown: metrics
                .counter("rooms_gaps_unknown_total", "Times that Redis had lost a room's history"),
        }
    }

    pub(crate) fn gap(&self, missed: Option<u64>) {
        match missed {
            Some(missed) => self.missed.add(missed),
            None => self.unknown.add(1),
        }
    }
}
