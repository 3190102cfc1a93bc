//! The sources of streamed bodies.

use std::pin::Pin;
use std::task::{Context, Poll, Waker, ready};

use bytes::Bytes;
use futures_core::Stream;
use http_body::Frame;
use pin_project_lite::pin_project;

use crate::error::Result;
use crate::reply::body::PIECE_MAX;
use crate::reply::{Chunk, IntoPiece};
use crate::stop::Stops;

/// A source of a streamed body, polled frame by frame. Trailers are the last frame.
pub(crate) trait Source: Send {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>>;

    /// As `poll_frame`, for a connection of HTTP/1.1 that sends the body without hyper. Every poll is for a reason, and `cx`
    /// wakes the task itself.
    fn poll_chunk(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk>>> {
        let frame = ready!(self.poll_frame(cx));
        Poll::Ready(frame.map(|frame| frame.map(Chunk::of_frame)))
    }

    /// Whether a connection of HTTP/1.1 may send the body without hyper. It has no trailers.
    fn is_direct(&self) -> bool {
        false
    }

    /// Whether nothing has happened since the last poll, and the next wake reaches `_task`.
    fn is_silent(&self, _task: &Waker) -> bool {
        false
    }

    /// The number of bytes that are left, for a source that knows it. Others are sent in chunks.
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

impl<St: Stream<Item: IntoPiece>> Pieces<St> {
    /// The next piece as it is.
    fn poll_piece(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Bytes>>> {
        let mut pieces = self.project().pieces;
        loop {
            match ready!(pieces.as_mut().poll_next(cx)).map(IntoPiece::into_piece) {
                // An empty chunk would end the body.
                Some(Ok(piece)) if piece.is_empty() => {}
                piece => return Poll::Ready(piece),
            }
        }
    }
}

impl<St: Stream<Item: IntoPiece> + Send> Source for Pieces<St> {
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        if self.rest.is_empty() {
            match ready!(self.as_mut().poll_piece(cx)) {
                Some(Ok(piece)) if piece.len() > PIECE_MAX => *self.as_mut().project().rest = piece,
                piece => return Poll::Ready(piece.map(|piece| piece.map(Frame::data))),
            }
        }
        Poll::Ready(Some(Ok(Frame::data(part(self.project().rest)))))
    }

    fn poll_chunk(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk>>> {
        self.poll_piece(cx).map(|piece| piece.map(|piece| piece.map(Chunk::bare)))
    }

    fn is_direct(&self) -> bool {
        true
    }
}

/// Takes the next part, of at most `PIECE_MAX` bytes. An HTTP/1 connection keeps a buffer as large as its largest
/// piece.
pub(crate) fn part(rest: &mut Bytes) -> Bytes {
    rest.split_to(rest.len().min(PIECE_MAX))
}
