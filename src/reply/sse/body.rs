//! The body of an SSE reply. Events that are ready together share a chunk; comments are sent when there are no events.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http_body::Frame;
use pin_project_lite::pin_project;
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::{Error, Result};
use crate::reply::Chunk;
use crate::reply::body::PIECE_MAX;
use crate::reply::source::Source;
use crate::reply::sse::event::{EventBytes, IntoSseEvent, SseEvent};
use crate::reply::waker::StreamWaker;
use crate::stop::{StopNotice, Stops};

/// The size, in bytes, at which a chunk is sent although more events are ready.
pub(super) const CHUNK_MAX: usize = 16 * 1024;

const COMMENT: Bytes = Bytes::from_static(b":\n");
const GOING_AWAY: &[u8] = b": going away\n";

/// An SSE body, before its reply is sent: its settings can still be changed.
pub(super) trait Events: Source {
    fn set_keep_alive(self: Pin<&mut Self>, every: Option<Duration>);

    /// Sets whether a comment is sent when the stream opens without an event.
    fn set_opening(self: Pin<&mut Self>, is_sent: bool);
}

pin_project! {
    pub(super) struct EventBody<St> {
        #[pin]
        feed: Feed<St>,
        waker: Option<StreamWaker>,
        // The rest of an event that is larger than a piece.
        rest: Bytes,
    }
}

pin_project! {
    /// The events of a stream as chunks, with comments in its silences.
    struct Feed<St> {
        // `None` after the stream has ended.
        #[pin]
        events: Option<St>,
        #[pin]
        silence: Silence,
        notice: Option<StopNotice>,
        // Whether an opening comment is still due: nothing has been sent.
        opening: bool,
        // The error of the stream, which cuts the reply once the events before it are sent.
        failed: Option<Error>,
    }
}

impl<St> EventBody<St> {
    pub(super) fn new(events: St, keep_alive: Duration) -> Self {
        let silence = Silence { timer: None, is_running: false, limit: Some(keep_alive), end: None };
        let feed = Feed { events: Some(events), silence, notice: None, opening: true, failed: None };
        Self { feed, waker: None, rest: Bytes::new() }
    }
}

impl<St: Stream<Item: IntoSseEvent> + Send> Events for EventBody<St> {
    fn set_keep_alive(self: Pin<&mut Self>, every: Option<Duration>) {
        *self.project().feed.project().silence.project().limit = every;
    }

    fn set_opening(self: Pin<&mut Self>, is_sent: bool) {
        *self.project().feed.project().opening = is_sent;
    }
}

impl<St: Stream<Item: IntoSseEvent> + Send> Source for EventBody<St> {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = self.project();
        if !this.rest.is_empty() {
            return piece(std::mem::take(this.rest), this.rest);
        }
        if this.feed.events.is_none() {
            return Poll::Ready(this.feed.project().failed.take().map(Err));
        }
        let waker = this.waker.get_or_insert_with(|| StreamWaker::new(cx.waker()));
        if !waker.take_wake(cx.waker()) {
            return Poll::Pending;
        }
        match ready!(this.feed.poll_next(&mut Context::from_waker(waker.waker()))) {
            Some(Ok((events, then))) => {
                if then != Then::Silence {
                    waker.stay_woken();
                }
                piece(events.into_bytes(), this.rest)
            }
            Some(Err(error)) => Poll::Ready(Some(Err(error))),
            None => Poll::Ready(None),
        }
    }

    fn poll_chunk(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk>>> {
        Poll::Ready(match ready!(self.project().feed.poll_next(cx)) {
            Some(Ok((events, then))) => {
                Some(Ok(Chunk { data: events.into_chunk(), is_last_ready: then == Then::Silence }))
            }
            Some(Err(error)) => Some(Err(error)),
            None => None,
        })
    }

    fn is_direct(&self) -> bool {
        true
    }

    fn is_silent(&self, task: &Waker) -> bool {
        self.feed.events.is_some()
            && self.rest.is_empty()
            && self.waker.as_ref().is_some_and(|waker| waker.is_silent(task))
    }

    fn listen(self: Pin<&mut Self>, stops: &Stops) {
        *self.project().feed.project().notice = Some(stops.listen());
    }
}

