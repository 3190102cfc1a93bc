//! The announcement that long streams should end: before a stop or a freeze of the instance, and when the process drains.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll};

use crate::watched::{Observer, Watched};

/// Who announces it. Clones announce the same.
#[derive(Clone, Default)]
pub(crate) struct Stops {
    /// Counts the announcements.
    count: Watched,
    is_final: Arc<AtomicBool>,
}

impl Stops {
    /// Tells the streams that are there now. The process may go on, and so may those that begin later.
    pub(crate) fn announce(&self) {
        self.count.update(|count| count + 1);
    }

    /// Tells all streams, those to come too.
    pub(crate) fn announce_last(&self) {
        self.is_final.store(true, Ordering::Release);
        self.announce();
    }

    pub(crate) fn listen(&self) -> StopNotice {
        // The count first: who finds the last announcement counted finds that it is the last.
        let count = self.count.value();
        let seen = if self.is_final.load(Ordering::Acquire) { NEVER } else { count };
        StopNotice { count: self.count.observe(), seen }
    }
}

/// A count that no announcement has.
const NEVER: u64 = u64::MAX;

/// Ready once a stop has been announced, and from then on.
#[must_use = "a notice tells nothing unless it is polled"]
pub(crate) struct StopNotice {
    count: Observer,
    seen: u64,
}

impl Future for StopNotice {
    type Output = ();

    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.count.look(cx) == self.seen { Poll::Pending } else { Poll::Ready(()) }
    }
}

#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;

    fn is_told(notice: &mut StopNotice) -> bool {
        Pin::new(notice).poll(&mut Context::from_waker(Waker::noop())).is_ready()
    }

    #[test]
    fn a_pause_tells_those_who_listen_and_the_end_everyone() {
        let stops = Stops::default();
        let mut early = stops.listen();
        assert!(!is_told(&mut early));
        stops.announce();
        let mut later = stops.listen();
        assert!(is_told(&mut early) && is_told(&mut early) && !is_told(&mut later));
        stops.announce_last();
        assert!(is_told(&mut later) && is_told(&mut stops.listen()));
    }
}
