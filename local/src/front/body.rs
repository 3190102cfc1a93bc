//! The body of a response: whole, streamed until the end of its call and record, or none before a WebSocket.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

use super::streamed::Streamed;
use super::tunnel::Tunnel;
use super::visit::Visit;
use crate::call::{AnswerStream, AnswerTunnel};

/// A reply of the gateway itself, with a small body.
pub(crate) fn plain(status: StatusCode, headers: HeaderMap, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

impl Visit {
    /// Sends a reply of the gateway itself.
    pub(crate) fn leave(self, response: Response<Bytes>) -> Response<Outgoing> {
        self.finish(response.status().as_u16());
        response.map(Outgoing::whole)
    }

    /// Sends a reply. A streamed reply keeps the visit until the end of the body.
    pub(crate) fn leave_with(mut self, mut response: Response<Outgoing>) -> Response<Outgoing> {
        let status = response.status().as_u16();
        if response.body_mut().has_an_end_to_come() {
            self.begin_reply(status);
            response.body_mut().accompany(self);
        } else {
            self.finish(status);
        }
        response
    }
}

/// The body of a response.
#[derive(Debug)]
pub(crate) enum Outgoing {
    Whole(Option<Bytes>),
    Streamed(Streamed),
    Tunnel(Option<Box<Tunnel>>),
}

impl Outgoing {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Outgoing::Whole((!bytes.is_empty()).then_some(bytes))
    }

    /// A body that is streamed from the instance.
    pub(crate) fn streamed(answer: AnswerStream) -> Self {
        Outgoing::Streamed(Streamed::new(answer))
    }

    /// An empty body, behind a head that upgrades the connection to WebSocket.
    pub(crate) fn tunnel(answer: AnswerTunnel) -> Self {
        Outgoing::Tunnel(Some(Box::new(Tunnel::new(answer))))
    }

    /// Takes the WebSocket that starts once the head is sent.
    pub(super) fn take_tunnel(&mut self) -> Option<Box<Tunnel>> {
        if let Outgoing::Tunnel(tunnel) = self { tunnel.take() } else { None }
    }

    fn has_an_end_to_come(&self) -> bool {
        matches!(self, Outgoing::Streamed(_) | Outgoing::Tunnel(_))
    }

    /// The reply that lasts as long as its call.
    pub(super) fn as_streamed(&self) -> Option<&Streamed> {
        if let Outgoing::Streamed(streamed) = self { Some(streamed) } else { None }
    }

    fn accompany(&mut self, visit: Visit) {
        match self {
            Outgoing::Streamed(streamed) => streamed.accompany(visit),
            Outgoing::Tunnel(Some(tunnel)) => tunnel.accompany(visit),
            _ => {}
        }
    }
}

/// A streamed reply ended early.
#[derive(Debug)]
pub(crate) struct Cut;

impl fmt::Display for Cut {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.write_str("the reply was cut")
    }
}

impl std::error::Error for Cut {}

impl Body for Outgoing {
    type Data = Bytes;
    type Error = Cut;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        match self.get_mut() {
            Outgoing::Whole(bytes) => Poll::Ready(bytes.take().map(|bytes| Ok(Frame::data(bytes)))),
            Outgoing::Streamed(streamed) => streamed.poll_frame(context),
            Outgoing::Tunnel(_) => Poll::Ready(None),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::Whole(bytes) => bytes.is_none(),
            Outgoing::Streamed(streamed) => streamed.is_over(),
            Outgoing::Tunnel(_) => true,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Outgoing::Streamed(_) => SizeHint::default(),
            Outgoing::Tunnel(_) => SizeHint::with_exact(0),
        }
    }
}
