//! The tracker of tasks: each spawned task is counted by its kind, and a drain waits for all of them.

use std::io;
use std::pin::Pin;
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::task::{Context, Poll};
use std::thread;

use pin_project_lite::pin_project;
use tokio::sync::Notify;
use tokio::task::JoinHandle;

/// A boxed future.
pub(crate) type BoxFuture<T> = Pin<Box<dyn Future<Output = T> + Send>>;

/// The purpose of a task, for the log line of a drain.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Kind {
    /// A connection that has sent nothing but probes.
    Probing,
    /// Receives connections from the door.
    Receiver,
    Connection,
    Handler,
    Blocking,
    /// A ready check, or the executor's answer to the door.
    Check,
    /// The drain of an unread body.
    Leftover,
    /// Spans on their way to a collector.
    #[cfg(feature = "otel")]
    Export,
    /// An upgraded connection.
    #[cfg(any(feature = "tower", feature = "websocket"))]
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
    #[cfg(feature = "otel")]
    (Kind::Export, "exports of spans"),
    #[cfg(any(feature = "tower", feature = "websocket"))]
    (Kind::Upgraded, "sockets"),
];

/// Counts the running tasks of one app. Clones share the counts.
#[derive(Clone, Default)]
pub(crate) struct Tracker(Arc<Counts>);

#[derive(Default)]
struct Counts {
    running: [AtomicUsize; KINDS.len()],
    ended: Notify,
}

impl Tracker {
    /// Spawns a task that nobody waits for.
    pub(crate) fn spawn(&self, kind: Kind, future: impl Future<Output = ()> + Send + 'static) {
        drop(start(Box::pin(Ticketed { future, _ticket: self.ticket(kind) })));
    }

    /// Spawns a task whose output somebody waits for.
    pub(crate) fn spawn_for<T: Send + 'static>(
        &self,
        kind: Kind,
        future: impl Future<Output = T> + Send + 'static,
    ) -> Output<T> {
        let slot = Arc::new(Mutex::new(None));
        let filled = Arc::clone(&slot);
        let future = async move {
            let output = future.await;
            *filled.lock().unwrap_or_else(PoisonError::into_inner) = Some(output);
        };
        Output { task: start(Box::pin(Ticketed { future, _ticket: self.ticket(kind) })), slot }
    }

    /// Spawns a task without a box, for tasks as frequent as requests.
    #[cfg(feature = "http2")]
    #[allow(clippy::disallowed_methods, reason = "one of the places that spawn")]
    pub(crate) fn spawn_unboxed<F>(&self, kind: Kind, future: F)
    where
        F: Future<Output: Send> + Send + 'static,
    {
        drop(tokio::spawn(Ticketed { future, _ticket: self.ticket(kind) }));
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

    /// Counts what is no task of the executor, and is waited for like one.
    pub(crate) fn ticket(&self, kind: Kind) -> Ticket {
        self.0.running[kind as usize].fetch_add(1, Ordering::Relaxed);
        Ticket { counts: Arc::clone(&self.0), kind }
    }

    /// Waits until no task runs. Callers bound the wait.
    pub(crate) async fn idle(&self) {
        loop {
            let ended = self.0.ended.notified();
            if self.running().all(|(_, count)| count == 0) {
                return;
            }
            ended.await;
        }
    }

    /// The number of running tasks, by kind.
    pub(crate) fn running(&self) -> impl Iterator<Item = (&'static str, usize)> + '_ {
        KINDS.iter().map(|(kind, name)| (*name, self.0.running[*kind as usize].load(Ordering::Acquire)))
    }
}

/// Spawns a boxed future. Tokio's code for a task, about 4 KiB, is in the binary once for each type of future and each
/// kind of executor. With a box there is one type.
#[inline(never)]
#[allow(clippy::disallowed_methods, reason = "one of the places that spawn")]
fn start(task: BoxFuture<()>) -> JoinHandle<()> {
    tokio::spawn(task)
}

/// Starts a thread beside the executor. The standard library's code for it, about 2 KiB, is in the binary once for each type of
/// work. With a box there is one. Without a `stack`, in bytes, it has the standard library's.
#[inline(never)]
pub(crate) fn thread(
    name: &str,
    stack: Option<usize>,
    work: Box<dyn FnOnce() + Send>,
) -> io::Result<thread::JoinHandle<()>> {
    // The system's name has a byte more.
    let mut own = String::with_capacity(name.len() + 1);
    own.push_str(name);
    let mut builder = thread::Builder::new().name(own);
    if let Some(stack) = stack {
        builder = builder.stack_size(stack);
    }
    builder.spawn(work)
}

/// The output of a task: `None` if the task panicked, or was dropped with its executor. A drop does not end the task.
pub(crate) struct Output<T> {
    task: JoinHandle<()>,
    slot: Arc<Mutex<Option<T>>>,
}

impl<T> Future for Output<T> {
    type Output = Option<T>;

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<T>> {
        Pin::new(&mut self.task)
            .poll(cx)
            .map(|_| self.slot.lock().unwrap_or_else(PoisonError::into_inner).take())
    }
}

pin_project! {
    /// A task's future with its ticket. An `async` block would hold the future twice, and there may be many
    /// connections.
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

/// Counted as running until it is dropped.
pub(crate) struct Ticket {
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
        let task = tracker.spawn_for(Kind::Handler, stopped);
        assert_eq!(tracker.running().find(|(_, count)| *count > 0), Some(("handlers", 1)));
        stop.send(()).unwrap();
        tracker.idle().await;
        task.await.unwrap().unwrap();
        assert!(tracker.running().all(|(_, count)| count == 0));
    }
}
