//! How far a request's body has been read. Its bytes survive a reader that is cancelled.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use http_body::Body;

use crate::error::{Error, Result};
use crate::exchange::payload::{Departed, Payload, broken};

pub(crate) enum BodyState {
    Unread(Payload),
    Partly(Box<Partly>),
    Whole(Bytes),
    /// By `ex.body()`, which may give back what was not read.
    Taken(Option<Payload>),
    /// What is left of it may still be read away.
    TooLarge(Option<Payload>),
    /// The client left or its framing is broken.
    Broken {
        left: bool,
    },
}

/// A body of which something was read. Boxed: most requests have none.
pub(crate) struct Partly {
    payload: Payload,
    /// The first piece stays as it came: most bodies are one piece, and need no copy.
    first: Bytes,
    rest: BytesMut,
}

impl Partly {
    fn length(&self) -> usize {
        self.rest.len().max(self.first.len())
    }

    fn add(&mut self, data: Bytes) {
        if self.length() == 0 {
            self.first = data;
            return;
        }
        if self.rest.is_empty() {
            // The size that was announced, which is within the limit.
            let announced = usize::try_from(Body::size_hint(&self.payload).lower()).unwrap_or(0);
            self.rest.reserve(self.first.len() + data.len() + announced);
            self.rest.extend_from_slice(&self.first);
        }
        self.rest.extend_from_slice(&data);
    }
}

impl BodyState {
    /// Reads to the end, or to the limit.
    pub(crate) fn poll_whole(&mut self, cx: &mut Context<'_>, limit: usize) -> Poll<Result<Bytes>> {
        loop {
            match self {
                Self::Whole(bytes) => return Poll::Ready(Ok(bytes.clone())),
                Self::Taken(_) => {
                    let cause = "the body was taken before, by `ex.body()`";
                    return Poll::Ready(Err(Error::internal(cause)));
                }
                Self::TooLarge(_) => return Poll::Ready(Err(too_large(limit))),
                Self::Broken { left: true } => {
                    let message = "the client left before its request was complete";
                    return Poll::Ready(Err(Error::bad_request(message)));
                }
                Self::Broken { left: false } => {
                    return Poll::Ready(Err(Error::bad_request("the request's body is broken")));
                }
                Self::Unread(payload) => {
                    if Body::size_hint(payload).lower() > limit as u64 {
                        return Poll::Ready(Err(too_large(limit)));
                    }
                    let payload = std::mem::replace(payload, Payload::taken());
                    let partly = Partly { payload, first: Bytes::new(), rest: BytesMut::new() };
                    *self = Self::Partly(Box::new(partly));
                }
                Self::Partly(partly) => match ready!(Pin::new(&mut partly.payload).poll_frame(cx)) {
                    Some(Ok(frame)) => {
                        let Ok(data) = frame.into_data() else { continue };
                        if partly.length() + data.len() > limit {
                            let rest = std::mem::replace(&mut partly.payload, Payload::taken());
                            *self = Self::TooLarge(Some(rest));
                        } else {
                            partly.add(data);
                        }
                    }
                    Some(Err(cause)) => {
                        *self = Self::Broken { left: cause.is::<Departed>() };
                        return Poll::Ready(Err(broken(cause)));
                    }
                    None => {
                        let Partly { first, rest, .. } = &mut **partly;
                        *self = Self::Whole(if rest.is_empty() {
                            std::mem::take(first)
                        } else {
                            std::mem::take(rest).freeze()
                        });
                    }
                },
            }
        }
    }

    /// The body for `ex.body()`. What a reader had read before is not lost to the readers, but to this.
    pub(crate) fn take(&mut self) -> Payload {
        match self {
            Self::Whole(bytes) => Payload::whole(bytes.clone()),
            Self::Unread(_) => match std::mem::replace(self, Self::Taken(None)) {
                Self::Unread(payload) => payload,
                _ => Payload::taken(),
            },
            _ => Payload::taken(),
        }
    }

    /// How much has been read so far.
    pub(crate) fn length(&self) -> usize {
        match self {
            Self::Partly(partly) => partly.length(),
            Self::Whole(bytes) => bytes.len(),
            _ => 0,
        }
    }

    /// The body that nobody will read any more, if there is some left.
    pub(crate) fn leftover(&mut self) -> Option<Payload> {
        match self {
            Self::Unread(payload) => payload.take_rest(),
            Self::Partly(partly) => partly.payload.take_rest(),
            Self::TooLarge(rest) | Self::Taken(rest) => rest.take(),
            _ => None,
        }
    }

    /// Takes back what `ex.body()` gave and nobody read.
    pub(crate) fn give_back(&mut self, rest: Payload) {
        if matches!(self, Self::Taken(None)) {
            *self = Self::Taken(Some(rest));
        }
    }

    pub(crate) fn has_left(&self) -> bool {
        matches!(self, Self::Broken { left: true })
    }
}

fn too_large(limit: usize) -> Error {
    Error::new(413, format!("the request's body is larger than {limit} bytes"))
        .with_json("limit", limit.to_string())
}
