//! A request's body as a stream.

use std::fmt;
use std::io::ErrorKind;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};

use crate::error::{BoxError, Error, Result};

/// A request's body, piece by piece: a `Stream` of bytes and an `http_body::Body`.
///
/// Dropping it early is fine: the rest is read away or the connection closes.
#[must_use = "a body does nothing unless it is read"]
pub struct Payload(Source);

enum Source {
    Nothing,
    Whole(Bytes),
    Wire(hyper::body::Incoming),
    /// `ex.body()` was called before: the author's mistake, told to whoever reads.
    Taken,
}

impl Payload {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self(if bytes.is_empty() { Source::Nothing } else { Source::Whole(bytes) })
    }

    pub(crate) fn wire(incoming: hyper::body::Incoming) -> Self {
        Self(if incoming.is_end_stream() { Source::Nothing } else { Source::Wire(incoming) })
    }

    pub(crate) fn taken() -> Self {
        Self(Source::Taken)
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.0 {
            Source::Nothing => Poll::Ready(None),
            Source::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                self.0 = Source::Nothing;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Source::Wire(incoming) => Pin::new(incoming).poll_frame(cx).map_err(Into::into),
            Source::Taken => {
                self.0 = Source::Nothing;
                Poll::Ready(Some(Err("the body was taken before, by `ex.body()`".into())))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Source::Nothing => true,
            Source::Wire(incoming) => incoming.is_end_stream(),
            Source::Whole(_) | Source::Taken => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Source::Nothing => SizeHint::with_exact(0),
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Wire(incoming) => incoming.size_hint(),
            Source::Taken => SizeHint::default(),
        }
    }
}

impl Stream for Payload {
    type Item = Result<Bytes>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        loop {
            let frame = match ready!(self.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(cause)) => return Poll::Ready(Some(Err(broken(cause)))),
                None => return Poll::Ready(None),
            };
            // Trailers of a request are of no use to a stream of bytes.
            if let Ok(data) = frame.into_data() {
                return Poll::Ready(Some(Ok(data)));
            }
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload").field("size_hint", &Body::size_hint(self)).finish_non_exhaustive()
    }
}

/// What a reader is told about a body that could not be read to its end.
pub(crate) fn broken(cause: BoxError) -> Error {
    let message = if is_departure(&*cause) {
        "the client left before its request was complete"
    } else if cause.is::<hyper::Error>() {
        "the request's body is broken"
    } else {
        return Error::internal(cause);
    };
    Error::bad_request(message).with_cause(cause)
}

/// Whether a body ended because the client went away, not because it sent nonsense.
pub(crate) fn is_departure(error: &(dyn std::error::Error + 'static)) -> bool {
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
            if hyper.is_incomplete_message() || hyper.is_canceled() || hyper.is_closed() {
                return true;
            }
        } else if let Some(io) = error.downcast_ref::<std::io::Error>() {
            use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
            return matches!(io.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe);
        }
        link = error.source();
    }
    false
}
