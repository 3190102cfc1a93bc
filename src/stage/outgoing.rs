//! The body on its way out, with the record that ends when it does.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::{Frame, SizeHint};

use crate::error::{BoxError, Error};
use crate::exchange::Busy;
use crate::log::{current, say};
use crate::reply::Body;
use crate::stage::Record;

/// A reply's body. Dropped before its end, it is the record of a client that left.
pub(crate) struct Outgoing {
    body: Body,
    record: Option<Record>,
    /// The connection's request is not over before this is gone.
    busy: Option<Busy>,
}

impl Outgoing {
    pub(crate) fn new(body: Body, record: Option<Record>) -> Self {
        Self { body, record, busy: None }
    }

    /// Keeps the body to itself, as `HEAD` asks; its length, if it is known.
    pub(crate) fn silence(&mut self) -> Option<u64> {
        let length = http_body::Body::size_hint(&self.body).exact();
        self.body = Body::Empty;
        length
    }

    pub(crate) fn set_busy(&mut self, busy: Busy) {
        self.busy = Some(busy);
    }

    fn end(&mut self) {
        if let Some(mut record) = self.record.take() {
            record.end_sent();
        }
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = &mut *self;
        let entered = match (&this.body, &this.record) {
            // The author's stream runs here, and may log.
            (Body::Stream(_), Some(record)) => Some(current::enter(Arc::clone(record.call()) as _)),
            _ => None,
        };
        let frame = ready!(Pin::new(&mut this.body).poll_frame(cx));
        let frame = match frame {
            Some(Ok(frame)) => {
                if let (Some(record), Some(data)) = (&mut this.record, frame.data_ref()) {
                    record.add_sent(data.len());
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                log_broken(&error);
                this.body = Body::Empty;
                if let Some(mut record) = this.record.take() {
                    record.end_broken();
                }
                Some(Err("the reply's stream failed".into()))
            }
            None => {
                this.body = Body::Empty;
                None
            }
        };
        drop(entered);
        if this.body.is_over() {
            this.end();
        }
        Poll::Ready(frame)
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

fn log_broken(error: &Error) {
    say::error(format_args!("a reply's stream failed after its head was sent: {error:?}"));
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        if self.record.is_none() {
            return;
        }
        // A body that is empty from the start is never polled.
        if self.body.is_over() {
            self.end();
        }
        // A stream may hold the author's guards, which may log.
        if matches!(self.body, Body::Stream(_)) {
            let entered = self.record.as_ref().map(|record| current::enter(Arc::clone(record.call()) as _));
            self.body = Body::Empty;
            drop(entered);
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("body", &self.body).finish_non_exhaustive()
    }
}
