//! The faults of a call, each at its point.

use std::time::Duration;

use super::call::Seat;
use super::run::Run;
use crate::event::Kind;
use crate::failure::Failure;
use crate::fault::{CallFaults, Fault};
use crate::registry::Callee;

impl Run {
    /// Draws the faults of the call. Costs nothing but a look if none are wanted.
    pub(super) fn draw_faults(&mut self, callee: &Callee) {
        if let Some(faults) = &callee.function.faults {
            self.faults = Some(Box::new(faults.next_call()));
        }
    }

    /// Passes the client's departure on, which comes within the reply.
    pub(super) fn pass_departure_on(&self, seat: &mut Seat) {
        if let Some(faults) = &self.faults {
            seat.leave = faults.leave.map(|bytes| (faults.ordinal, bytes));
        }
    }

    /// The faults before the call has an instance.
    pub(super) fn inject_before_lease(&mut self, callee: &Callee) -> Result<(), Failure> {
        let Some(faults) = &mut self.faults else { return Ok(()) };
        let (throttle, idle) = (faults.throttle.take(), std::mem::take(&mut faults.idle));
        let name = &callee.function.name;
        if let Some(status) = throttle {
            self.tell(Fault::Throttle(status));
            return Err(match status {
                429 => Failure::exhausted(name, callee.settings()?.local.instances_max()),
                _ => Failure::unavailable(format!("function '{name}' is refused, as --chaos asks")),
            });
        }
        if idle && callee.pool()?.stop_idle() > 0 {
            self.tell(Fault::Idle);
        }
        Ok(())
    }

    /// The faults between the call's instance and its request.
    pub(super) async fn inject_before_request(&mut self) {
        let (Some(faults), Some(lease)) = (&mut self.faults, &self.lease) else { return };
        let CallFaults { reuse, freeze, .. } = &mut **faults;
        let (reuse, freeze) = (std::mem::take(reuse), freeze.take());
        if reuse {
            lease.retire();
            self.tell(Fault::Reuse);
        }
        if let Some(time) = freeze {
            self.tell(Fault::Freeze(time));
            lease.instance.freeze_for(time).await;
        }
    }

    /// How long after the request the connection to the instance is to be closed, whatever has come by then.
    pub(super) fn take_upstream_fault(&mut self) -> Option<Duration> {
        let after = self.faults.as_mut()?.upstream.take()?;
        self.tell(Fault::Upstream(after));
        Some(after)
    }

    fn tell(&self, fault: Fault) {
        let ordinal = self.faults.as_ref().map_or(0, |faults| faults.ordinal);
        self.log.emit(&self.source, Kind::FaultInjected { fault, ordinal });
    }
}
