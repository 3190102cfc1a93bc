//! A gRPC call on the HTTP/2 connection of its instance: the client's messages go up while the function's come down.

use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use fc_runtime::platform::limits::{KIB, MESSAGE_MAX};
use h2::client::{ResponseFuture, SendRequest};
use h2::{Reason, RecvStream, SendStream};
use http::{Request, response};
use http_body::{Body, Frame};

use super::run::{EXIT_NEWS, Run};
use crate::failure::Failure;
use crate::instance::Ended;
use crate::wire::{Messages, Payload};

/// The most bytes that are sent along with a head: the largest frame, unless both sides agree on more.
const ALONG_MAX: usize = 16 * KIB;

/// Both directions of a call.
#[derive(Debug)]
pub(super) struct Duplex {
    up: Upload,
    down: RecvStream,
    messages: Messages,
}

/// Why a call has ended early.
#[derive(Debug)]
pub(super) enum Broken {
    /// The client's messages cannot be passed on. The place for the fault of the body says why.
    Upload,
    /// A message of the function is too large.
    Message,
    Function(h2::Error),
}

impl Broken {
    fn as_response(&self) -> Option<Failure> {
        match self {
            Broken::Message => {
                let text = format!("the function sent a gRPC message of more than {MESSAGE_MAX} bytes");
                Some(Failure::bad_response(text))
            }
            Broken::Function(error) if error.is_reset() => {
                let reason = error.reason().unwrap_or(Reason::INTERNAL_ERROR);
                Some(Failure::bad_response(format!("the function reset the stream: {reason:?}")))
            }
            Broken::Function(error) if error.is_library() => {
                let text =
                    format!("the function does not speak HTTP/2 at its port, which gRPC needs: {error}");
                Some(Failure::bad_response(text))
            }
            // The place for the fault of the body, or the end of the process, says why.
            Broken::Upload | Broken::Function(_) => None,
        }
    }

    /// The failure of a call whose reply has begun.
    pub(super) fn failure(&self, run: &Run) -> Failure {
        run.body_failure().or_else(|| self.as_response()).unwrap_or_else(|| run.exited())
    }

    /// The failure of a call without a reply, after a wait for the news that the process has ended. Does not return if the
    /// client left: the front drops the call.
    pub(super) async fn failure_at_begin(&self, run: &Run) -> Failure {
        if let Some(failure) = run.wait_for_body_failure().await.or_else(|| self.as_response()) {
            return failure;
        }
        let Some(lease) = &run.lease else { return run.exited() };
        if lease.instance.process.exited_within(EXIT_NEWS).await.is_some() {
            return run.exited();
        }
        Failure::bad_response("the function closed the HTTP/2 connection before its reply")
    }
}

/// Sends a request. `Err` has the payload of a request of which nothing was sent.
#[expect(clippy::result_large_err, reason = "the payload goes on to the next connection")]
pub(super) fn send(
    sender: &mut SendRequest<Bytes>,
    request: Request<()>,
    payload: Payload,
) -> Result<Sent, Payload> {
    let is_over = payload.is_end_stream();
    match sender.send_request(request, is_over) {
        Ok((response, stream)) => Ok(Sent {
            response,
            up: Upload { payload, stream, piece: Bytes::new(), is_first: true, is_over, is_broken: false },
        }),
        Err(_) => Err(payload),
    }
}

/// A call that waits for the head of its reply.
pub(super) struct Sent {
    response: ResponseFuture,
    up: Upload,
}

impl Sent {
    /// Waits for the head, and passes the client's messages on meanwhile.
    pub(super) async fn head(mut self) -> Result<(response::Parts, Duplex), Broken> {
        let response = std::future::poll_fn(|context| {
            _ = self.up.poll(context);
            if self.up.is_broken {
                return Poll::Ready(Err(Broken::Upload));
            }
            Pin::new(&mut self.response).poll(context).map_err(Broken::Function)
        })
        .await?;
        let (head, down) = response.into_parts();
        Ok((head, Duplex { up: self.up, down, messages: Messages::default() }))
    }
}

