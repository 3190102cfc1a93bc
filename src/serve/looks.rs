//! The clock of the looks at connections: which of them are idle, and keep buffers that they do not need.

use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::task::Waker;
use std::time::Duration;

/// Counts the connections that have an engine, and says when to look at them. The clock runs on the door's thread: with a
/// timer on the executor, each of its turns would read the clock.
pub(crate) struct Looks {
    /// So many may keep their engines while they are idle.
    spare: usize,
    driven: AtomicUsize,
    wanted: AtomicBool,
    /// Wakes the thread that has the clock.
    clock: Waker,
}

/// A connection that has an engine, until this value is dropped.
pub(crate) struct Driven {
    looks: Arc<Looks>,
}

/// How many connections keep their engines while they are idle: with few connections there is nothing to save, and no
/// clock runs.
pub(crate) const SPARE: usize = 16;

/// The time between two looks. A connection is idle for one to two of them before it gives its engine up.
pub(crate) const LOOK_EVERY: Duration = Duration::from_millis(50);

impl Looks {
    /// `clock` is woken when looks begin to be wanted.
    pub(crate) fn new(spare: usize, clock: Waker) -> Arc<Self> {
        let (driven, wanted) = (AtomicUsize::new(0), AtomicBool::new(false));
        Arc::new(Self { spare, driven, wanted, clock })
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
            self.clock.wake_by_ref();
        }
    }

    /// Begins one look, which is the last one if nobody wants another. Before the look, so that an engine that is taken
    /// meanwhile asks for the next one.
    pub(crate) fn begin_one(&self) {
        self.wanted.store(false, Ordering::SeqCst);
    }

    /// Whether the next look is due [`LOOK_EVERY`] from the last one.
    pub(crate) fn are_wanted(&self) -> bool {
        self.wanted.load(Ordering::SeqCst)
    }
}

impl Drop for Driven {
    fn drop(&mut self) {
        self.looks.driven.fetch_sub(1, Ordering::SeqCst);
    }
}
