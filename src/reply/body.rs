//! The body of a reply: empty, whole, or a stream. Only streams are boxed.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Frame, SizeHint};
use tokio::time::{Sleep, sleep};

use crate::error::{Error, Result};
use crate::reply::Chunk;
use crate::reply::source::Source;
use crate::task::BoxFuture;
use crate::unwind::drop_caught;

pub(crate) enum Body {
    Empty,
    Once(Bytes),
    Stream(Pin<Box<dyn Source>>),
    /// A stream that has failed, and the pause before the error that cuts the reply.
    Broken(Pin<Box<Sleep>>),
    /// What has to be sent before the instance may freeze, and the last frame, which leaves after that.
    Held(Box<(BoxFuture<()>, Option<Frame<Bytes>>)>),
    /// The connection sends the body without hyper, which writes the head only.
    Elsewhere,
}

/// How long the error of a stream waits at least. Pieces are handed to the connection before, and written in its turn: over HTTP/2
/// in another task.
const FLUSH_MIN: Duration = Duration::from_millis(50);

/// The largest piece of a whole body that is handed to the connection at a time, in bytes.
pub(crate) const PIECE_MAX: usize = 64 * 1024;

/// The smallest body of known length that a connection sends without hyper, in bytes. Smaller ones are copied behind their
/// heads for less than another task costs.
pub(crate) const DIRECT_MIN: usize = 256 * 1024;

impl Body {
    pub(crate) fn of(bytes: Bytes) -> Self {
        if bytes.is_empty() { Self::Empty } else { Self::Once(bytes) }
    }

    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Empty)
    }

    /// Whether a poll would find nothing new. A connection polls whenever its socket is ready.
    pub(crate) fn is_silent(&self, task: &Waker) -> bool {
        matches!(self, Self::Stream(source) if source.is_silent(task))
    }

    /// Whether a connection of HTTP/1.1 may send the body without hyper.
    pub(crate) fn is_direct(&self) -> bool {
        match self {
            Self::Once(bytes) => bytes.len() >= DIRECT_MIN,
            Self::Stream(source) => source.is_direct(),
            Self::Empty | Self::Broken(_) | Self::Held(_) | Self::Elsewhere => false,
        }
    }

    /// Polls a body that is sent without hyper. A whole one is left empty behind its last piece, which is small: the record
    /// of the reply ends with it.
    pub(crate) fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk>>> {
        match self {
            Self::Once(bytes) => {
                let most =
                    if bytes.len() > PIECE_MAX { DIRECT_MIN.min(bytes.len() - PIECE_MAX) } else { PIECE_MAX };
                Poll::Ready(Some(Ok(Chunk::bare(bytes.split_to(most.min(bytes.len()))))))
            }
            Self::Stream(source) => source.as_mut().poll_chunk(cx),
            _ => Poll::Ready(None),
        }
    }

    /// Whether a body of known length has given its last byte. The connection does not ask for more.
    pub(crate) fn is_complete(&self) -> bool {
        match self {
            Self::Once(bytes) => bytes.is_empty(),
            Self::Stream(source) => source.length() == Some(0),
            Self::Empty | Self::Broken(_) | Self::Held(_) | Self::Elsewhere => false,
        }
    }

    /// Drops the content. A panic in the `Drop` of the author's stream ends here.
    pub(crate) fn clear(&mut self) {
        drop_caught(std::mem::replace(self, Self::Empty));
    }

    /// Drops the stream, which has failed. A panic in its `Drop` ends here.
    pub(crate) fn break_off(&mut self) {
        drop_caught(std::mem::replace(self, Self::Broken(Box::pin(sleep(FLUSH_MIN)))));
    }

    /// Ready when the connection has had the time to send what came before the error of a broken stream.
    pub(crate) fn poll_broken(&mut self, cx: &mut Context<'_>) -> Poll<()> {
        match self {
            Self::Broken(pause) => pause.as_mut().poll(cx),
            _ => Poll::Ready(()),
        }
    }

    /// Ready with the last frame when nothing else has to be sent before it.
    pub(crate) fn poll_held(&mut self, cx: &mut Context<'_>) -> Poll<Option<Frame<Bytes>>> {
        let Self::Held(held) = self else { return Poll::Ready(None) };
        ready!(held.0.as_mut().poll(cx));
        let frame = held.1.take();
        self.clear();
        Poll::Ready(frame)
    }

    /// Takes the next piece of a whole body.
    pub(crate) fn take_piece(&mut self) -> Option<Bytes> {
        let Self::Once(bytes) = self else { return None };
        // The connection's buffer grows to the largest piece that was sent, and stays that large.
        if bytes.len() > PIECE_MAX {
            return Some(bytes.split_to(PIECE_MAX));
        }
        let Self::Once(bytes) = std::mem::replace(self, Self::Empty) else { return None };
        Some(bytes)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Empty | Self::Once(_) => Poll::Ready(self.take_piece().map(|piece| Ok(Frame::data(piece)))),
            Self::Stream(source) => source.as_mut().poll_frame(cx),
            Self::Broken(pause) => {
                let failed = || Some(Err(Error::internal("the reply's stream failed")));
                pause.as_mut().poll(cx).map(|()| failed())
            }
            Self::Held(_) => self.poll_held(cx).map(|frame| frame.map(Ok)),
            Self::Elsewhere => Poll::Pending,
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Once(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(source) => source.length().map_or_else(SizeHint::default, SizeHint::with_exact),
            Self::Broken(_) | Self::Held(_) | Self::Elsewhere => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Once(bytes) => write!(f, "Once({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
            Self::Broken(_) => f.write_str("Broken"),
            Self::Held(_) => f.write_str("Held"),
            Self::Elsewhere => f.write_str("Elsewhere"),
        }
    }
}
