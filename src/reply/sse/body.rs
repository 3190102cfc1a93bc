//! The body of a reply that is a stream of events: what is ready shares a chunk, and silence is broken by comments.

use std::pin::Pin;
use std::task::{Context, Poll, Waker};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http_body::Frame;
use pin_project_lite::pin_project;
use tokio::task::coop::has_budget_remaining;
use tokio::time::{Instant, Sleep, sleep_until};

use crate::error::Result;
use crate::log::say;
use crate::reply::body::PIECE_MAX;
use crate::reply::source::Source;
use crate::reply::sse::event::{EventBytes, IntoSseEvent, SseEvent};
use crate::reply::waker::StreamWaker;
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
        waker: Option<StreamWaker>,
        // What is left of an event that is larger than a piece.
        rest: Bytes,
    }
}

impl<St> EventBody<St> {
    pub(super) fn new(events: St, keep_alive: Duration) -> Self {
        let silence = Silence { timer: None, is_running: false, limit: Some(keep_alive), end: None };
        Self { events: Some(events), silence, notice: None, waker: None, rest: Bytes::new() }
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
            return piece(std::mem::take(this.rest), this.rest);
        }
        let Some(events) = this.events.as_mut().as_pin_mut() else { return Poll::Ready(None) };
        let waker = this.waker.get_or_insert_with(|| StreamWaker::new(cx.waker()));
        if !waker.take_wake(cx.waker()) {
            return Poll::Pending;
        }
        let cx = &mut Context::from_waker(waker.waker());
        let stops = this.notice.as_mut().is_some_and(|notice| Pin::new(notice).poll(cx).is_ready());
        let (mut chunk, mut then) = gather(events, cx);
        if stops && then != Then::Nothing {
            add(&mut chunk, EventBytes::Shared(Bytes::from_static(GOING_AWAY)));
            then = Then::Nothing;
        }
        if then == Then::Nothing {
            this.events.set(None);
        }
        match chunk {
            Some(chunk) => {
                if then == Then::More || !this.silence.restart() {
                    waker.stay_woken();
                }
                piece(chunk.into_bytes(), this.rest)
            }
            None if then == Then::Nothing => Poll::Ready(None),
            None => this.silence.poll(cx).map(|()| {
                waker.stay_woken();
                Some(Ok(Frame::data(KEEP_ALIVE)))
            }),
        }
    }

    fn is_silent(&self, task: &Waker) -> bool {
        self.events.is_some()
            && self.rest.is_empty()
            && self.waker.as_ref().is_some_and(|waker| waker.is_silent(task))
    }

    fn listen(self: Pin<&mut Self>, stops: &Stops) {
        *self.project().notice = Some(stops.listen());
    }
}

/// What comes after the events that were ready.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Then {
    More,
    Silence,
    Nothing,
}

/// The events that are ready.
fn gather<St>(mut events: Pin<&mut St>, cx: &mut Context<'_>) -> (Option<EventBytes>, Then)
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
                    if !error.is_reported() {
                        say::error(format_args!("a stream of events failed, and was ended: {error:?}"));
                    }
                    return (chunk, Then::Nothing);
                }
            },
            Poll::Ready(None) => return (chunk, Then::Nothing),
            Poll::Pending => return (chunk, Then::Silence),
        }
    }
}

/// One event is a chunk as it is; those behind it are copied. How much it is then.
fn add(chunk: &mut Option<EventBytes>, event: EventBytes) -> usize {
    match chunk {
        Some(chunk) => {
            chunk.push(event.as_slice(), CHUNK_MAX);
            chunk.as_slice().len()
        }
        None => chunk.insert(event).as_slice().len(),
    }
}

/// A connection keeps a buffer as large as the largest piece it has sent.
fn piece(mut events: Bytes, rest: &mut Bytes) -> Poll<Option<Result<Frame<Bytes>>>> {
    if events.len() > PIECE_MAX {
        *rest = events.split_off(PIECE_MAX);
    }
    Poll::Ready(Some(Ok(Frame::data(events))))
}

pin_project! {
    /// A timer of the silence on a connection. An event moves the end and not the timer, which is looked at when it has
    /// run down. After a freeze it has run down once, however long that was.
    struct Silence {
        #[pin]
        timer: Option<Sleep>,
        // Whether the timer is under way, and wakes the stream.
        is_running: bool,
        limit: Option<Duration>,
        // `None` while there is none.
        end: Option<Instant>,
    }
}

impl Silence {
    /// Begins anew; whether the timer will tell of its end.
    fn restart(self: Pin<&mut Self>) -> bool {
        let this = self.project();
        // A limit that no clock can hold is none.
        *this.end = this.limit.and_then(|limit| Instant::now().checked_add(limit));
        this.end.is_none()
            || (*this.is_running && this.timer.as_ref().as_pin_ref().is_some_and(|timer| !timer.is_elapsed()))
    }

    /// Ready when it has lasted for its limit, and again when it has lasted for another. Always with the same waker.
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
            // A task that has had its share is woken without the timer.
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
