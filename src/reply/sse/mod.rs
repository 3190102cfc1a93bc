//! Server-sent events.

mod body;
mod broadcast;
mod event;
mod sender;

use std::fmt;
use std::pin::Pin;
use std::time::Duration;

use futures_core::Stream;
use http::{HeaderName, HeaderValue, header};

use crate::error::Result;
use crate::reply::{IntoReply, Reply};
use body::{EventBody, Events};
pub use broadcast::{Broadcast, Subscription};
pub use event::{IntoSseEvent, SseEvent};
use sender::Sent;
pub use sender::SseSender;

/// A reply that is a stream of server-sent events: `text/event-stream`, chunked, never with a length.
///
/// ```
/// use fc_runtime::{App, Sse, SseEvent};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .get("/ticks", async |ex| {
///         let first = ex.last_event_id().and_then(|id| id.parse::<u32>().ok()).map_or(0, |last| last + 1);
///         Sse::new(async_stream::stream! {
///             for id in first..3 { yield SseEvent::data(format!("tick {id}")).with_id(id); }
///         })
///     })
///     .test_client();
/// let ticks = client.get("/ticks").header("last-event-id", "1").await;
/// ticks.assert_header("content-type", "text/event-stream").assert_text("data: tick 2\nid: 2\n\n");
/// # });
/// ```
///
/// An event that is alone is on the wire at once; events that are ready together share a chunk. When there was nothing
/// to send for [10 s](Self::with_keep_alive) a comment is sent: a load balancer closes a connection that is silent for 15 s.
///
/// # How it ends
/// - The producer ends: so does the reply. An `EventSource` connects again, until it is answered 204.
/// - An error, of the stream or of an event that cannot be made: it is logged with the request's id, what was ready is
///   sent, and the reply ends as if there was no more. A panic cuts the reply.
/// - The client leaves: the producer is dropped, and the request is counted and logged as 499.
/// - The instance is to be stopped or frozen, or the process drains: what is ready and the comment `going away` are sent,
///   the producer is dropped, the reply ends. `EventSource` connects again, with `Last-Event-ID`, to an instance that
///   serves.
/// - The platform's time-out: it bounds the whole reply, events included, and cuts it. A place's
///   [`time_limit`](crate::At::time_limit) only bounds the time to its beginning.
///
/// A client that does not read holds the producer up, and costs some 64 KiB here besides the kernel's buffers.
///
/// Proxies are told not to hold events back, by `cache-control: no-cache` and `x-accel-buffering: no`. A `HEAD` gets the
/// head, and its producer is never polled.
#[must_use = "a reply does nothing unless the handler returns it"]
#[doc(alias = "EventSource")]
#[doc(alias = "EventStream")]
#[doc(alias = "server-sent")]
pub struct Sse {
    events: Pin<Box<dyn Events>>,
}

const SILENCE_MAX: Duration = Duration::from_secs(10);

impl Sse {
    /// The events of a stream.
    ///
    /// A method that gives a stream of its own, such as `fn prices(&self) -> impl Stream<Item = String> + use<>`,
    /// needs the `use<>`: without it the stream borrows from the state, and cannot outlive the handler.
    pub fn new<St>(events: St) -> Self
    where
        St: Stream<Item: IntoSseEvent> + Send + 'static,
    {
        Self { events: Box::pin(EventBody::new(events, SILENCE_MAX)) }
    }

    /// The events that a closure sends, until its future ends. It is called when the client's reply has begun, and its
    /// future is dropped with the reply.
    ///
    /// In a stream's macro `?` cannot stand inside `select!`; here it can.
    ///
    /// ```
    /// use fc_runtime::{App, Sse, SseEvent};
    ///
    /// # fc_runtime::testing::run(async {
    /// let client = App::with_state("tick")
    ///     .get("/ticks", async |ex| Sse::run(async move |mut out| {
    ///         for id in 0..2 { out.send(SseEvent::data(ex.state()).with_id(id)).await?; }
    ///         Ok(())
    ///     }))
    ///     .test_client();
    /// client.get("/ticks").await.assert_text("data: tick\nid: 0\n\ndata: tick\nid: 1\n\n");
    /// # });
    /// ```
    pub fn run<F, Fut>(producer: F) -> Self
    where
        F: FnOnce(SseSender) -> Fut + Send + 'static,
        Fut: Future<Output = Result> + Send + 'static,
    {
        Self::new(Sent::new(producer))
    }

    /// How long nothing may be sent before a comment is (10 s). It should be less than what a load balancer allows, 15 s
    /// unless its listener says otherwise. Zero is never.
    pub fn with_keep_alive(mut self, every: Duration) -> Self {
        self.events.as_mut().set_keep_alive(Some(every).filter(|every| !every.is_zero()));
        self
    }

    /// Sends no comments into a silence.
    pub fn without_keep_alive(mut self) -> Self {
        self.events.as_mut().set_keep_alive(None);
        self
    }
}

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
/// What tells nginx to pass each chunk on.
const ACCEL_BUFFERING: HeaderName = HeaderName::from_static("x-accel-buffering");
const NO: HeaderValue = HeaderValue::from_static("no");

impl IntoReply for Sse {
    fn into_reply(self) -> Reply {
        let mut reply = Reply::from_boxed_source(self.events).with_type(EVENT_STREAM);
        reply.head.headers.insert(header::CACHE_CONTROL, NO_CACHE);
        reply.head.headers.insert(ACCEL_BUFFERING, NO);
        reply
    }
}

impl fmt::Debug for Sse {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Sse").finish_non_exhaustive()
    }
}
