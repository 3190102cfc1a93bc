//! The body of a response: whole, streamed until the end of its call and record, or none before a WebSocket.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};

use super::tunnel::Tunnel;
use super::visit::Visit;
use crate::call::{AnswerStream, AnswerTunnel, BrokenOff};
use crate::wire::Hangup;

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
    Streamed(Box<Streamed>),
    Tunnel(Option<Box<Tunnel>>),
}

/// Ready when the client has left.
type Watch = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A streamed body with the record of its visit. A drop before the end means that the client left.
pub(crate) struct Streamed {
    /// `None` once the client has left.
    answer: Option<AnswerStream>,
    visit: Option<Visit>,
    hangup: Option<Watch>,
}

impl fmt::Debug for Streamed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Streamed").field("answer", &self.answer).finish_non_exhaustive()
    }
}

impl Streamed {
    fn is_over(&self) -> bool {
        self.answer.as_ref().is_none_or(AnswerStream::is_over)
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        let Some(answer) = &mut self.answer else { return Poll::Ready(None) };
        if answer.is_over() {
            return Poll::Ready(None);
        }
        if self.hangup.as_mut().is_some_and(|gone| gone.as_mut().poll(context).is_ready()) {
            // The drop of an unfinished answer and visit means that the client left.
            self.answer = None;
            self.visit = None;
            return Poll::Ready(Some(Err(Cut)));
        }
        let frame = ready!(answer.poll_frame(context));
        // The reply is complete, or was cut.
        if answer.is_over()
            && let Some(visit) = self.visit.take()
        {
            visit.complete();
        }
        Poll::Ready(frame.map(|frame| frame.map_err(|BrokenOff| Cut)))
    }
}

impl Outgoing {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Outgoing::Whole((!bytes.is_empty()).then_some(bytes))
    }

    /// A body that is streamed from the instance.
    pub(crate) fn streamed(answer: AnswerStream) -> Self {
        Outgoing::Streamed(Box::new(Streamed { answer: Some(answer), visit: None, hangup: None }))
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

    /// Lets a streamed body notice that its client leaves.
    pub(crate) fn watched(mut self, hangup: &Arc<impl AsRef<Hangup> + Send + Sync + 'static>) -> Self {
        if let Outgoing::Streamed(streamed) = &mut self {
            let hangup = Arc::clone(hangup);
            streamed.hangup = Some(Box::pin(async move { (*hangup).as_ref().gone().await }));
        }
        self
    }

    fn accompany(&mut self, visit: Visit) {
        match self {
            Outgoing::Streamed(streamed) => streamed.visit = Some(visit),
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
            Outgoing::Streamed(streamed) => streamed.poll(context),
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
