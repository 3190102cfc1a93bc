//! How far a request's body has been read. The bytes that were read survive a cancelled reader.

use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http::header::RETRY_AFTER;
use http::{HeaderValue, StatusCode};
use http_body::Body;

use crate::budget::Held;
use crate::error::{Error, Result, find};
use crate::exchange::Peer;
use crate::exchange::payload::{Departed, Payload, broken};

pub(crate) enum BodyState {
    Unread(Payload),
    Partly(Box<Partly>),
    Whole {
        bytes: Bytes,
        _held: Option<Held>,
    },
    /// Taken by `ex.body()`, which may give back the unread rest.
    Taken(Option<Payload>),
    /// Larger than the limit. The unread rest may still be drained.
    TooLarge(Option<Payload>),
    /// The budget for clients is used up. The unread rest of the body may still be drained.
    NoMemory(Option<Payload>),
    /// The client left, or the framing of its body is broken.
    Broken {
        left: bool,
    },
}

/// A body of which a part was read. Boxed, because most requests have none.
pub(crate) struct Partly {
    payload: Payload,
    /// The first piece is kept as it came: most bodies are one piece, and need no copy.
    first: Bytes,
    rest: BytesMut,
    /// The memory of a large body, or of one of many.
    held: Option<Held>,
}

impl Partly {
    fn length(&self) -> usize {
        self.rest.len().max(self.first.len())
    }

    /// Counts the body together with `more` bytes. False if the budget has no room.
    fn hold(&mut self, more: usize, peer: Option<&Peer>) -> bool {
        let length = self.length() + more;
        peer.is_none_or(|peer| peer.hold_body(&mut self.held, length))
    }

    fn add(&mut self, data: Bytes) {
        if self.length() == 0 {
            self.first = data;
            return;
        }
        if self.rest.is_empty() {
            // The announced size, which is within the limit.
            let announced = usize::try_from(Body::size_hint(&self.payload).lower()).unwrap_or(0);
            // The first piece keeps a buffer of the connection alive.
            let first = std::mem::take(&mut self.first);
            self.rest.reserve(first.len() + data.len() + announced);
            self.rest.extend_from_slice(&first);
        }
        self.rest.extend_from_slice(&data);
    }
}

impl BodyState {
    /// Lets go of bytes that nobody can ask for any more. They stay counted: a reply may be made of them.
    pub(crate) fn lighten(&mut self) {
        match self {
            Self::Whole { bytes, .. } => *bytes = Bytes::new(),
            other => *other = Self::Taken(None),
        }
    }

    /// Reads to the end of the body, or to `limit` bytes.
    ///
    /// The memory of a large body is counted in the account of `peer`.
    pub(crate) fn poll_whole(
        &mut self,
        cx: &mut Context<'_>,
        limit: usize,
        peer: Option<&Peer>,
    ) -> Poll<Result<Bytes>> {
        loop {
            match self {
                Self::Whole { bytes, .. } => return Poll::Ready(Ok(bytes.clone())),
                Self::Taken(_) => {
                    let cause = "the body was taken before, by `ex.body()`";
                    return Poll::Ready(Err(Error::of_mistake(cause)));
                }
                Self::TooLarge(_) => return Poll::Ready(Err(too_large(limit))),
                Self::NoMemory(_) => return Poll::Ready(Err(too_much_memory())),
                Self::Broken { left: true } => {
                    let message = "the client left before its request was complete";
                    return Poll::Ready(Err(Error::of_ours(StatusCode::BAD_REQUEST, message)));
                }
                Self::Broken { left: false } => {
                    let message = "the request's body is broken";
                    return Poll::Ready(Err(Error::of_ours(StatusCode::BAD_REQUEST, message)));
                }
                Self::Unread(payload) => {
                    if Body::size_hint(payload).lower() > limit as u64 {
                        return Poll::Ready(Err(too_large(limit)));
                    }
                    let payload = std::mem::replace(payload, Payload::taken());
                    let partly = Partly { payload, first: Bytes::new(), rest: BytesMut::new(), held: None };
                    *self = Self::Partly(Box::new(partly));
                }
                Self::Partly(partly) => match ready!(partly.payload.poll_next_frame(cx)) {
                    Some(Ok(frame)) => {
                        let Ok(data) = frame.into_data() else { continue };
                        if partly.length() + data.len() > limit {
                            let rest = std::mem::replace(&mut partly.payload, Payload::taken());
                            *self = Self::TooLarge(Some(rest));
                        } else if !partly.hold(data.len(), peer) {
                            let rest = std::mem::replace(&mut partly.payload, Payload::taken());
                            *self = Self::NoMemory(Some(rest));
                        } else {
                            partly.add(data);
                        }
                    }
                    Some(Err(cause)) => {
                        *self = Self::Broken { left: find::<Departed>(&*cause).is_some() };
                        return Poll::Ready(Err(broken(cause)));
                    }
                    None => {
                        let Partly { first, rest, held, .. } = &mut **partly;
                        let bytes = if rest.is_empty() {
                            std::mem::take(first)
                        } else {
                            std::mem::take(rest).freeze()
                        };
                        *self = Self::Whole { bytes, _held: held.take() };
                    }
                },
            }
        }
    }

