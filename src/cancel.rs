//! The hang-up of a client (its disconnect): the policy for the handler, and the notice to tasks that wait for it.

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
    /// The handler runs to its end, in a task that a drain waits for. At most
    /// [`App::max_finishing`](crate::App::max_finishing) of them run at a time; beyond that requests get 503.
    ///
    /// The platform freezes an instance without requests. The handler then stops until the next request comes.
    #[doc(alias = "Detached")]
    Finish,
}

/// The phase of a request.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Phase {
    /// A reader waits for the body.
    Reading = 1,
    /// The handler runs.
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

/// The phase of a request, as several tasks set it.
#[derive(Default)]
pub(crate) struct PhaseCell(AtomicU8);

impl PhaseCell {
    pub(crate) fn set(&self, phase: Phase) {
        self.0.store(phase as u8, Ordering::Relaxed);
    }

    /// Sets the phase, unless a reply is being sent: bytes that a stream reads then belong to that phase.
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

type Wakers = Vec<Option<Waker>>;

/// The departure of a client: set once, and wakes the tasks that wait for it.
#[derive(Default)]
pub(crate) struct Departure {
    gone: AtomicBool,
    /// The wakers, indexed by place. A place that was given up is reused. `None` before the first: the drop of an empty
    /// vector costs more.
    waiting: Mutex<Option<Wakers>>,
}

impl Departure {
    pub(crate) fn announce(&self) {
        self.gone.store(true, Ordering::Release);
        let waiting = std::mem::take(&mut *self.lock());
        for waker in waiting.into_iter().flatten().flatten() {
            waker.wake();
        }
    }

    pub(crate) fn is_gone(&self) -> bool {
        self.gone.load(Ordering::Acquire)
    }

    /// Polls for the departure. `place` is the caller's place among the wakers; [`forget`](Self::forget) gives it up.
    pub(crate) fn poll_gone(&self, place: &mut Option<usize>, cx: &Context<'_>) -> Poll<()> {
        if self.is_gone() {
            return Poll::Ready(());
        }
        let mut waiting = self.lock();
        // The departure may have been announced before the lock was taken.
        if self.is_gone() {
            return Poll::Ready(());
        }
        let wakers = waiting.get_or_insert_default();
        let at = place.or_else(|| wakers.iter().position(Option::is_none)).unwrap_or(wakers.len());
        *place = Some(at);
        if at == wakers.len() {
            wakers.push(None);
        }
        let before = match &mut wakers[at] {
            Some(waker) if waker.will_wake(cx.waker()) => None,
            slot => slot.replace(cx.waker().clone()),
        };
        drop(waiting);
        drop(before);
        Poll::Pending
    }

    pub(crate) fn forget(&self, place: Option<usize>) {
        let Some(at) = place else { return };
        // After the announcement the list is empty.
        let waker = self.lock().as_mut().and_then(|wakers| wakers.get_mut(at)?.take());
        // Dropped after the lock is released: the waker may be the last owner of a task that waits here too.
        drop(waker);
    }

    fn lock(&self) -> MutexGuard<'_, Option<Wakers>> {
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
        assert_eq!(departure.lock().as_ref().map(Vec::len), Some(2));
        departure.announce();
        assert!(departure.poll_gone(&mut kept, &cx).is_ready());
        departure.forget(kept);
    }
}