impl Duplex {
    /// Passes the client's messages on, while nobody asks for the function's.
    pub(super) fn poll_upload(&mut self, context: &mut Context<'_>) {
        _ = self.up.poll(context);
    }

    pub(super) fn is_end_stream(&self) -> bool {
        self.down.is_end_stream()
    }

    /// The streams of a call that both sides have ended. One that the client has not ended is reset by its drop.
    pub(super) fn ended(self) -> Option<Ended> {
        (self.up.is_over && self.down.is_end_stream()).then_some((self.up.stream, self.down))
    }

    pub(super) fn poll_frame(
        &mut self,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, Broken>>> {
        self.poll_upload(context);
        if self.up.is_broken {
            return Poll::Ready(Some(Err(Broken::Upload)));
        }
        match ready!(self.down.poll_data(context)) {
            Some(Ok(data)) => {
                // Only a stream that has ended meanwhile has no window.
                _ = self.down.flow_control().release_capacity(data.len());
                if self.messages.follow(&data).is_err() {
                    return Poll::Ready(Some(Err(Broken::Message)));
                }
                Poll::Ready(Some(Ok(Frame::data(data))))
            }
            Some(Err(error)) => Poll::Ready(Some(Err(Broken::Function(error)))),
            None => Poll::Ready(match ready!(self.down.poll_trailers(context)) {
                Ok(trailers) => trailers.map(|trailers| Ok(Frame::trailers(trailers))),
                Err(error) => Some(Err(Broken::Function(error))),
            }),
        }
    }
}

/// The client's messages on their way to the function. At most one piece is held.
#[derive(Debug)]
struct Upload {
    payload: Payload,
    stream: SendStream<Bytes>,
    piece: Bytes,
    /// Whether nothing was sent yet.
    is_first: bool,
    is_over: bool,
    /// Whether the client's messages cannot be read to their end.
    is_broken: bool,
}

impl Upload {
    /// Ready once nothing more is to be passed on.
    fn poll(&mut self, context: &mut Context<'_>) -> Poll<()> {
        while !self.is_over {
            if self.piece.is_empty() {
                let frame = ready!(Pin::new(&mut self.payload).poll_frame(context));
                self.take(frame);
                continue;
            }
            // The stream is not open yet, and has no room. A first piece of usual length waits there, to go with the head.
            let goes_along = std::mem::take(&mut self.is_first) && self.piece.len() <= ALONG_MAX;
            let room = if goes_along { self.piece.len() } else { self.stream.capacity() };
            if room == 0 {
                if let Some(Ok(_)) = ready!(self.stream.poll_capacity(context)) {
                    continue;
                }
                // The function takes no more, and may still answer.
                self.end();
                break;
            }
            let piece = self.piece.split_to(room.min(self.piece.len()));
            let is_last = self.piece.is_empty() && self.payload.is_end_stream();
            if self.stream.send_data(piece, is_last).is_err() || is_last {
                self.end();
            }
        }
        Poll::Ready(())
    }

    fn take<E>(&mut self, frame: Option<Result<Frame<Bytes>, E>>) {
        match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(data))) => {
                self.stream.reserve_capacity(data.len());
                self.piece = data;
            }
            Some(Ok(Err(frame))) => {
                // Trailers of a request, which gRPC does not have.
                if let Ok(trailers) = frame.into_trailers() {
                    _ = self.stream.send_trailers(trailers);
                    self.end();
                }
            }
            Some(Err(_)) => {
                self.stream.send_reset(Reason::CANCEL);
                self.is_broken = true;
                self.end();
            }
            None => {
                _ = self.stream.send_data(Bytes::new(), true);
                self.end();
            }
        }
    }

    fn end(&mut self) {
        self.is_over = true;
        self.payload = Payload::Empty;
    }
}
