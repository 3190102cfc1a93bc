//! The body of a response: whole, or streamed with its call and its record until the end.

use std::fmt;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::{HeaderMap, Response, StatusCode};
use http_body::{Body, Frame, SizeHint};
use hyper::body::Incoming;
use tokio::time::{Sleep, sleep_until};

use super::visit::Visit;
use crate::call::Run;
use crate::failure::Failure;
use crate::wire::Hangup;

/// A reply with a small body of our own.
pub(crate) fn plain(status: StatusCode, headers: HeaderMap, body: impl Into<Bytes>) -> Response<Bytes> {
    let mut response = Response::new(body.into());
    *response.status_mut() = status;
    *response.headers_mut() = headers;
    response
}

impl Visit {
    /// Sends a small reply of our own.
    pub(crate) fn leave(self, response: Response<Bytes>) -> Response<Outgoing> {
        self.finish(response.status().as_u16());
        response.map(Outgoing::whole)
    }

    /// Sends a reply; a streamed one takes the visit along until its end.
    pub(crate) fn leave_with(mut self, mut response: Response<Outgoing>) -> Response<Outgoing> {
        let status = response.status().as_u16();
        if response.body_mut().is_streamed() {
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
}

/// Ready when the client has left.
type Watch = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A body that is passed on as it comes. Dropping it early means that the client left.
pub(crate) struct Streamed {
    body: Incoming,
    run: Option<Run>,
    visit: Option<Visit>,
    hangup: Option<Watch>,
    deadline: Pin<Box<Sleep>>,
}

impl fmt::Debug for Streamed {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Streamed").field("run", &self.run).finish_non_exhaustive()
    }
}

impl Streamed {
    fn new(body: Incoming, mut run: Run) -> Self {
        run.begin_stream();
        let deadline = Box::pin(sleep_until(run.deadline()));
        Streamed { body, run: Some(run), visit: None, hangup: None, deadline }
    }

    fn poll(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if self.run.is_none() {
            return Poll::Ready(None);
        }
        if self.deadline.as_mut().poll(context).is_ready() {
            if let Some(run) = self.run.take() {
                let failure = run.timed_out();
                run.fail(&failure);
            }
            return Poll::Ready(Some(Err(self.cut())));
        }
        if self.hangup.as_mut().is_some_and(|gone| gone.as_mut().poll(context).is_ready()) {
            // Dropping the run and the visit unfinished says that the client left.
            self.run = None;
            self.visit = None;
            return Poll::Ready(Some(Err(Cut)));
        }
        match ready!(Pin::new(&mut self.body).poll_frame(context)) {
            Some(Ok(frame)) => {
                if frame.is_trailers() {
                    // Nothing follows, and hyper does not ask for more.
                    self.complete();
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(_)) => {
                if let Some(run) = self.run.take() {
                    let failure = Failure::process_exited(run.elapsed(), run.memory());
                    run.fail(&failure);
                }
                Poll::Ready(Some(Err(self.cut())))
            }
            None => {
                self.complete();
                Poll::Ready(None)
            }
        }
    }

    /// The reply reached its end.
    fn complete(&mut self) {
        if let Some(run) = self.run.take() {
            run.finish();
        }
        if let Some(visit) = self.visit.take() {
            visit.complete();
        }
    }

    /// The rest does not come: the client must not take what it has for the whole.
    fn cut(&mut self) -> Cut {
        if let Some(visit) = self.visit.take() {
            visit.complete();
        }
        Cut
    }
}

impl Outgoing {
    pub(crate) fn whole(bytes: Bytes) -> Self {
        Outgoing::Whole((!bytes.is_empty()).then_some(bytes))
    }

    /// A body that is passed on as the instance sends it.
    pub(crate) fn streamed(body: Incoming, run: Run) -> Self {
        Outgoing::Streamed(Box::new(Streamed::new(body, run)))
    }

    fn is_streamed(&self) -> bool {
        matches!(self, Outgoing::Streamed(_))
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
        if let Outgoing::Streamed(streamed) = self {
            streamed.visit = Some(visit);
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
        }
    }

    fn is_end_stream(&self) -> bool {
        match self {
            Outgoing::Whole(bytes) => bytes.is_none(),
            Outgoing::Streamed(streamed) => streamed.run.is_none(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            Outgoing::Whole(bytes) => SizeHint::with_exact(bytes.as_ref().map_or(0, Bytes::len) as u64),
            Outgoing::Streamed(_) => SizeHint::default(),
        }
    }
}
