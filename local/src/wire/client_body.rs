//! The body of a client's request.

use std::error::Error;
use std::fmt;
use std::io::{self, ErrorKind};
use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, Ordering};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use fc_runtime::platform::limits::REQUEST_BODY_MAX;
use http::HeaderMap;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio_util::task::TaskTracker;

use super::copied::Copied;
use super::early::Early;
use super::hangup::Hangup;
use super::seen::Seen;

/// The longest drain of a body. Then the connection closes, as it would without a drain.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// A client's body. The drop drains the unread rest while the reply is sent.
///
/// Without a drain, hyper closes the connection with unread bytes. The kernel then resets the connection, and a client
/// that still sends loses the reply. Over HTTP/2 the stream is reset behind the reply, and some clients, such as curl
/// 7.88, then drop the reply. A client that waits for `100 Continue` is not asked for an unwanted body.
#[derive(Debug)]
pub(crate) struct ClientBody {
    /// `None` once the drain has begun, or the body was read.
    incoming: Option<Incoming>,
    /// A body that was read already, for its next reader.
    read: Option<Bytes>,
    /// Whether the client sends the body: without `Expect`, or after `100 Continue`.
    is_sent: bool,
    /// For the drain. `None`: the rest is not read, and its stream is reset.
    tasks: Option<TaskTracker>,
    /// Is told of a client that leaves in the middle of the body. `None` for a stream of HTTP/2, which tells so itself.
    hangup: Option<Arc<Hangup>>,
    /// Takes interim replies. `None` for a client to whom none can be sent.
    early: Option<Early>,
    /// Set once the whole body was read, if somebody asked for it.
    has_all: Option<Arc<AtomicBool>>,
    /// Gets what passes, if somebody asked for it.
    copied: Option<Copied>,
    /// Which headers the request has.
    seen: Seen,
}

/// A client's body that ended too early.
#[derive(Debug)]
pub(crate) struct BrokenBody(hyper::Error);

impl BrokenBody {
    /// Whether the body ended with the client's connection. Otherwise the body itself cannot be read.
    pub(crate) fn has_client_left(&self) -> bool {
        let mut source = self.0.source();
        while let Some(error) = source {
            if let Some(error) = error.downcast_ref::<io::Error>() {
                // hyper has these two for chunks and trailers that cannot be read.
                return !matches!(error.kind(), ErrorKind::InvalidInput | ErrorKind::InvalidData);
            }
            source = error.source();
        }
        true
    }
}

impl fmt::Display for BrokenBody {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.fmt(out)
    }
}

impl Error for BrokenBody {
    fn source(&self) -> Option<&(dyn Error + 'static)> {
        self.0.source()
    }
}

impl ClientBody {
    /// The body of a request with these headers.
    pub(crate) fn new(
        incoming: Incoming,
        headers: &HeaderMap,
        tasks: &TaskTracker,
        hangup: &Arc<Hangup>,
    ) -> Self {
        let seen = Seen::of(headers);
        // Most requests have no body, which needs neither drain nor watch.
        let has_body = !incoming.is_end_stream();
        let (tasks, hangup) =
            if has_body { (Some(tasks.clone()), Some(Arc::clone(hangup))) } else { (None, None) };
        ClientBody {
            incoming: Some(incoming),
            read: None,
            is_sent: !seen.has(Seen::EXPECT),
            tasks,
            hangup,
            early: None,
            has_all: None,
            copied: None,
            seen,
        }
    }

    /// The body of a request over HTTP/2 with these headers. Without `tasks` the rest of its stream is not drained.
    pub(crate) fn of_stream(incoming: Incoming, headers: &HeaderMap, tasks: Option<TaskTracker>) -> Self {
        let seen = Seen::of(headers);
        ClientBody {
            incoming: Some(incoming),
            read: None,
            is_sent: !seen.has(Seen::EXPECT),
            tasks,
            hangup: None,
            early: None,
            has_all: None,
            copied: None,
            seen,
        }
    }

    /// The body of a request of the platform's own, which has none.
    pub(crate) fn empty() -> Self {
        ClientBody {
            incoming: None,
            read: None,
            is_sent: true,
            tasks: None,
            hangup: None,
            early: None,
            has_all: None,
            copied: None,
            seen: Seen::default(),
        }
    }

    /// Which headers the request has.
    pub(crate) fn seen(&self) -> Seen {
        self.seen
    }

    /// Looks at the headers again, which were changed.
    pub(crate) fn see(&mut self, seen: Seen) {
        self.seen = seen;
    }

    /// Tells from now on whether the whole body was read. `None` for a body that has come already.
    pub(crate) fn tell_end(&mut self) -> Option<Arc<AtomicBool>> {
        if self.is_end_stream() || self.incoming.is_none() {
            return None;
        }
        Some(Arc::clone(self.has_all.insert(Arc::default())))
    }

    /// Copies the begin of the body as it passes, at most so many bytes. `None` for a body that is empty.
    pub(crate) fn copy(&mut self, most: usize) -> Option<Copied> {
        if self.is_end_stream() {
            return None;
        }
        Some(self.copied.insert(Copied::new(most)).clone())
    }

    /// With a way for interim replies.
    pub(crate) fn with_early(mut self, early: Option<Early>) -> Self {
        self.early = early;
        self
    }

    /// The way for interim replies to the request.
    pub(crate) fn take_early(&mut self) -> Option<Early> {
        self.early.take()
    }

    /// Takes `bytes` for the body.
    pub(crate) fn replace(&mut self, bytes: Bytes) {
        self.incoming = None;
        self.read = (!bytes.is_empty()).then_some(bytes);
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = BrokenBody;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenBody>>> {
        self.is_sent = true;
        let Some(incoming) = &mut self.incoming else {
            return Poll::Ready(self.read.take().map(|bytes| Ok(Frame::data(bytes))));
        };
        let frame = ready!(Pin::new(incoming).poll_frame(context)).map(|frame| frame.map_err(BrokenBody));
        if let Some(Err(error)) = &frame
            && error.has_client_left()
            && let Some(hangup) = &self.hangup
        {
            hangup.tell();
        }
        if let Some(copied) = &self.copied {
            if let Some(Ok(frame)) = &frame
                && let Some(data) = frame.data_ref()
            {
                copied.push(data);
            }
            if frame.is_none() || self.is_end_stream() {
                copied.end();
            }
        }
        if let Some(has_all) = &self.has_all
            && (frame.is_none() || self.is_end_stream())
        {
            has_all.store(true, Ordering::Relaxed);
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().map_or(self.read.is_none(), Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        let read = || SizeHint::with_exact(self.read.as_ref().map_or(0, Bytes::len) as u64);
        self.incoming.as_ref().map_or_else(read, Body::size_hint)
    }
}

impl Drop for ClientBody {
    fn drop(&mut self) {
        if !self.is_sent || self.is_end_stream() {
            return;
        }
        if let Some(incoming) = self.incoming.take()
            && let Some(tasks) = &self.tasks
        {
            tasks.spawn(drain(incoming, self.hangup.take()));
        }
    }
}

/// Reads and drops up to the largest body of a request. Whoever has the `hangup` sees that the body is still read.
async fn drain(mut body: Incoming, hangup: Option<Arc<Hangup>>) {
    let mut left = REQUEST_BODY_MAX;
    let all = async {
        while let Some(Ok(frame)) = body.frame().await {
            let length = frame.data_ref().map_or(0, Bytes::len);
            let Some(rest) = left.checked_sub(length) else { return };
            left = rest;
        }
    };
    _ = tokio::time::timeout(DRAIN_MAX, all).await;
    drop(body);
    drop(hangup);
}
