//! A client that leaves: what it does to the handler, and how those who want to know are told.

use std::sync::atomic::{AtomicBool, AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

/// What happens to a handler whose client has left: see [`At::hang_up_policy`](crate::At::hang_up_policy).
///
/// ```
/// use fc_runtime::{App, HangUpPolicy, at};
///
/// # fc_runtime::testing::run(async {
/// let orders = at("/orders").hang_up_policy(HangUpPolicy::Finish);
/// let app = App::new().post(orders, async |ex| {
///     let order = ex.text().await?;
///     // A client that leaves from here on does not stop the payment.
///     Ok((201, format!("{order}, paid")))
/// });
/// app.test_client().post("/orders").body("tea").await.assert_status(201).assert_text("tea, paid");
/// # });
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
#[non_exhaustive]
#[doc(alias = "disconnect")]
pub enum HangUpPolicy {
    /// The handler is cancelled: its future is dropped where it awaits. This is the default.
    #[default]
    #[doc(alias = "CancelOnDisconnect")]
    Cancel,
    /// The handler runs to its end, as a task that shutdown waits for.
    ///
    /// An instance without requests is frozen, and the handler with it, until the next request comes.
    #[doc(alias = "Detached")]
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
    /// By place; a place that was given up is used again.
    waiting: Mutex<Vec<Option<Waker>>>,
}

impl Departure {
    pub(crate) fn announce(&self) {
        self.gone.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut *self.lock());
        for waker in waiting.into_iter().flatten() {
            waker.wake();
        }
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// `place` is where the one who asks waits, to be [given up](Self::forget) if it asks no more.
    pub(crate) fn poll_gone(&self, place: &mut Option<usize>, cx: &Context<'_>) -> Poll<()> {
        if self.is_gone() {
            return Poll::Ready(());
        }
        let mut waiting = self.lock();
        // Announced between the look above and the lock.
        if self.is_gone() {
            return Poll::Ready(());
        }
        let at = place.or_else(|| waiting.iter().position(Option::is_none)).unwrap_or(waiting.len());
        *place = Some(at);
        if at == waiting.len() {
            waiting.push(None);
        }
        let before = match &mut waiting[at] {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            slot => slot.replace(cx.waker().clone()),
        };
        drop(waiting);
        drop(before);
        Poll::Pending
    }

    pub(crate) fn forget(&self, place: Option<usize>) {
        let Some(at) = place else { return };
        // After the announcement there are no places.
        let waker = self.lock().get_mut(at).and_then(Option::take);
        // Outside the lock: it may be the last that holds its task, which may wait here too.
        drop(waker);
    }

    fn lock(&self) -> MutexGuard<'_, Vec<Option<Waker>>> {
        self.waiting.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn who_waits_no_more_leaves_nothing_behind() {
        let departure = Departure::default();
        let cx = Context::from_waker(Waker::noop());
        let mut kept = None;
        assert!(departure.poll_gone(&mut kept, &cx).is_pending());
        for _ in 0..100 {
            let mut place = None;
            assert!(departure.poll_gone(&mut place, &cx).is_pending());
            departure.forget(place);
        }
        assert_eq!(departure.lock().len(), 2);
        departure.announce();
        assert!(departure.poll_gone(&mut kept, &cx).is_ready());
        departure.forget(kept);
    }
}
