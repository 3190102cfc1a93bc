//! The events of `Sse::run`: a mailbox between the author's future and the body of the reply.

use std::fmt;
use std::future::poll_fn;
use std::pin::Pin;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::task::{Context, Poll, Waker};

use futures_core::Stream;
use http::StatusCode;
use pin_project_lite::pin_project;

use crate::error::{Error, Result, StatusError};
use crate::reply::sse::body::CHUNK_MAX;
use crate::reply::sse::event::{EventBytes, IntoSseEvent, SseEvent};

/// Sends events from the closure of [`Sse::run`](crate::Sse::run).
///
/// A spawned task may hold the sender too:
///
/// ```
/// use fc_runtime::{App, Sse};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .get("/steps", async |_| Sse::run(async |mut out| {
///         let work = tokio::spawn(async move { out.send("half").await });
///         Ok(work.await??)
///     }).without_opening())
///     .test_client();
/// client.get("/steps").await.assert_text("data: half\n\n");
/// # });
/// ```
#[must_use = "a sender does nothing unless events are sent"]
pub struct SseSender {
    buffer: Arc<EventBuffer>,
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
    pub async fn send(&mut self, event: impl IntoSseEvent) -> Result<(), StatusError> {
        let event = event.into_sse_event().and_then(SseEvent::into_wire).map_err(Error::into_std)?;
        poll_fn(|cx| self.buffer.poll_put(cx, &event)).await.map_err(Error::into_std)
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
struct EventBuffer(Mutex<Buffered>);

#[derive(Default)]
struct Buffered {
    /// Complete events in wire format.
    text: Vec<u8>,
    is_closed: bool,
    /// The waker of the body, while it waits for events.
    reader: Option<Waker>,
    /// The waker of the future, while it waits for room.
    writer: Option<Waker>,
}

impl EventBuffer {
    fn lock(&self) -> MutexGuard<'_, Buffered> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn poll_put(&self, cx: &Context<'_>, event: &EventBytes) -> Poll<Result> {
        let mut buffered = self.lock();
        if buffered.is_closed {
            let error = Error::of_ours(StatusCode::SERVICE_UNAVAILABLE, "the stream of events has ended");
            return Poll::Ready(Err(error));
        }
        if buffered.text.len() >= CHUNK_MAX {
            buffered.writer = Some(cx.waker().clone());
            return Poll::Pending;
        }
        buffered.text.extend_from_slice(event.as_slice());
        if let Some(reader) = buffered.reader.take() {
            drop(buffered);
            reader.wake();
        }
        Poll::Ready(Ok(()))
    }

    fn poll_take(&self, cx: &Context<'_>) -> Poll<Vec<u8>> {
        let mut buffered = self.lock();
        if buffered.text.is_empty() {
            buffered.reader = Some(cx.waker().clone());
            return Poll::Pending;
        }
        let text = std::mem::take(&mut buffered.text);
        let writer = buffered.writer.take();
        drop(buffered);
        // A future in the same task is polled again by that task, and needs no wake.
        if let Some(writer) = writer.filter(|writer| !writer.will_wake(cx.waker())) {
            writer.wake();
        }
        Poll::Ready(text)
    }

    /// Closes the mailbox. Later sends give an error.
    fn close(&self) {
        let mut buffered = self.lock();
        buffered.is_closed = true;
        buffered.text = Vec::new();
        let wakers = (buffered.reader.take(), buffered.writer.take());
        drop(buffered);
        if let Some(writer) = wakers.1 {
            writer.wake();
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
        buffer: Closing,
    }
}

/// Closes the mailbox when the stream is dropped.
#[derive(Default)]
struct Closing(Arc<EventBuffer>);

impl Drop for Closing {
    fn drop(&mut self) {
        self.0.close();
    }
}

impl<F, Fut> Sent<F, Fut> {
    pub(super) fn new(start: F) -> Self {
        Self { start: Some(start), future: None, outcome: None, buffer: Closing::default() }
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
            this.future.set(Some(start(SseSender { buffer: Arc::clone(&this.buffer.0) })));
        }
        // Events that are sent during this poll need no wake.
        this.buffer.0.lock().reader = None;
        if let Some(future) = this.future.as_mut().as_pin_mut()
            && let Poll::Ready(outcome) = future.poll(cx)
        {
            this.future.set(None);
            *this.outcome = Some(outcome);
        }
        match this.buffer.0.poll_take(cx) {
            Poll::Ready(text) => Poll::Ready(Some(Ok(SseEvent::closed(text.into())))),
            Poll::Pending if this.future.is_some() => Poll::Pending,
            Poll::Pending => Poll::Ready(this.outcome.take().and_then(Result::err).map(Err)),
        }
    }
}
