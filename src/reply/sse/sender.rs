//! The events of `Sse::run`: a mailbox between the author's future and the body of the reply.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use http::StatusCode;
use pin_project_lite::pin_project;

use crate::error::{Error, Result};
use crate::reply::sse::body::CHUNK_MAX;
use crate::reply::sse::event::{IntoSseEvent, SseEvent, Wire};

/// Sends events from the closure of [`Sse::run`](crate::Sse::run).
#[must_use = "a sender does nothing unless events are sent"]
pub struct SseSender {
    mailbox: Arc<Mailbox>,
}

impl SseSender {
    /// Sends an event. Waits while the client reads more slowly than events are sent: 16 KiB of events are buffered
    /// before that.
    ///
    /// # Errors
    /// When the event cannot be made. In a task of the author's also when the stream has ended; the closure itself is
    /// dropped with the stream.
    ///
    /// # Cancel safety
    /// If the future is dropped while it waits, the event is not sent.
    pub async fn send(&mut self, event: impl IntoSseEvent) -> Result {
        let event = event.into_sse_event()?.into_wire()?;
        poll_fn(|cx| self.mailbox.poll_put(cx, &event)).await
    }
}

impl fmt::Debug for SseSender {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("SseSender").finish_non_exhaustive()
    }
}

/// The buffer between the future that sends and the body that takes. Mostly both run in one task, and no wake is
/// needed.
#[derive(Default)]
struct Mailbox(Mutex<Letters>);

#[derive(Default)]
struct Letters {
    /// Complete events in wire format.
    text: Vec<u8>,
    is_closed: bool,
    /// The waker of the body, while it waits for events.
    taker: Option<Waker>,
    /// The waker of the future, while it waits for room.
    putter: Option<Waker>,
}

impl Mailbox {
    fn lock(&self) -> MutexGuard<'_, Letters> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_put(&self, cx: &Context<'_>, event: &Wire) -> Poll<Result> {
        let mut letters = self.lock();
        if letters.is_closed {
            let error = Error::of_ours(StatusCode::SERVICE_UNAVAILABLE, "the stream of events has ended");
            return Poll::Ready(Err(error));
        }
        if letters.text.len() >= CHUNK_MAX {
            letters.putter = Some(cx.waker().clone());
            return Poll::Pending;
        }
        letters.text.extend_from_slice(event.as_slice());
        if let Some(taker) = letters.taker.take() {
            drop(letters);
            taker.wake();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_take(&self, cx: &Context<'_>) -> Poll<Vec<u8>> {
        let mut letters = self.lock();
        if letters.text.is_empty() {
            letters.taker = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let text = std::mem::take(&mut letters.text);
        let putter = letters.putter.take();
        drop(letters);
        // A future in the same task is polled again by that task, and needs no wake.
        if let Some(putter) = putter.filter(|putter| !putter.will_wake(cx.waker())) {
            putter.wake();
        }
        Poll::Ready(text)
    }

    /// Closes the mailbox. Later sends give an error.
    fn close(&self) {
        let mut letters = self.lock();
        letters.is_closed = true;
        letters.text = Vec::new();
        let wakers = (letters.taker.take(), letters.putter.take());
        drop(letters);
        if let Some(putter) = wakers.1 {
            putter.wake();
        }
    }
}

pin_project! {
    /// The stream of events that a future sends, until the future ends. The closure is called at the first poll.
    pub(super) struct Sent<F, Fut> {
        start: Option<F>,
        #[pin]
        future: Option<Fut>,
        // The result of the future, kept until the events that it sent are taken.
        outcome: Option<Result>,
        mailbox: Closing,
    }
}

/// Closes the mailbox when the stream is dropped.
#[derive(Default)]
struct Closing(Arc<Mailbox>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<F, Fut> Sent<F, Fut> {
    pub(super) fn new(start: F) -> Self {
        Self { start: Some(start), future: None, outcome: None, mailbox: Closing::default() }
    }
}

impl<F, Fut> Stream for Sent<F, Fut>
where
    F: FnOnce(SseSender) -> Fut,
    Fut: Future<Output = Result>,
{
    type Item = Result<SseEvent>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let mut this = self.project();
        if let Some(start) = this.start.take() {
            this.future.set(Some(start(SseSender { mailbox: Arc::clone(&this.mailbox.0) })));
        }
        // Events that are sent during this poll need no wake.
        this.mailbox.0.lock().taker = None;
        if let Some(future) = this.future.as_mut().as_pin_mut()
            && let Poll::Ready(outcome) = future.poll(cx)
        {
            this.future.set(None);
            *this.outcome = Some(outcome);
        }
        match this.mailbox.0.poll_take(cx) {
            Poll::Ready(text) => Poll::Ready(Some(Ok(SseEvent::closed(text.into())))),
            Poll::Pending if this.future.is_some() => Poll::Pending,
            Poll::Pending => Poll::Ready(this.outcome.take().and_then(Result::err).map(Err)),
        }
    }
}
