//! How many instances are kept although nothing calls them.

use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::Duration;

use jiff::Timestamp;
use tokio::time::sleep;

use super::Pool;
use crate::event::Kind;
use crate::instance::slots::Slots;
use crate::model::{Kept, next_change};

/// The longest wait for the next time of a schedule: this machine may sleep, or its clock may be set.
const WAIT_MAX: Duration = Duration::from_secs(60);

impl Pool {
    /// Keeps as many instances as the settings say, or none, as long as the function is disabled. Starts nothing by
    /// itself, and stops nothing.
    pub(crate) fn set_kept(&self, is_kept: bool) {
        self.is_kept.store(is_kept, Ordering::Relaxed);
        self.keep(&self.generation.kept(Timestamp::now()));
    }

    /// Follows the schedules of the settings, until the generation is closed. Starts what is missing.
    pub(crate) async fn follow_schedules(self: Arc<Self>) {
        let mut before = None;
        loop {
            let now = Timestamp::now();
            let kept = self.generation.kept(now);
            if before.as_ref() != Some(&kept) {
                self.tell(&kept);
                self.keep(&kept);
                // The first instances are started by who deploys, or by the first call.
                if before.is_some() {
                    self.change(Slots::top_up);
                }
                before = Some(kept);
            }
            let next = next_change(&self.generation.function.schedules, now);
            let wait = next.and_then(|next| Duration::try_from(next.duration_since(now)).ok());
            tokio::select! {
                () = self.closed.cancelled() => return,
                () = sleep(wait.unwrap_or(WAIT_MAX).min(WAIT_MAX)) => {}
            }
        }
    }

    fn keep(&self, kept: &Kept) {
        let count = if self.is_kept.load(Ordering::Relaxed) { kept.count } else { 0 };
        self.lock().slots.set_kept(count);
        self.generation.fleet.set_kept(count);
    }

    fn tell(&self, Kept { count, schedule }: &Kept) {
        let kind = Kind::InstancesKept { count: *count, schedule: schedule.as_deref().map(str::to_owned) };
        self.generation.log.emit(&self.generation.source(), kind);
    }
}
