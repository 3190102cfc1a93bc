//! The stream of server-sent events to a page of the console. Each look asks for what has changed, so a browser that does not
//! read costs nothing: it misses looks. The stream ends when the platform stops.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::Frame;
use tokio::sync::OwnedSemaphorePermit;
use tokio::time::{Interval, MissedTickBehavior, interval};
use tokio_util::sync::{CancellationToken, WaitForCancellationFutureOwned};

use super::body::Cut;

/// How often a stream looks for changes.
const PERIOD: Duration = Duration::from_millis(500);

/// A stream without changes says after so many looks that it is still there.
const LOOKS_MAX: u32 = 30;

/// What has changed since the last look, as server-sent events.
pub(crate) type Look = Box<dyn FnMut() -> Option<String> + Send>;

/// A page's stream.
pub(crate) struct Live {
    ticks: Interval,
    look: Look,
    stop: Pin<Box<WaitForCancellationFutureOwned>>,
    /// The looks since the last event.
    quiet: u32,
    is_over: bool,
    /// The place among the streams that may be open at a time.
    _place: OwnedSemaphorePermit,
}

impl fmt::Debug for Live {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Live").field("is_over", &self.is_over).finish_non_exhaustive()
    }
}

impl Live {
    /// A stream that ends at the stop.
    pub(crate) fn new(look: Look, stop: CancellationToken, place: OwnedSemaphorePermit) -> Self {
        let mut ticks = interval(PERIOD);
        ticks.set_missed_tick_behavior(MissedTickBehavior::Delay);
        Live { ticks, look, stop: Box::pin(stop.cancelled_owned()), quiet: 0, is_over: false, _place: place }
    }

    pub(super) fn is_over(&self) -> bool {
        self.is_over
    }

    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        loop {
            if self.is_over || self.stop.as_mut().poll(context).is_ready() {
                self.is_over = true;
                return Poll::Ready(None);
            }
            ready!(self.ticks.poll_tick(context));
            if let Some(events) = (self.look)() {
                self.quiet = 0;
                return Poll::Ready(Some(Ok(Frame::data(events.into()))));
            }
            self.quiet += 1;
            if self.quiet >= LOOKS_MAX {
                self.quiet = 0;
                return Poll::Ready(Some(Ok(Frame::data(Bytes::from_static(b":\n\n")))));
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use std::future::poll_fn;
    use std::sync::Arc;

    use tokio::sync::Semaphore;

    use super::*;

    #[tokio::test(start_paused = true)]
    async fn changes_are_told_silence_is_broken_and_a_stop_ends_the_stream() {
        let places = Arc::new(Semaphore::new(1));
        let place = Arc::clone(&places).try_acquire_owned().unwrap();
        let mut looks = vec![Some("data: two\n\n"), None, Some("data: one\n\n")];
        let stop = CancellationToken::new();
        let look = Box::new(move || looks.pop().flatten().map(str::to_owned));
        let mut live = Live::new(look, stop.clone(), place);
        for expected in ["data: one\n\n", "data: two\n\n", ":\n\n"] {
            let frame = poll_fn(|context| live.poll_frame(context)).await.unwrap().unwrap();
            assert_eq!(frame.into_data().unwrap(), expected);
        }
        assert_eq!(places.available_permits(), 0);
        stop.cancel();
        assert!(poll_fn(|context| live.poll_frame(context)).await.is_none() && live.is_over());
        drop(live);
        assert_eq!(places.available_permits(), 1);
    }
}
