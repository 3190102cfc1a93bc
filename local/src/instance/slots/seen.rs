//! What people see of each instance.

use std::time::{Duration, Instant};

use super::Slots;
use crate::model::Stage;

impl<I: Clone> Slots<I> {
    /// The instances with their stages, their calls, and how long they have had none. Those that are being stopped come last.
    pub(in crate::instance) fn seen(&self, now: Instant) -> Vec<(I, Stage, usize, Option<Duration>)> {
        let members = self.members.iter().map(|member| {
            let stage = match member.in_flight {
                _ if member.is_retired => Stage::Retiring,
                _ if !member.is_healthy => Stage::Unhealthy,
                1.. => Stage::Busy,
                0 if self.rules.freezes => Stage::Frozen,
                0 => Stage::Idle,
            };
            let since = member.idle_since.filter(|_| member.in_flight == 0);
            let idle = since.map(|since| now.saturating_duration_since(since));
            (member.instance.clone(), stage, member.in_flight, idle)
        });
        let leaving = self.leaving.iter().map(|instance| (instance.clone(), Stage::Stopping, 0, None));
        members.chain(leaving).collect()
    }
}
