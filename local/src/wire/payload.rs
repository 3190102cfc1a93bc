//! The body of a request on its way to an instance.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

use super::client_body::{BrokenBody, ClientBody};

/// A request body.
#[derive(Debug)]
pub(crate) enum Payload {
    Empty,
    Whole(Option<Bytes>),
    /// A client's body, passed on as it arrives.
    Client {
        body: ClientBody,
        left: usize,
        fault: BodyFault,
    },
}

/// The place for the fault of a client's body, which is found while the body is passed on. A call without such a body
/// has no place.
#[derive(Debug, Clone, Default)]
pub(crate) struct BodyFault(Option<Arc<AtomicU8>>);

/// Why a client's body cannot be passed on to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    TooLarge,
    /// The client broke the framing of the body.
    Broken,
    /// The client's connection ended before the body did.
    Left,
}

const TOO_LARGE: u8 = 1;
const BROKEN: u8 = 2;
const LEFT: u8 = 3;

impl BodyFault {
    pub(crate) fn get(&self) -> Option<Fault> {
        match self.0.as_ref()?.load(Ordering::Relaxed) {
            TOO_LARGE => Some(Fault::TooLarge),
            BROKEN => Some(Fault::Broken),
            LEFT => Some(Fault::Left),
            _ => None,
        }
    }

    fn set(&self, fault: Fault) {
        let code = match fault {
            Fault::TooLarge => TOO_LARGE,
            Fault::Broken => BROKEN,
            Fault::Left => LEFT,
        };
        if let Some(place) = &self.0 {
            place.store(code, Ordering::Relaxed);
        }
    }
}

impl Payload {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Payload::Whole(Some(bytes.into()))
    }

    /// A client's body of at most `limit` bytes, and the place for its fault.
    pub(crate) fn client(body: ClientBody, limit: usize) -> (Self, BodyFault) {
        if body.is_end_stream() {
            return (Payload::Empty, BodyFault::default());
        }
        let fault = BodyFault(Some(Arc::default()));
        (Payload::Client { body, left: limit, fault: fault.clone() }, fault)
    }

    /// Whether the length is known before the body is sent.
    pub(crate) fn has_length(&self) -> bool {
        self.size_hint().exact().is_some()
    }

    /// Reads the whole body, so that the length is known before the body is sent.
    pub(crate) async fn take_whole(self) -> Result<Self, PayloadError> {
        Ok(Payload::whole(self.collect().await?.to_bytes()))
    }

    /// Whether the same request can be sent again.
    pub(crate) fn is_repeatable(&self) -> bool {
        matches!(self, Payload::Empty)
    }
}

/// Why a body ended early.
#[derive(Debug)]
pub(crate) enum PayloadError {
    TooLarge,
    Client(BrokenBody),
}

impl std::fmt::Display for PayloadError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        match self {
            PayloadError::TooLarge => out.write_str("the body is too large"),
            PayloadError::Client(_) => out.write_str("the client's body broke off"),
        }
    }
}

impl std::error::Error for PayloadError {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            PayloadError::TooLarge => None,
            PayloadError::Client(error) => Some(error),
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = PayloadError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, PayloadError>>> {
        match self.get_mut() {
            Payload::Empty => Poll::Ready(None),
            Payload::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Payload::Client { body, left, fault } => {
                let frame = std::task::ready!(Pin::new(body).poll_frame(context));
                Poll::Ready(match frame {
                    None => None,
                    Some(Ok(frame)) => {
                        let length = frame.data_ref().map_or(0, Bytes::len);
                        if let Some(rest) = left.checked_sub(length) {
                            *left = rest;
                            Some(Ok(frame))
                        } else {
                            fault.set(Fault::TooLarge);
                            Some(Err(PayloadError::TooLarge))
                        }
                    }
                    Some(Err(error)) => {
                        fault.set(if error.has_client_left() { Fault::Left } else { Fault::Broken });
                        Some(Err(PayloadError::Client(error)))
                    }
                })
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Payload::Empty | Payload::Whole(None) => true,
            Payload::Whole(Some(_)) => false,
            Payload::Client { body, .. } => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Payload::Empty | Payload::Whole(None) => SizeHint::with_exact(0),
            Payload::Whole(Some(bytes)) => SizeHint::with_exact(bytes.len() as u64),
            Payload::Client { body, .. } => body.size_hint(),
        }
    }
}