impl<St: Stream<Item: IntoSseEvent>> Feed<St> {
    /// The next chunk, and what follows it: in a [silence](Then::Silence) a wake will come, and the stream need not be
    /// polled before. Every call has to pass the same waker.
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<(EventBytes, Then)>>> {
        let mut this = self.project();
        let Some(events) = this.events.as_mut().as_pin_mut() else {
            return Poll::Ready(this.failed.take().map(Err));
        };
        let stops = this.notice.as_mut().is_some_and(|notice| Pin::new(notice).poll(cx).is_ready());
        let (mut chunk, mut then) = gather(events, cx, this.failed);
        if stops && then != Then::Nothing {
            add(&mut chunk, EventBytes::Shared(Bytes::from_static(GOING_AWAY)));
            then = Then::Nothing;
        }
        if then == Then::Nothing {
            this.events.set(None);
        }
        let opening = std::mem::take(this.opening);
        let comment = || Some(Ok((EventBytes::Shared(COMMENT), Then::More)));
        match chunk {
            Some(chunk) => {
                if then == Then::Silence && !this.silence.restart() {
                    then = Then::More;
                }
                Poll::Ready(Some(Ok((chunk, then))))
            }
            None if then == Then::Nothing => Poll::Ready(this.failed.take().map(Err)),
            None if opening => Poll::Ready(comment()),
            None => this.silence.poll(cx).map(|()| comment()),
        }
    }
}

/// The state of the stream after the ready events were taken.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    More,
    Silence,
    Nothing,
}

/// Takes the ready events as one chunk, up to about `CHUNK_MAX` bytes. An error ends the stream, and is kept in `failed`.
fn gather<St>(
    mut events: Pin<&mut St>,
    cx: &mut Context<'_>,
    failed: &mut Option<Error>,
) -> (Option<EventBytes>, Then)
where
    St: Stream<Item: IntoSseEvent>,
{
    let mut chunk: Option<EventBytes> = None;
    loop {
        match events.as_mut().poll_next(cx) {
            Poll::Ready(Some(event)) => match event.into_sse_event().and_then(SseEvent::into_wire) {
                Ok(event) => {
                    if add(&mut chunk, event) >= CHUNK_MAX {
                        return (chunk, Then::More);
                    }
                }
                Err(error) => {
                    *failed = Some(error);
                    return (chunk, Then::Nothing);
                }
            },
            Poll::Ready(None) => return (chunk, Then::Nothing),
            Poll::Pending => return (chunk, Then::Silence),
        }
    }
}

/// Adds an event to the chunk, and gives the chunk's new length. The first event is moved into the chunk; later events
/// are copied.
fn add(chunk: &mut Option<EventBytes>, event: EventBytes) -> usize {
    match chunk {
        Some(chunk) => {
            chunk.push(event.as_slice(), CHUNK_MAX);
            chunk.as_slice().len()
        }
        None => chunk.insert(event).as_slice().len(),
    }
}

/// Splits the first piece off. The connection's buffer grows to the largest piece that was sent, and stays that large.
fn piece(mut events: Bytes, rest: &mut Bytes) -> Poll<Option<Result<Frame<Bytes>>>> {
    if events.len() > PIECE_MAX {
        *rest = events.split_off(PIECE_MAX);
    }
    Poll::Ready(Some(Ok(Frame::data(events))))
}

pin_project! {
    /// The keep-alive timer. An event moves `end` and leaves the timer as it is; when the timer elapses, it is reset to
    /// `end`. However long a freeze lasted, the timer elapses once after it.
    struct Silence {
        #[pin]
        timer: Option<Sleep>,
        // Whether the timer is registered, and will wake the stream.
        is_running: bool,
        limit: Option<Duration>,
        // When the next comment is due. `None` until the timer is started.
        end: Option<Instant>,
    }
}

impl Silence {
    /// Moves `end` to a full interval from now. True if no wake is needed, or the running timer will bring it.
    fn restart(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        // A limit that overflows the clock means that no comment is sent.
        *this.end = this.limit.and_then(|limit| Instant::now().checked_add(limit));
        this.end.is_none()
            || (*this.is_running && this.timer.as_ref().as_pin_ref().is_some_and(|timer| !timer.is_elapsed()))
    }

    /// Ready once for each interval without events. Every call has to pass the same waker.
    fn poll(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        if self.end.is_none() {
            self.as_mut().restart();
        }
        let mut this = self.project();
        let Some(end) = *this.end else { return Poll::Pending };
        if this.timer.is_none() {
            this.timer.set(Some(sleep_until(end)));
        }
        while let Some(mut timer) = this.timer.as_mut().as_pin_mut() {
            if *this.is_running && !timer.is_elapsed() {
                return Poll::Pending;
            }
            // With tokio's budget used up, `Sleep::poll` wakes the task and does not register the timer.
            *this.is_running = has_budget_remaining();
            if timer.as_mut().poll(cx).is_pending() {
                return Poll::Pending;
            }
            *this.is_running = false;
            if timer.deadline() >= end {
                break;
            }
            timer.reset(end);
        }
        *this.end = None;
        Poll::Ready(())
    }
}
