//! The body of a reply that is a stream of events: what is ready shares a chunk, and silence is broken by comments.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http_body::Frame;
use pin_project_lite::pin_project;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::Result;
use crate::log::say;
use crate::reply::body::PIECE_MAX;
use crate::reply::source::Source;
use crate::reply::sse::event::{IntoSseEvent, SseEvent, Wire};
use crate::stop::{StopNotice, Stops};

/// A chunk is sent when it is this large, though more events are ready.
pub(super) const CHUNK_MAX: usize = 16 * 1024;

const KEEP_ALIVE: Bytes = Bytes::from_static(b":\n\n");
const GOING_AWAY: &[u8] = b": going away\n\n";

/// A body whose settings can still be changed.
pub(super) trait Events: Source {
    fn set_keep_alive(self: Pin<&mut Self>, every: Option<Duration>);
}

pin_project! {
    pub(super) struct EventBody<St> {
        // `None` when it is over.
        #[pin]
        events: Option<St>,
        #[pin]
        silence: Silence,
        notice: Option<StopNotice>,
        // What is left of an event that is larger than a piece.
        rest: Bytes,
    }
}

impl<St> EventBody<St> {
    pub(super) fn new(events: St, keep_alive: Duration) -> Self {
        let silence = Silence { timer: None, limit: Some(keep_alive), end: None };
        Self { events: Some(events), silence, notice: None, rest: Bytes::new() }
    }
}

impl<St: Stream<Item: IntoSseEvent> + Send> Events for EventBody<St> {
    fn set_keep_alive(self: Pin<&mut Self>, every: Option<Duration>) {
        *self.project().silence.project().limit = every;
    }
}

impl<St: Stream<Item: IntoSseEvent> + Send> Source for EventBody<St> {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let mut this = self.project();
        if !this.rest.is_empty() {
            return piece(this.rest);
        }
        let Some(events) = this.events.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let stops = this.notice.as_mut().is_some_and(|notice| Pin::new(notice).poll(cx).is_ready());
        let (mut chunk, mut is_over) = gather(events, cx);
        if stops && !is_over {
            add(&mut chunk, Wire::Shared(Bytes::from_static(GOING_AWAY)));
            is_over = true;
        }
        if is_over {
            this.events.set(None);
        }
        if let Some(chunk) = chunk {
            this.silence.is_broken();
            *this.rest = chunk.into_bytes();
            return piece(this.rest);
        }
        if is_over {
            return Poll::Ready(None);
        }
        this.silence.poll(cx).map(|()| Some(Ok(Frame::data(KEEP_ALIVE))))
    }

    fn listen(self: Pin<&mut Self>, stops: &Stops) {
        *self.project().notice = Some(stops.listen());
    }
}

/// The events that are ready, and whether there will be no more.
fn gather<St>(mut events: Pin<&mut St>, cx: &mut Context<'_>) -> (Option<Wire>, bool)
where
    St: Stream<Item: IntoSseEvent>,
{
    let mut chunk: Option<Wire> = None;
    while chunk.as_ref().is_none_or(|chunk| chunk.as_slice().len() < CHUNK_MAX) {
        match events.as_mut().poll_next(cx) {
            Poll::Ready(Some(event)) => match event.into_sse_event().and_then(SseEvent::into_wire) {
                Ok(event) => add(&mut chunk, event),
                Err(error) => {
                    if !error.is_reported() {
                        say::error(format_args!("a stream of events failed, and was ended: {error:?}"));
                    }
                    return (chunk, true);
                }
            },
            Poll::Ready(None) => return (chunk, true),
            Poll::Pending => break,
        }
    }
    (chunk, false)
}

/// One event is a chunk as it is; those behind it are copied.
fn add(chunk: &mut Option<Wire>, event: Wire) {
    match chunk {
        Some(chunk) => chunk.push(event.as_slice(), CHUNK_MAX),
        None => *chunk = Some(event),
    }
}

/// A connection keeps a buffer as large as the largest piece it has sent.
fn piece(rest: &mut Bytes) -> Poll<Option<Result<Frame<Bytes>>>> {
    let piece = rest.split_to(rest.len().min(PIECE_MAX));
    Poll::Ready(Some(Ok(Frame::data(piece))))
}

pin_project! {
    /// A timer of the silence on a connection. An event moves the end and not the timer, which is looked at when it has
    /// run down. After a freeze it has run down once, however long that was.
    struct Silence {
        #[pin]
        timer: Option<Sleep>,
        limit: Option<Duration>,
        // `None` while there is none.
        end: Option<Instant>,
    }
}

impl Silence {
    fn is_broken(self: Pin<&mut Self>) {
        *self.project().end = None;
    }

    /// Ready when it has lasted for its limit, and again when it has lasted for another.
    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<()> {
        let mut this = self.project();
        let Some(limit) = *this.limit else { return Poll::Pending };
        // A limit that no clock can hold is none.
        let Some(end) = this.end.or_else(|| Instant::now().checked_add(limit)) else { return Poll::Pending };
        *this.end = Some(end);
        if this.timer.is_none() {
            this.timer.set(Some(sleep_until(end)));
        }
        while let Some(mut timer) = this.timer.as_mut().as_pin_mut() {
            ready!(timer.as_mut().poll(cx));
            if timer.deadline() >= end {
                break;
            }
            timer.reset(end);
        }
        *this.end = None;
        Poll::Ready(())
    }
}
