//! A clock for short waits that mostly end early: one timer for all of them.

use std::future::poll_fn;
use std::pin::{Pin, pin};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::Poll;
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
            // A look costs less than a write. What is set already is seen by the next tick, which is still to come.
            if !self.is_awaited.load(Ordering::SeqCst) {
                self.is_awaited.store(true, Ordering::SeqCst);
            }
            if !self.is_running.load(Ordering::SeqCst) && !self.is_running.swap(true, Ordering::SeqCst) {
                let own = Arc::clone(self);
                self.tasks.spawn(async move { own.run().await });
            }
            tick.await;
        }
    }

    /// The output of `future`, if it comes before the end of a [`period`](Self::period) that begins with its first wait.
    pub(crate) async fn soon<F: Future>(self: &Arc<Self>, mut future: Pin<&mut F>) -> Option<F::Output> {
        // Without a wait nothing of it has begun, and it costs nothing.
        let mut period = pin!(self.period());
        poll_fn(|context| match future.as_mut().poll(context) {
            Poll::Ready(output) => Poll::Ready(Some(output)),
            Poll::Pending => period.as_mut().poll(context).map(|()| None),
        })
        .await
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
    async fn what_comes_soon_is_waited_for_and_other_things_are_not() {
        let tasks = TaskTracker::new();
        let ticks = Ticks::new(tasks.clone());
        assert_eq!(ticks.soon(pin!(async { 1 })).await, Some(1));
        assert_eq!(tasks.len(), 0, "nothing was waited for");
        assert_eq!(ticks.soon(pin!(tokio::task::yield_now())).await, Some(()));
        let long = pin!(std::future::pending::<()>());
        assert_eq!(timeout(PATIENCE, ticks.soon(long)).await.unwrap(), None);
    }

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
