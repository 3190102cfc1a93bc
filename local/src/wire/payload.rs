//! The body of a request on its way to an instance.

use std::pin::Pin;
use std::sync::Arc;
use std::sync::atomic::{AtomicU8, AtomicU64, Ordering};
use std::task::{Context, Poll};

use bytes::Bytes;
use fc_runtime::platform::limits::MESSAGE_MAX;
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;

use super::client_body::{BrokenBody, ClientBody};
use super::headers;
use super::messages::Messages;

/// A request body.
#[derive(Debug)]
pub(crate) enum Payload {
    Empty,
    Whole(Option<Bytes>),
    /// A client's body, passed on as it arrives.
    Client {
        body: ClientBody,
        limit: Limit,
        fault: BodyFault,
        /// Whether the client's trailers pass.
        has_trailers: bool,
    },
}

/// What is limited in a client's body.
#[derive(Debug)]
pub(crate) enum Limit {
    /// The whole body. The number of bytes is what may still come.
    Whole(usize),
    /// Each message of gRPC.
    Message(Messages),
}

impl Limit {
    fn follow(&mut self, data: &[u8]) -> bool {
        match self {
            Limit::Whole(left) => left.checked_sub(data.len()).map(|rest| *left = rest).is_some(),
            Limit::Message(messages) => messages.follow(data).is_ok(),
        }
    }
}

/// The place for the fault of a client's body, which is found while the body is passed on. A call without such a body
/// has no place.
#[derive(Debug, Clone, Default)]
pub(crate) struct BodyFault(Option<Arc<Place>>);

#[derive(Debug)]
struct Place {
    code: AtomicU8,
    /// The limit that a body breaks which is too large, in bytes.
    limit: usize,
    /// The bytes that have passed.
    passed: AtomicU64,
}

/// Why a client's body cannot be passed on to its end.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Fault {
    /// The body, or one of its messages, has more bytes than this.
    TooLarge(usize),
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
        let place = self.0.as_ref()?;
        match place.code.load(Ordering::Relaxed) {
            TOO_LARGE => Some(Fault::TooLarge(place.limit)),
            BROKEN => Some(Fault::Broken),
            LEFT => Some(Fault::Left),
            _ => None,
        }
    }

    /// How many bytes of the body have passed so far.
    pub(crate) fn passed(&self) -> u64 {
        self.0.as_ref().map_or(0, |place| place.passed.load(Ordering::Relaxed))
    }

    fn pass(&self, length: usize) {
        if let Some(place) = &self.0 {
            place.passed.fetch_add(length as u64, Ordering::Relaxed);
        }
    }

    fn set(&self, code: u8) {
        if let Some(place) = &self.0 {
            place.code.store(code, Ordering::Relaxed);
        }
    }
}

impl Payload {
    pub(crate) fn whole(bytes: impl Into<Bytes>) -> Self {
        Payload::Whole(Some(bytes.into()))
    }

    /// A client's body of at most `limit` bytes, and the place for its fault.
    pub(crate) fn client(body: ClientBody, limit: usize) -> (Self, BodyFault) {
        Payload::limited(body, Limit::Whole(limit), limit)
    }

    /// A client's messages of gRPC, and the place for their fault.
    pub(crate) fn messages(body: ClientBody) -> (Self, BodyFault) {
        Payload::limited(body, Limit::Message(Messages::default()), MESSAGE_MAX)
    }

    fn limited(body: ClientBody, limit: Limit, bytes: usize) -> (Self, BodyFault) {
        if body.is_end_stream() {
            return (Payload::Empty, BodyFault::default());
        }
        let place = Place { code: AtomicU8::new(0), limit: bytes, passed: AtomicU64::new(0) };
        let fault = BodyFault(Some(Arc::new(place)));
        (Payload::Client { body, limit, fault: fault.clone(), has_trailers: true }, fault)
    }

    /// The body without its trailers.
    pub(crate) fn without_trailers(mut self) -> Self {
        if let Payload::Client { has_trailers, .. } = &mut self {
            *has_trailers = false;
        }
        self
    }

    /// The length of a body that is here as a whole.
    pub(crate) fn whole_length(&self) -> u64 {
        if let Payload::Whole(Some(bytes)) = self { bytes.len() as u64 } else { 0 }
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
            Payload::Client { body, limit, fault, has_trailers } => {
                let frame = std::task::ready!(Pin::new(body).poll_frame(context));
                Poll::Ready(match frame.map(|frame| frame.map(Frame::into_data)) {
                    None => None,
                    Some(Ok(Ok(data))) => {
                        if limit.follow(&data) {
                            fault.pass(data.len());
                            Some(Ok(Frame::data(data)))
                        } else {
                            fault.set(TOO_LARGE);
                            Some(Err(PayloadError::TooLarge))
                        }
                    }
                    Some(Ok(Err(frame))) => {
                        frame.into_trailers().ok().filter(|_| *has_trailers).map(|mut trailers| {
                            headers::strip_trailers(&mut trailers);
                            Ok(Frame::trailers(trailers))
                        })
                    }
                    Some(Err(error)) => {
                        fault.set(if error.has_client_left() { LEFT } else { BROKEN });
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
