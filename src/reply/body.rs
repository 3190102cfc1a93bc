//! The body of a reply: nothing, everything at once, or a stream. Only streams are boxed.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::{Frame, SizeHint};

use crate::error::{Error, Result};

pub(crate) enum Body {
    Empty,
    Once(Bytes),
    Stream(Pin<Box<dyn Stream<Item = Result<Bytes>> + Send>>),
}

/// The largest piece of a whole body that is handed to the connection at a time.
const PIECE_MAX: usize = 64 * 1024;

impl Body {
    pub(crate) fn is_over(&self) -> bool {
        matches!(self, Self::Empty)
    }
}

impl http_body::Body for Body {
    type Data = Bytes;
    type Error = Error;

    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        match &mut *self {
            Self::Empty => Poll::Ready(None),
            Self::Once(bytes) => {
                // A connection keeps a buffer as large as the largest piece it has sent.
                if bytes.len() > PIECE_MAX {
                    return Poll::Ready(Some(Ok(Frame::data(bytes.split_to(PIECE_MAX)))));
                }
                let bytes = std::mem::take(bytes);
                *self = Self::Empty;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Self::Stream(pieces) => loop {
                match ready!(pieces.as_mut().poll_next(cx)) {
                    // An empty chunk would end the body.
                    Some(Ok(piece)) if piece.is_empty() => {}
                    piece => return Poll::Ready(piece.map(|piece| piece.map(Frame::data))),
                }
            },
        }
    }

    fn is_end_stream(&self) -> bool {
        self.is_over()
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Self::Empty => SizeHint::with_exact(0),
            Self::Once(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Self::Stream(_) => SizeHint::default(),
        }
    }
}

impl fmt::Debug for Body {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Empty => f.write_str("Empty"),
            Self::Once(bytes) => write!(f, "Once({} bytes)", bytes.len()),
            Self::Stream(_) => f.write_str("Stream"),
        }
    }
}
