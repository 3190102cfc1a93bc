//! The body of a reply that its connection sends without hyper.

use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Frame;

use super::Outgoing;
use crate::error::BoxError;
use crate::exchange::direct::DirectBody;
use crate::reply::{Body, Chunk};

/// The chunk of a frame.
fn unframed(frame: Option<Result<Frame<Bytes>, BoxError>>) -> Option<Result<Chunk, BoxError>> {
    frame.map(|frame| frame.map(Chunk::of_frame))
}

impl DirectBody for Outgoing {
    fn length(&self) -> Option<u64> {
        http_body::Body::size_hint(&self.body).exact()
    }

    fn poll_chunk(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Chunk, BoxError>>> {
        if !matches!(self.body, Body::Stream(_) | Body::Once(_)) {
            // Only the end is left, the last piece of a body of known length, or an error.
            return self.poll_without_piece(cx).map(unframed);
        }
        let entered = self.enter();
        match ready!(self.poll_author(|body| body.poll_chunk(cx))) {
            Some(Ok(chunk)) => {
                if let Some(record) = &mut self.record {
                    record.add_sent(chunk.len());
                }
                if self.body.is_complete() {
                    self.body.clear();
                    drop(entered);
                    if let Some(flush) = self.end() {
                        let frame = Frame::data(chunk.into_data());
                        return self.hold(Some(frame), flush, cx).map(unframed);
                    }
                }
                Poll::Ready(Some(Ok(chunk)))
            }
            Some(Err(error)) => {
                self.break_off(&error);
                cx.waker().wake_by_ref();
                Poll::Pending
            }
            None => {
                self.body.clear();
                drop(entered);
                self.poll_chunk(cx)
            }
        }
    }

    fn lighten(&mut self) {
        if let Some(record) = &mut self.record {
            record.lighten();
        }
    }
}
