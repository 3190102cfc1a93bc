//! What is counted of a call: for the meter of its function.

use std::sync::Arc;

use tokio::time::Instant;

use crate::event::Kind;
use crate::failure::FailureSource;
use crate::meter::{Ended, Meter, Outcome};

/// What a call has used so far.
#[derive(Debug)]
pub(super) struct Counted {
    /// `None` until the generation of the call is known.
    pub(super) meter: Option<Arc<Meter>>,
    /// When the call was handed on by the way in.
    arrived: Instant,
    pub(super) is_cold: bool,
    pub(super) is_probe: bool,
    /// Whether the function's reply says that something failed.
    pub(super) tells_failure: bool,
    /// The bytes of a request's body that was there as a whole.
    pub(super) whole_in: u64,
    /// The bytes from and to the client that passed the run by.
    pub(super) passed_by: Option<[u64; 2]>,
}

impl Counted {
    pub(super) fn new(arrived: Instant) -> Self {
        Counted {
            meter: None,
            arrived,
            is_cold: false,
            is_probe: false,
            tells_failure: false,
            whole_in: 0,
            passed_by: None,
        }
    }

    /// Counts the call as one that has ended, `kind` says how. `begin` is when it had an instance; `bytes` came from the
    /// client and went to it.
    pub(super) fn end(&self, kind: Option<&Kind>, begin: Option<Instant>, bytes: [u64; 2]) {
        let Some(meter) = &self.meter else { return };
        let now = Instant::now();
        let [bytes_in, bytes_out] = self.passed_by.unwrap_or([self.whole_in + bytes[0], bytes[1]]);
        let outcome = match kind {
            Some(Kind::CallCancelled { .. }) => Outcome::ClientLeft,
            Some(Kind::CallFailed(cause)) if cause.by != FailureSource::Caller.name() => Outcome::Failed,
            _ if self.tells_failure => Outcome::Failed,
            _ => Outcome::Answered,
        };
        meter.note(&Ended {
            latency: now.saturating_duration_since(self.arrived),
            took: begin.map(|begin| now.saturating_duration_since(begin)),
            outcome,
            is_cold: self.is_cold,
            is_probe: self.is_probe,
            bytes_in,
            bytes_out,
        });
    }
}
