//! A client that leaves: what it does to the handler, and how those who want to know are told.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, PoisonError};
use std::task::{Context, Poll, Waker};

/// What happens to a handler whose client has left.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum Policy {
    /// Its future is dropped.
    #[default]
    Cancel,
    /// It runs to its end as a task that shutdown waits for.
    Finish,
}

/// How far a request had come.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A reader waits for the request's body.
    Reading = 1,
    /// The handler works.
    Handling = 0,
    /// The reply is being sent.
    Replying = 2,
}

impl Phase {
    pub(crate) fn name(self) -> &'static str {
        match self {
            Self::Reading => "reading",
            Self::Handling => "handling",
            Self::Replying => "replying",
        }
    }
}

/// A phase that several places set.
#[derive(Default)]
pub(crate) struct PhaseCell(AtomicU8);

impl PhaseCell {
    pub(crate) fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    /// Sets it unless a reply is being sent: what a stream reads meanwhile is part of that.
    pub(crate) fn advance(&self, phase: Phase) {
        if self.load() != Phase::Replying {
            self.set(phase);
        }
    }

    pub(crate) fn load(&self) -> Phase {
        match self.0.load(Ordering::Relaxed) {
            1 => Phase::Reading,
            2 => Phase::Replying,
            _ => Phase::Handling,
        }
    }
}

/// Set once, when the client has left; wakes whoever waits for it.
#[derive(Default)]
pub(crate) struct Departure {
    gone: AtomicBool,
    waiting: Mutex<Vec<Waker>>,
}

impl Departure {
    pub(crate) fn announce(&self) {
        self.gone.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut *self.waiting.lock().unwrap_or_else(PoisonError::into_inner));
        for waker in waiting {
            waker.wake();
        }
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    pub(crate) fn poll_gone(&self, cx: &Context<'_>) -> Poll<()> {
        if self.is_gone() {
            return Poll::Ready(());
        }
        let mut waiting = self.waiting.lock().unwrap_or_else(PoisonError::into_inner);
        // Announced between the look above and the lock.
        if self.is_gone() {
            return Poll::Ready(());
        }
        if !waiting.iter().any(|waker| waker.will_wake(cx.waker())) {
            waiting.push(cx.waker().clone());
        }
        Poll::Pending
    }
}
