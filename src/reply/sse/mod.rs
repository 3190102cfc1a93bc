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

/// A reply whose body is a stream of server-sent events: `text/event-stream`, chunked, without a length.
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
/// A single event is sent at once; events that are ready together share a chunk. A stream that opens without an event
/// begins with [a comment](Self::without_opening): some proxies pass the head on with the first byte of the body. After [10 s](Self::with_keep_alive)
/// without an event a comment is sent, because a load balancer closes a connection that is silent for 15 s.
///
/// # How the stream ends
/// - The stream ends: the reply ends. An `EventSource` connects again, until the reply is a 204, which tells it to stop.
///   Any other status than 200 ends it too, a 429 or 503 of the platform among them: a page that is to outlive these opens
///   a new `EventSource` when an `error` finds its `readyState` to be `CLOSED`.
/// - The stream gives an error, or an event cannot be made: the error is logged with the request's id. Events that were
///   ready are sent, and the reply is cut, as by a panic: over HTTP/1 without the last chunk, over HTTP/2 by a reset.
///   Clients that read a stream up to an end of their own, such as those of AI services, would take an orderly end for
///   the whole. An `EventSource` connects again in both cases.
/// - The client leaves: the stream is dropped, and the request is counted and logged as 499.
/// - The instance stops or freezes, or the process drains: events that are ready and the comment `going away` are sent.
///   The stream is dropped, and the reply ends. An `EventSource` connects again with `Last-Event-ID`, and the platform
///   gives it an instance that serves.
/// - The platform's time-out cuts the whole reply, events included. The [`time_limit`](crate::At::time_limit) of a
///   place covers only the time until the reply begins.
///
/// A client that does not read stops the stream from being polled. It costs about 64 KiB here, besides the kernel's
/// buffers.
///
/// `cache-control: no-cache` and `x-accel-buffering: no` tell proxies not to buffer events. The reply to a `HEAD` has
/// the same headers, and the stream is never polled.
#[must_use = "a reply does nothing unless the handler returns it"]
#[doc(alias = "EventSource")]
#[doc(alias = "EventStream")]
#[doc(alias = "server-sent")]
pub struct Sse {
    events: Pin<Box<dyn Events>>,
}

const SILENCE_MAX: Duration = Duration::from_secs(10);

impl Sse {
    /// Sends the events of a stream. The items may be `Result`s with any error.
    ///
    /// A method that returns a stream, such as `fn prices(&self) -> impl Stream<Item = String> + use<>`, needs the
    /// `use<>`. Without it the stream borrows from the state, and cannot outlive the handler.
    pub fn new<St>(events: St) -> Self
    where
        St: Stream<Item: IntoSseEvent> + Send + 'static,
    {
        Self { events: Box::pin(EventBody::new(events, SILENCE_MAX)) }
    }

    /// As [`new`](Self::new), for a stream whose error is left to the compiler, as in `async_stream::try_stream!`: `?` in it
    /// takes any error.
    pub fn try_new<St, T>(events: St) -> Self
    where
        St: Stream<Item = Result<T>> + Send + 'static,
        T: IntoSseEvent + 'static,
    {
        Self::new(events)
    }

    /// Sends the events of a closure, until its future ends. The closure is called when the reply has begun, and its
    /// future is dropped with the reply.
    ///
    /// Inside `select!`, `?` works here; in the macros of `async_stream` it does not.
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

    /// The longest time without an event before a comment is sent. Default: 10 s. Choose less than the idle time-out of
    /// the load balancer, which is 15 s unless its listener sets another. Zero turns comments off.
    pub fn with_keep_alive(mut self, every: Duration) -> Self {
        self.events.as_mut().set_keep_alive(Some(every).filter(|every| !every.is_zero()));
        self
    }

    /// Never sends keep-alive comments.
    pub fn without_keep_alive(mut self) -> Self {
        self.events.as_mut().set_keep_alive(None);
        self
    }

    /// Sends no comment when the stream opens without an event.
    ///
    /// h2o and Apache's `mod_proxy_http2` forward no head before the first byte of the body. Their clients then see no
    /// reply before the first event.
    pub fn without_opening(mut self) -> Self {
        self.events.as_mut().set_opening(false);
        self
    }
}

const EVENT_STREAM: HeaderValue = HeaderValue::from_static("text/event-stream");
const NO_CACHE: HeaderValue = HeaderValue::from_static("no-cache");
/// The header that tells nginx to pass each chunk on without buffering.
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
