//! The tracker: every spawned task is counted, named by its kind, and waited for.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::task::{Context, Poll};

use pin_project_lite::pin_project;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A future of any kind, on the heap.
pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// What a task is for, so that a drain can say what it waited for.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A connection that has said nothing yet, or only probes.
    Probing,
    /// Receives connections from the door.
    Receiver,
    Connection,
    Handler,
    Blocking,
    /// A ready check, or an answer of the executor to the door.
    Check,
    /// A body that nobody reads, being read away.
    Leftover,
    /// A connection that has left HTTP.
    #[cfg(feature = "websocket")]
    Upgraded,
}

const KINDS: &[(Kind, &str)] = &[
    (Kind::Probing, "new connections"),
    (Kind::Receiver, "receivers"),
    (Kind::Connection, "connections"),
    (Kind::Handler, "handlers"),
    (Kind::Blocking, "blocking calls"),
    (Kind::Check, "checks"),
    (Kind::Leftover, "unread bodies"),
    #[cfg(feature = "websocket")]
    (Kind::Upgraded, "sockets"),
];

/// Counts the tasks of one app. Clones share the count.
#[derive(Clone, Default)]
pub(crate) struct Tracker(Arc<Counts>);

#[derive(Default)]
struct Counts {
    running: [AtomicUsize; KINDS.len()],
    ended: Notify,
}

impl Tracker {
    #[allow(clippy::disallowed_methods, reason = "the one place that spawns")]
    pub(crate) fn spawn<F>(&self, kind: Kind, future: F) -> JoinHandle<F::Output>
    where
        F: Future<Output: Send> + Send + 'static,
    {
        tokio::spawn(Ticketed { future, _ticket: self.ticket(kind) })
    }

    pub(crate) fn spawn_blocking<F, T>(&self, work: F) -> JoinHandle<T>
    where
        F: FnOnce() -> T + Send + 'static,
        T: Send + 'static,
    {
        let ticket = self.ticket(Kind::Blocking);
        tokio::task::spawn_blocking(move || {
            let _ticket = ticket;
            work()
        })
    }

    fn ticket(&self, kind: Kind) -> Ticket {
        self.0.running[kind as usize].fetch_add(1, Ordering::Relaxed);
        Ticket { counts: Arc::clone(&self.0), kind }
    }

    /// Waits until no task is left. Put a bound around it.
    pub(crate) async fn idle(&self) {
        loop {
            let ended = self.0.ended.notified();
            if self.running().all(|(_, count)| count == 0) {
                return;
            }
            ended.await;
        }
    }

    /// What still runs, by kind.
    pub(crate) fn running(&self) -> impl Iterator<Item = (&'static str, usize)> + '_ {
        KINDS.iter().map(|(kind, name)| (*name, self.0.running[*kind as usize].load(Ordering::Acquire)))
    }
}

pin_project! {
    /// A task's future with its ticket. An `async` block would hold the future twice, and connections are many.
    struct Ticketed<F> {
        #[pin]
        future: F,
        _ticket: Ticket,
    }
}

impl<F: Future> Future for Ticketed<F> {
    type Output = F::Output;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<F::Output> {
        self.project().future.poll(cx)
    }
}

struct Ticket {
    counts: Arc<Counts>,
    kind: Kind,
}

impl Drop for Ticket {
    fn drop(&mut self) {
        if self.counts.running[self.kind as usize].fetch_sub(1, Ordering::AcqRel) == 1 {
            self.counts.ended.notify_waiters();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn idle_waits_for_the_last_task() {
        let tracker = Tracker::default();
        tracker.idle().await;
        let (stop, stopped) = tokio::sync::oneshot::channel::<()>();
        let task = tracker.spawn(Kind::Handler, stopped);
        assert_eq!(tracker.running().find(|(_, count)| *count > 0), Some(("handlers", 1)));
        stop.send(()).unwrap();
        tracker.idle().await;
        task.await.unwrap().unwrap();
        assert!(tracker.running().all(|(_, count)| count == 0));
    }
}
