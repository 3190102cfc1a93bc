//! The sources of streamed bodies.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::Frame;
use pin_project_lite::pin_project;

use crate::error::Result;
use crate::reply::IntoPiece;
use crate::reply::body::PIECE_MAX;
use crate::stop::Stops;

/// A source of a streamed body, polled frame by frame. Trailers are the last frame.
pub(crate) trait Source: Send {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>>;

    /// Whether nothing has happened since the last poll, and the next wake reaches `_task`.
    fn is_silent(&self, _task: &Waker) -> bool {
        false
    }

    /// The number of bytes that are left, for a source that knows it, and gives no more. Others are sent in chunks.
    fn length(&self) -> Option<u64> {
        None
    }

    /// Registers for stop notices before the first poll. Only sources that end by themselves at a stop implement it.
    fn listen(self: Pin<&mut Self>, _stops: &Stops) {}
}

pin_project! {
    /// A body from a stream of the author's.
    pub(crate) struct Pieces<St> {
        #[pin]
        pieces: St,
        // The rest of a piece that is handed over in parts.
        rest: Bytes,
    }
}

impl<St> Pieces<St> {
    pub(crate) fn new(pieces: St) -> Self {
        Self { pieces, rest: Bytes::new() }
    }
}

impl<St: Stream<Item: IntoPiece> + Send> Source for Pieces<St> {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let mut this = self.project();
        if !this.rest.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(part(this.rest)))));
        }
        loop {
            match ready!(this.pieces.as_mut().poll_next(cx)).map(IntoPiece::into_piece) {
                // An empty chunk would end the body.
                Some(Ok(piece)) if piece.is_empty() => {}
                Some(Ok(piece)) if piece.len() > PIECE_MAX => {
                    *this.rest = piece;
                    return Poll::Ready(Some(Ok(Frame::data(part(this.rest)))));
                }
                piece => return Poll::Ready(piece.map(|piece| piece.map(Frame::data))),
            }
        }
    }
}

/// Takes the next part, of at most `PIECE_MAX` bytes.
pub(crate) fn part(rest: &mut Bytes) -> Bytes {
    rest.split_to(rest.len().min(PIECE_MAX))
}
