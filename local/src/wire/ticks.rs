//! A clock for short waits that mostly end early: one timer for all of them.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::time::Duration;

use tokio::sync::Notify;
use tokio_util::task::TaskTracker;

/// The time from one tick to the next.
const PERIOD: Duration = Duration::from_millis(10);

/// Ticks as long as somebody waits. An armed timer costs each wait more than a place in a list, and a system call where
/// no earlier timer is armed.
#[derive(Debug)]
pub(crate) struct Ticks {
    tick: Notify,
    /// Whether somebody began to wait since the last tick.
    is_awaited: AtomicBool,
    is_running: AtomicBool,
    tasks: TaskTracker,
}

impl Ticks {
    /// Its task, which ends soon after the last wait, is one of `tasks`.
    pub(crate) fn new(tasks: TaskTracker) -> Arc<Self> {
        let (is_awaited, is_running) = (AtomicBool::new(false), AtomicBool::new(false));
        Arc::new(Ticks { tick: Notify::new(), is_awaited, is_running, tasks })
    }

    /// Waits for one period at least, and for less than two.
    ///
    /// # Cancel safety
    ///
    /// Dropping the future gives the wait up.
    pub(crate) async fn period(self: &Arc<Self>) {
        // The first tick may come at once.
        for _ in 0..2 {
            // Made before it is announced, so that the tick which sees the announcement is not missed.
            let tick = self.tick.notified();
            self.is_awaited.store(true, Ordering::SeqCst);
            if !self.is_running.swap(true, Ordering::SeqCst) {
                let own = Arc::clone(self);
                self.tasks.spawn(async move { own.run().await });
            }
            tick.await;
        }
    }

    async fn run(&self) {
        loop {
            tokio::time::sleep(PERIOD).await;
            let was_awaited = self.is_awaited.swap(false, Ordering::SeqCst);
            self.tick.notify_waiters();
            if was_awaited {
                continue;
            }
            self.is_running.store(false, Ordering::SeqCst);
            // A wait that has begun meanwhile may have found the task running.
            let goes_on =
                self.is_awaited.load(Ordering::SeqCst) && !self.is_running.swap(true, Ordering::SeqCst);
            if !goes_on {
                return;
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use tokio::time::timeout;

    use super::*;

    const PATIENCE: Duration = Duration::from_secs(30);

    #[tokio::test]
    async fn waits_end_and_so_does_the_clock() {
        let tasks = TaskTracker::new();
        let ticks = Ticks::new(tasks.clone());
        for _ in 0..3 {
            let both = async { tokio::join!(ticks.period(), ticks.period()) };
            timeout(PATIENCE, both).await.expect("the waits end");
            // One that is given up.
            assert!(timeout(Duration::ZERO, ticks.period()).await.is_err());
            assert_eq!(tasks.len(), 1, "one timer for all");
            tasks.close();
            timeout(PATIENCE, tasks.wait()).await.expect("nobody waits, so nothing ticks");
            tasks.reopen();
        }
    }
}
