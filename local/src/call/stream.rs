//! A streamed body, with the time limit and the end of the call.

use std::pin::Pin;
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::Bytes;
use http_body::{Body, Frame};
use http_body_util::BodyExt;
use tokio::time::{Sleep, sleep_until, timeout};

use super::answer::{BodyError, BodySource};
use super::dispatch::rpc_failed;
use super::endpoint_event::{EndpointEvent, Found};
use super::run::Run;
use crate::failure::Failure;
use crate::wire::h1::Broken;
use crate::wire::{Fault, headers, limits};

/// How long the head waits for the first piece of a streamed body.
const FIRST_MAX: Duration = Duration::from_millis(100);

/// A streamed body. A drop before the end means that the client left.
#[derive(Debug)]
pub(crate) struct AnswerStream {
    body: BodySource,
    first: First,
    /// `None` after the end of the call.
    run: Option<Run>,
    /// Looks for the name of the call's session, where the stream is to begin with it.
    endpoint_event: Option<EndpointEvent>,
    deadline: Pin<Box<Sleep>>,
    /// How the call failed, if it did.
    failure: Option<Failure>,
}

/// The pieces that were read before the head was passed on.
#[derive(Debug)]
enum First {
    Nothing,
    Frame(Frame<Bytes>),
    End,
}

/// Why a body ended early.
#[derive(Debug)]
pub(crate) enum BrokenOff {
    /// The client left in the middle of its own body. The call ends with the drop of the stream.
    Client,
    /// The call has failed, for example because the instance ended.
    Call,
}

impl AnswerStream {
    pub(super) fn new(body: BodySource, mut run: Run, has_endpoint_event: bool) -> Self {
        run.begin_stream();
        let endpoint_event = has_endpoint_event.then(EndpointEvent::default);
        let deadline = Box::pin(sleep_until(run.deadline()));
        AnswerStream { body, first: First::Nothing, run: Some(run), endpoint_event, deadline, failure: None }
    }

    /// Waits for the first piece for a short time. A body that fails at once then becomes a failure, not a reply that
    /// breaks off.
    pub(super) async fn begun(mut self) -> Result<Self, Failure> {
        match timeout(FIRST_MAX, self.body.frame()).await {
            Ok(Some(Ok(frame))) => self.first = First::Frame(frame),
            Ok(None) => self.first = First::End,
            Ok(Some(Err(error))) => {
                if let Some(run) = self.run.take() {
                    let failure = match unreadable(&error) {
                        Some(failure) => failure,
                        None => run.crashed().await,
                    };
                    run.fail(&failure);
                    return Err(failure);
                }
            }
            Err(_) => {}
        }
        Ok(self)
    }

    /// Whether the body is complete.
    pub(crate) fn is_over(&self) -> bool {
        self.run.is_none()
    }

