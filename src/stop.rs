//! Stop notices: long streams are told to end before a stop or a freeze, and when the process drains.

use std::pin::Pin;
use std::task::{Context, Poll};

use crate::watched::{Observer, Watched};

/// The side that announces stops. Clones announce to the same streams.
#[derive(Clone, Default)]
pub(crate) struct Stops(
    /// The number of announcements, and [`LAST`].
    Watched,
);

/// Set once the last stop was announced.
const LAST: u64 = 1 << 63;

impl Stops {
    /// Notifies the current streams. The process may go on, and later streams are not notified.
    pub(crate) fn announce(&self) {
        self.0.update(|count| count + 1);
    }

    /// Notifies all streams, later ones too.
    pub(crate) fn announce_last(&self) {
        self.0.update(|count| (count + 1) | LAST);
    }

    pub(crate) fn listen(&self) -> StopNotice {
        let count = self.0.value();
        let seen = if count & LAST != 0 { NEVER } else { count };
        StopNotice { count: self.0.observe(), seen }
    }
}

/// A value that the count never has.
const NEVER: u64 = u64::MAX;

/// Ready once a stop was announced, and at every later poll.
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
