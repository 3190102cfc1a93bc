//! The clock of the looks at connections: which of them are idle, and keep buffers that they do not need.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::time::Duration;

use tokio::sync::Notify;

/// Counts the connections that have an engine, and says when to look at them. The clock runs on the door's thread: with a
/// timer on the executor, each of its turns would read the clock.
pub(crate) struct Looks {
    /// So many may keep their engines while they are idle.
    spare: usize,
    driven: AtomicUsize,
    wanted: AtomicBool,
    begin: Notify,
}

/// A connection that has an engine, until this value is dropped.
pub(crate) struct Driven {
    looks: Arc<Looks>,
}

/// How many connections keep their engines while they are idle: with few connections there is nothing to save, and no
/// clock runs.
pub(crate) const SPARE: usize = 16;

/// The time between two looks. A connection is idle for one to two of them before it gives its engine up.
const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Looks {
    pub(crate) fn new(spare: usize) -> Arc<Self> {
        let (driven, wanted) = (AtomicUsize::new(0), AtomicBool::new(false));
        Arc::new(Self { spare, driven, wanted, begin: Notify::new() })
    }

    /// Counts a connection that is given an engine.
    pub(crate) fn drive(self: &Arc<Self>) -> Driven {
        self.driven.fetch_add(1, Ordering::SeqCst);
        Driven { looks: Arc::clone(self) }
    }

    /// The number of engines that idle connections are to give up.
    pub(crate) fn surplus(&self) -> usize {
        self.driven.load(Ordering::SeqCst).saturating_sub(self.spare)
    }

    /// Has the connections looked at if there are too many, again and again.
    pub(crate) fn want(&self) {
        if self.surplus() > 0 && !self.wanted.swap(true, Ordering::SeqCst) {
            self.begin.notify_one();
        }
    }

    /// Begins one look, which is the last one if nobody wants another.
    pub(crate) fn begin_one(&self) {
        self.wanted.store(false, Ordering::SeqCst);
    }

    /// Calls `look` whenever it is time for a look. False from `look` ends this.
    pub(crate) async fn keep(&self, mut look: impl FnMut() -> bool) {
        loop {
            while !self.wanted.load(Ordering::SeqCst) {
                self.begin.notified().await;
            }
            tokio::time::sleep(LOOK_EVERY).await;
            if self.wanted.load(Ordering::SeqCst) && !look() {
                return;
            }
        }
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.looks.driven.fetch_sub(1, Ordering::SeqCst);
    }
}
