//! A reply whose client is made to leave, as `--chaos` asks.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Body, Frame};

use super::body::{Cut, Outgoing};
use super::visit::Departure;

/// A body that ends after so many bytes as if the client had left: the drop of the rest is what a departure is.
#[derive(Debug)]
pub(crate) struct Leaving {
    /// `None` after the departure.
    body: Option<Outgoing>,
    departure: Departure,
    /// How many bytes the client takes.
    left: u64,
}

impl Leaving {
    pub(super) fn new(body: Outgoing, departure: Departure) -> Self {
        let left = departure.bytes;
        Leaving { body: Some(body), departure, left }
    }

    pub(super) fn body(&self) -> Option<&Outgoing> {
        self.body.as_ref()
    }

    pub(super) fn body_mut(&mut self) -> Option<&mut Outgoing> {
        self.body.as_mut()
    }

    pub(super) fn is_over(&self) -> bool {
        self.body.as_ref().is_some_and(Body::is_end_stream)
    }

    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let Some(body) = &mut self.body else { return Poll::Ready(Some(Err(Cut))) };
        // The last piece of a whole body completes its record.
        if body.next_length() > self.left {
            return self.depart();
        }
        let frame = ready!(Pin::new(body).poll_frame(context));
        let length = frame.as_ref().and_then(|frame| frame.as_ref().ok()?.data_ref()).map_or(0, Bytes::len);
        match self.left.checked_sub(length as u64) {
            Some(left) => {
                self.left = left;
                Poll::Ready(frame)
            }
            None => self.depart(),
        }
    }

    fn depart(&mut self) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        self.departure.tell();
        self.body = None;
        Poll::Ready(Some(Err(Cut)))
    }
}
