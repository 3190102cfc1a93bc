//! Time limits in a process that the platform may freeze.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use tokio::time::{Instant, Sleep, sleep_until};

/// A timer that elapses this late shows that the process was frozen.
pub(crate) const FROZEN: Duration = Duration::from_secs(1);

/// A timer that starts with its first poll. After `stop` the next poll starts it anew.
#[derive(Default)]
pub(crate) struct Timer {
    sleep: Option<Pin<Box<Sleep>>>,
    running: bool,
    forgiven: bool,
}

impl Timer {
    pub(crate) fn stop(&mut self) {
        self.running = false;
    }

    /// Starts the timer if it is stopped. Ready when the limit has passed.
    ///
    /// A freeze is not the client's fault. A timer that elapses more than a second late is started again, once.
    pub(crate) fn poll(&mut self, cx: &mut Context<'_>, limit: Duration) -> Poll<()> {
        if !self.running {
            (self.running, self.forgiven) = (self.set(limit), false);
        }
        let Some(sleep) = self.sleep.as_mut().filter(|_| self.running) else { return Poll::Pending };
        if sleep.as_mut().poll(cx).is_pending() {
            return Poll::Pending;
        }
        if self.forgiven || sleep.deadline().elapsed() < FROZEN {
            return Poll::Ready(());
        }
        (self.running, self.forgiven) = (self.set(limit), true);
        self.sleep.as_mut().filter(|_| self.running).map_or(Poll::Pending, |sleep| sleep.as_mut().poll(cx))
    }

    /// Whether the timer runs and has not elapsed. A poll by the same task would then change nothing.
    pub(crate) fn is_running(&self) -> bool {
        self.running && self.sleep.as_ref().is_some_and(|sleep| !sleep.is_elapsed())
    }

    /// Sets the timer. False for a limit that overflows the clock, which then never elapses.
    fn set(&mut self, limit: Duration) -> bool {
        let Some(end) = Instant::now().checked_add(limit) else { return false };
        match &mut self.sleep {
            Some(sleep) => sleep.as_mut().reset(end),
            None => self.sleep = Some(Box::pin(sleep_until(end))),
        }
        true
    }
}

/// A deadline. Most work is done before anything waits for the deadline, and then no timer is created.
pub(crate) enum Deadline {
    NotAsked,
    None,
    At(Pin<Box<Sleep>>),
}

impl Deadline {
    /// Ready when the deadline has passed. `at` is called once, at the first poll.
    pub(crate) fn poll(
        &mut self,
        cx: &mut Context<'_>,
        at: impl FnOnce() -> Option<std::time::Instant>,
    ) -> Poll<()> {
        if let Self::NotAsked = self {
            *self = at().map_or(Self::None, |at| Self::At(Box::pin(sleep_until(at.into()))));
        }
        match self {
            Self::At(sleep) => sleep.as_mut().poll(cx),
            _ => Poll::Pending,
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn it_counts_from_each_start() {
        const LIMIT: Duration = Duration::from_secs(10);
        let mut timer = Timer::default();
        let begin = Instant::now();
        poll_fn(|cx| timer.poll(cx, LIMIT)).await;
        assert_eq!(begin.elapsed().as_secs(), 10);
        timer.stop();
        poll_fn(|cx| timer.poll(cx, LIMIT)).await;
        assert_eq!(begin.elapsed().as_secs(), 20);
    }

    #[tokio::test(start_paused = true)]
    async fn a_freeze_is_forgiven_once() {
        const LIMIT: Duration = Duration::from_secs(10);
        let mut timer = Timer::default();
        let begin = Instant::now();
        assert!(poll_fn(|cx| Poll::Ready(timer.poll(cx, LIMIT))).await.is_pending());
        tokio::time::advance(Duration::from_secs(60)).await;
        assert!(poll_fn(|cx| Poll::Ready(timer.poll(cx, LIMIT))).await.is_pending());
        poll_fn(|cx| timer.poll(cx, LIMIT)).await;
        assert_eq!(begin.elapsed().as_secs(), 70);
    }
}