    /// The body for `ex.body()`. It is empty if a reader has read a part: that part stays with the readers.
    pub(crate) fn take(&mut self) -> Payload {
        match self {
            Self::Whole { bytes, .. } => Payload::whole(bytes.clone()),
            Self::Unread(_) => match std::mem::replace(self, Self::Taken(None)) {
                Self::Unread(payload) => payload,
                _ => Payload::taken(),
            },
            _ => Payload::taken(),
        }
    }

    /// The bytes that an unfinished reader has read so far.
    pub(crate) fn so_far(&self) -> &[u8] {
        match self {
            Self::Partly(partly) if partly.rest.is_empty() => &partly.first,
            Self::Partly(partly) => &partly.rest,
            _ => &[],
        }
    }

    /// The number of bytes read so far.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Partly(partly) => partly.length(),
            Self::Whole { bytes, .. } => bytes.len(),
            _ => 0,
        }
    }

    /// Takes the unread rest of the body, if there is any.
    pub(crate) fn leftover(&mut self) -> Option<Payload> {
        match self {
            Self::Unread(payload) => payload.take_rest(),
            Self::Partly(partly) => partly.payload.take_rest(),
            Self::TooLarge(rest) | Self::NoMemory(rest) | Self::Taken(rest) => rest.take(),
            _ => None,
        }
    }

    /// Takes back the unread rest of the body from `ex.body()`.
    pub(crate) fn give_back(&mut self, rest: Payload) {
        if matches!(self, Self::Taken(None)) {
            *self = Self::Taken(Some(rest));
        }
    }

    /// Whether `ex.body()` has the body.
    pub(crate) fn is_taken(&self) -> bool {
        matches!(self, Self::Taken(None))
    }

    /// Whether the body was read to its end.
    pub(crate) fn is_whole(&self) -> bool {
        matches!(self, Self::Whole { .. })
    }

    pub(crate) fn has_left(&self) -> bool {
        matches!(self, Self::Broken { left: true })
    }
}

pub(crate) fn too_large(limit: usize) -> Error {
    let message = format!("the request's body is larger than {limit} bytes");
    Error::of_ours(StatusCode::PAYLOAD_TOO_LARGE, message).with_json("limit", limit.to_string())
}

/// The error of everything that is refused because the budget for clients is used up.
pub(crate) fn too_much_memory() -> Error {
    let message = "this instance holds as much for its clients as its memory allows";
    let error = Error::of_ours(StatusCode::SERVICE_UNAVAILABLE, message).reported();
    error.with_header(RETRY_AFTER, HeaderValue::from_static("1"))
}
