//! The body of a response: whole, streamed until the end of its call and record, or none before a WebSocket.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use hyper::upgrade::OnUpgrade;
use tokio_util::sync::CancellationToken;

use super::leaving::Leaving;
use super::passed::Passed;
use super::silence::Silence;
use super::streamed::{Current, Streamed};
use super::tunnel::Tunnel;
use super::visit::Visit;
use crate::call::{AnswerStream, AnswerTunnel, Command};

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
        if let Some(leaving) = self.take_leaving()
            && !response.body().is_end_stream()
        {
            self.begin_reply(status);
            response.body_mut().accompany(self);
            return response.map(|body| Outgoing::Leaving(Box::new(Leaving::new(body, leaving))));
        }
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
    Whole(Whole),
    Streamed(Streamed),
    Tunnel(Option<Box<Tunnel>>),
    /// The reply of a server that is no function.
    Passed(Box<Passed>),
    /// A reply whose client is made to leave.
    Leaving(Box<Leaving>),
}

impl Outgoing {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Outgoing::Whole(Whole { rest: bytes, visit: None, current: None })
    }

    /// A body that is streamed from the instance.
    pub(crate) fn streamed(answer: AnswerStream) -> Self {
        Outgoing::Streamed(Streamed::new(answer))
    }

    /// An empty body, behind a head that upgrades the connection to WebSocket.
    pub(crate) fn tunnel(answer: AnswerTunnel) -> Self {
        Outgoing::Tunnel(Some(Box::new(Tunnel::new(answer))))
    }

    /// An empty body, before a WebSocket between a client and a server that is no function.
    /// `stop` ends it.
    pub(crate) fn joined(client: OnUpgrade, server: OnUpgrade, stop: CancellationToken) -> Self {
        Outgoing::Tunnel(Some(Box::new(Tunnel::joined(client, server, stop))))
    }

    /// An empty body, before a WebSocket between a client and a command in an instance.
    pub(crate) fn command(client: OnUpgrade, command: Command) -> Self {
        Outgoing::Tunnel(Some(Box::new(Tunnel::command(client, command))))
    }

    /// The body of a server that is no function.
    pub(crate) fn passed(body: Incoming) -> Self {
        Outgoing::Passed(Box::new(Passed::new(body)))
    }

    /// Ends a stream or a WebSocket on which nothing passes for so long.
    pub(crate) fn set_idle(&mut self, most: Duration) {
        match self {
            Outgoing::Streamed(streamed) => streamed.set_idle(Silence::new(most)),
            Outgoing::Passed(passed) => passed.set_idle(Silence::new(most)),
            Outgoing::Tunnel(Some(tunnel)) => tunnel.set_idle(most),
            _ => {}
        }
    }

    /// The bytes of a whole body.
    pub(crate) fn whole_bytes(&self) -> Option<&Bytes> {
        if let Outgoing::Whole(whole) = self { Some(&whole.rest) } else { None }
    }

    /// Takes the WebSocket that starts once the head is sent.
    pub(super) fn take_tunnel(&mut self) -> Option<Box<Tunnel>> {
        if let Outgoing::Tunnel(tunnel) = self { tunnel.take() } else { None }
    }

    fn has_an_end_to_come(&self) -> bool {
        match self {
            Outgoing::Whole(whole) => whole.rest.len() > PIECE,
            Outgoing::Passed(passed) => !passed.is_over(),
            Outgoing::Streamed(_) | Outgoing::Tunnel(_) | Outgoing::Leaving(_) => true,
        }
    }

    /// The reply that lasts as long as its call.
    pub(super) fn as_streamed(&self) -> Option<&Streamed> {
        match self {
            Outgoing::Streamed(streamed) => Some(streamed),
            Outgoing::Leaving(leaving) => leaving.body()?.as_streamed(),
            _ => None,
        }
    }

    /// The length of the next piece of a whole body. Of others it is not known.
    pub(super) fn next_length(&self) -> u64 {
        if let Outgoing::Whole(whole) = self { whole.rest.len().min(PIECE) as u64 } else { 0 }
    }

    /// Counts the pieces of a whole body, for who watches that they are taken.
    pub(super) fn count_pieces(&mut self, current: &Arc<Current>) {
        match self {
            Outgoing::Whole(whole) if !whole.rest.is_empty() => {
                current.take_piece();
                whole.current = Some(Arc::clone(current));
            }
            Outgoing::Leaving(leaving) => {
                if let Some(body) = leaving.body_mut() {
                    body.count_pieces(current);
                }
            }
            _ => {}
        }
    }

    fn accompany(&mut self, visit: Visit) {
        match self {
            Outgoing::Whole(whole) => whole.visit = Some(Box::new(visit)),
            Outgoing::Streamed(streamed) => streamed.accompany(visit),
            Outgoing::Tunnel(Some(tunnel)) => tunnel.accompany(visit),
            Outgoing::Passed(passed) => passed.accompany(visit),
            Outgoing::Tunnel(None) | Outgoing::Leaving(_) => {}
        }
    }
}

/// A whole body beyond this size is given out in pieces of this size, in bytes. Otherwise nobody would see that its client
/// left before the end: hyper takes as much as is given.
const PIECE: usize = 64 * 1024;

/// A whole body. A large one has the record of its visit: a drop before its last piece means that the client left.
#[derive(Debug)]
pub(crate) struct Whole {
    rest: Bytes,
    visit: Option<Box<Visit>>,
    /// Counts the pieces, over HTTP/2 alone: of HTTP/1 the socket tells as much.
    current: Option<Arc<Current>>,
}

impl Whole {
    fn next(&mut self) -> Option<Bytes> {
        if self.rest.is_empty() {
            return None;
        }
        let piece = self.rest.split_to(self.rest.len().min(PIECE));
        if let Some(current) = &self.current {
            current.take_piece();
        }
        if self.rest.is_empty()
            && let Some(visit) = self.visit.take()
        {
            visit.complete();
        }
        Some(piece)
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
            Outgoing::Whole(whole) => Poll::Ready(whole.next().map(|piece| Ok(Frame::data(piece)))),
            Outgoing::Streamed(streamed) => streamed.poll_frame(context),
            Outgoing::Tunnel(_) => Poll::Ready(None),
            Outgoing::Passed(passed) => passed.poll_frame(context),
            Outgoing::Leaving(leaving) => leaving.poll_frame(context),
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::Whole(whole) => whole.rest.is_empty(),
            Outgoing::Streamed(streamed) => streamed.is_over(),
            Outgoing::Tunnel(_) => true,
            Outgoing::Passed(passed) => passed.is_over(),
            Outgoing::Leaving(leaving) => leaving.is_over(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Whole(whole) => SizeHint::with_exact(whole.rest.len() as u64),
            Outgoing::Streamed(_) => SizeHint::default(),
            Outgoing::Tunnel(_) => SizeHint::with_exact(0),
            Outgoing::Passed(passed) => passed.size_hint(),
            Outgoing::Leaving(leaving) => leaving.body().map_or_else(SizeHint::default, Body::size_hint),
        }
    }
}
