//! The body of a call: bytes, or a stream that is sent once.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Body, Frame, SizeHint};

/// An error of the stream that makes a body.
pub(crate) type StreamError = Box<dyn std::error::Error + Send + Sync>;

type BoxStream = Pin<Box<dyn Stream<Item = Result<Bytes, StreamError>> + Send>>;

/// The body of a call.
pub(crate) enum Content {
    Whole(Bytes),
    /// Empty once the stream was sent.
    Stream(Option<BoxStream>),
}

impl Content {
    pub(crate) fn stream<S, E>(stream: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<StreamError>,
    {
        Content::Stream(Some(Box::pin(Converted { stream: Box::pin(stream) })))
    }

    /// Whether the body can be sent once more.
    pub(crate) fn is_repeatable(&self) -> bool {
        matches!(self, Content::Whole(_))
    }

    /// The body for one try. A stream is given once.
    pub(crate) fn take(&mut self) -> Outgoing {
        match self {
            Content::Whole(bytes) => Outgoing::Whole(Some(bytes.clone()).filter(|bytes| !bytes.is_empty())),
            Content::Stream(stream) => stream.take().map_or(Outgoing::Whole(None), Outgoing::Stream),
        }
    }
}

impl fmt::Debug for Content {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Content::Whole(bytes) => write!(out, "{} bytes", bytes.len()),
            Content::Stream(_) => out.write_str("a stream"),
        }
    }
}

/// A stream with its errors boxed.
struct Converted<S> {
    stream: Pin<Box<S>>,
}

impl<S, E> Stream for Converted<S>
where
    S: Stream<Item = Result<Bytes, E>>,
    E: Into<StreamError>,
{
    type Item = Result<Bytes, StreamError>;

    fn poll_next(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.stream.as_mut().poll_next(context).map(|item| item.map(|item| item.map_err(Into::into)))
    }
}

/// The body of one try.
pub(crate) enum Outgoing {
    Whole(Option<Bytes>),
    Stream(BoxStream),
}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = StreamError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StreamError>>> {
        match &mut *self {
            Outgoing::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Outgoing::Stream(stream) => {
                stream.as_mut().poll_next(context).map(|item| item.map(|item| item.map(Frame::data)))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        matches!(self, Outgoing::Whole(None))
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Whole(bytes) => {
                SizeHint::with_exact(bytes.as_ref().map_or(0, |bytes| bytes.len() as u64))
            }
            Outgoing::Stream(_) => SizeHint::default(),
        }
    }
}
