//! The body of a client's request.

use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use fc_runtime::platform::limits::REQUEST_BODY_MAX;
use http::{HeaderMap, header};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::body::Incoming;
use tokio_util::task::TaskTracker;

/// The longest drain of a body. Then the connection closes, as it would without a drain.
const DRAIN_MAX: Duration = Duration::from_secs(5);

/// A client's body. The drop drains the unread rest while the reply is sent.
///
/// Without a drain, hyper closes the connection with unread bytes. The kernel then resets the connection, and a client
/// that still sends loses the reply. A client that waits for `100 Continue` is not asked for an unwanted body.
#[derive(Debug)]
pub(crate) struct ClientBody {
    /// `None` once the drain has begun.
    incoming: Option<Incoming>,
    /// Whether the client sends the body: without `Expect`, or after `100 Continue`.
    is_sent: bool,
    tasks: TaskTracker,
}

impl ClientBody {
    /// The body of a request with these headers.
    pub(crate) fn new(incoming: Incoming, headers: &HeaderMap, tasks: &TaskTracker) -> Self {
        let is_sent = !headers.contains_key(header::EXPECT);
        ClientBody { incoming: Some(incoming), is_sent, tasks: tasks.clone() }
    }
}

impl Body for ClientBody {
    type Data = Bytes;
    type Error = hyper::Error;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, hyper::Error>>> {
        self.is_sent = true;
        match &mut self.incoming {
            Some(incoming) => Pin::new(incoming).poll_frame(context),
            None => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        self.incoming.as_ref().is_none_or(Body::is_end_stream)
    }

    fn size_hint(&self) -> SizeHint {
        self.incoming.as_ref().map_or_else(|| SizeHint::with_exact(0), Body::size_hint)
    }
}

impl Drop for ClientBody {
    fn drop(&mut self) {
        if !self.is_sent || self.is_end_stream() {
            return;
        }
        if let Some(incoming) = self.incoming.take() {
            self.tasks.spawn(tokio::time::timeout(DRAIN_MAX, drain(incoming)));
        }
    }
}

/// Reads and drops up to the largest body of a request.
async fn drain(mut body: Incoming) {
    let mut left = REQUEST_BODY_MAX;
    while let Some(Ok(frame)) = body.frame().await {
        let length = frame.data_ref().map_or(0, Bytes::len);
        let Some(rest) = left.checked_sub(length) else { return };
        left = rest;
    }
}