    /// Polls for the next frame. `None` at the end. The stream ends with the trailers, because hyper does not poll
    /// after them.
    pub(crate) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if self.is_over() {
            return Poll::Ready(None);
        }
        let frame = match std::mem::replace(&mut self.first, First::Nothing) {
            First::Nothing => match Pin::new(&mut self.body).poll_frame(context) {
                Poll::Ready(frame) => frame,
                Poll::Pending => return self.poll_time(context),
            },
            First::Frame(frame) => Some(Ok(frame)),
            First::End => None,
        };
        match frame {
            Some(Ok(mut frame)) => {
                if let (Some(piece), Some(run)) = (frame.data_ref(), &mut self.run) {
                    run.receive(piece.len());
                }
                let is_rpc = self.is_rpc();
                if let Some(trailers) = frame.trailers_mut() {
                    if let Some(run) = &mut self.run {
                        run.counted.tells_failure |= is_rpc && rpc_failed(trailers);
                    }
                    if !is_rpc {
                        // A function may say no more in trailers than in headers.
                        headers::strip_reply(trailers);
                    } else if let Err(failure) = limits::check_reply(trailers) {
                        return self.break_off_by(|_| failure);
                    }
                    self.complete();
                }
                if self.endpoint_event.is_some() {
                    self.look_for_session(&frame);
                }
                Poll::Ready(Some(Ok(frame)))
            }
            Some(Err(error)) => {
                let fault = self.run.as_ref().and_then(|run| run.body_fault.get());
                if fault == Some(Fault::Left) {
                    return Poll::Ready(Some(Err(BrokenOff::Client)));
                }
                self.break_off_by(|run| match error {
                    BodyError::Http2(broken) => broken.failure(run),
                    error @ BodyError::Http1(_) => {
                        run.body_failure().or_else(|| unreadable(&error)).unwrap_or_else(|| run.exited())
                    }
                })
            }
            None => {
                self.complete();
                Poll::Ready(None)
            }
        }
    }

    /// Whether the body is a gRPC call, whose end says how the call ended.
    pub(crate) fn is_rpc(&self) -> bool {
        matches!(self.body, BodySource::Http2(_))
    }

    /// The end of a gRPC call at the function's time, which the client is told. Other bodies are cut.
    fn poll_time(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        if !self.is_rpc() {
            return Poll::Pending;
        }
        ready!(self.deadline.as_mut().poll(context));
        self.break_off_by(Run::timed_out)
    }

    fn break_off_by(
        &mut self,
        why: impl FnOnce(&Run) -> Failure,
    ) -> Poll<Option<Result<Frame<Bytes>, BrokenOff>>> {
        self.fail(why);
        Poll::Ready(Some(Err(BrokenOff::Call)))
    }

    /// Ends the call at the function's time. To be polled beside [`poll_frame`](Self::poll_frame), which is polled only while
    /// the client takes more. A client that takes nothing may still send.
    pub(crate) fn poll_deadline(&mut self, context: &mut Context<'_>) -> Poll<()> {
        match &mut self.body {
            BodySource::Http1(link) => _ = link.poll_upload(context),
            BodySource::Http2(duplex) => duplex.poll_upload(context),
            BodySource::Over => {}
        }
        ready!(self.deadline.as_mut().poll(context));
        self.fail(Run::timed_out);
        Poll::Ready(())
    }

    /// Ends the call as one whose instance has ended.
    pub(crate) fn break_off(&mut self) {
        self.fail(Run::exited);
    }

    fn look_for_session(&mut self, frame: &Frame<Bytes>) {
        let (Some(event), Some(piece)) = (&mut self.endpoint_event, frame.data_ref()) else { return };
        match event.read(piece) {
            Found::NotYet => return,
            Found::Nothing => {}
            Found::Session(id) => {
                if let Some(run) = &mut self.run {
                    run.name_session(id.into());
                    run.ends_session();
                }
            }
        }
        self.endpoint_event = None;
    }

    /// How the call failed after the reply's head, if it did.
    pub(crate) fn failure(&self) -> Option<&Failure> {
        self.failure.as_ref()
    }

    fn complete(&mut self) {
        let Some(run) = self.run.take() else { return };
        let link = match std::mem::replace(&mut self.body, BodySource::Over) {
            BodySource::Http2(duplex) => {
                run.keep(*duplex);
                None
            }
            BodySource::Http1(link) => Some(link),
            BodySource::Over => None,
        };
        run.complete(link);
    }

    fn fail(&mut self, why: impl FnOnce(&Run) -> Failure) {
        if let Some(run) = self.run.take() {
            let failure = why(&run);
            run.fail(&failure);
            self.failure = Some(failure);
        }
    }
}

/// The failure of a body that does not end with its connection, but cannot be read on.
pub(super) fn unreadable(error: &BodyError) -> Option<Failure> {
    let BodyError::Http1(Broken::Chunks(fault)) = error else { return None };
    Some(Failure::bad_response(format!("the chunks of the function's reply cannot be read: {fault}")))
}
