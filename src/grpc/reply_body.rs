//! The body of a gRPC reply: messages, then the status.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Instant;

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use http::HeaderMap;
use http_body::Frame;
use pin_project_lite::pin_project;
use prost::Message;
use tonic::Code;

use crate::error::{Error, Result};
use crate::exchange::{Call, Shared};
use crate::grpc::status::{going_away, judge_by, map_and_log, of_ours, trailers};
use crate::grpc::wire::Wire;
use crate::grpc::{frame, percent, web};
use crate::reply::{Source, StreamWaker};
use crate::stop::{StopNotice, Stops};
use crate::timer::Deadline;

/// A body of one message and its status.
pub(crate) struct One {
    call: Arc<Call>,
    frame: Bytes,
    trailers: HeaderMap,
}

impl One {
    pub(crate) fn new(call: Arc<Call>, frame: Bytes, trailers: HeaderMap) -> Self {
        Self { call, frame, trailers }
    }
}

impl Source for One {
    fn poll_frame(mut self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        if !self.frame.is_empty() {
            return Poll::Ready(Some(Ok(Frame::data(std::mem::take(&mut self.frame)))));
        }
        judge_by(&self.call, &self.trailers);
        Poll::Ready(Some(Ok(Frame::trailers(std::mem::take(&mut self.trailers)))))
    }
}

/// A source of frames.
pub(crate) trait Produce: Send {
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Produced>;
}

pub(crate) enum Produced {
    Data(Bytes, Then),
    End(HeaderMap),
    Failed(Error),
}

/// The state of the source after some data.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Then {
    More,
    /// The source is pending, and will wake the task.
    Silence,
}

pin_project! {
    /// A stream of frames. However it ends (by itself, a panic, the deadline, a stop), a status is sent.
    pub(crate) struct ReplyBody<P, S> {
        #[pin]
        frames: P,
        call: Arc<Call>,
        shared: Arc<Shared<S>>,
        wire: Wire,
        notice: Option<StopNotice>,
        waker: Option<StreamWaker>,
        deadline: Deadline,
        // Whether a frame has come since the stop notice. A stream that is then pending, or gives one more frame, ends
        // with UNAVAILABLE.
        is_told: bool,
        // The error to end with at the next poll.
        last: Option<Error>,
        is_over: bool,
    }
}

impl<P, S> ReplyBody<P, S> {
    pub(crate) fn new(frames: P, call: Arc<Call>, shared: Arc<Shared<S>>, wire: Wire) -> Self {
        let deadline = Deadline::NotAsked;
        Self {
            frames,
            call,
            shared,
            wire,
            notice: None,
            waker: None,
            deadline,
            is_told: false,
            last: None,
            is_over: false,
        }
    }
}

impl<P: Produce, S: Send + Sync> Source for ReplyBody<P, S> {
    fn poll_frame(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let mut this = self.project();
        if *this.is_over {
            return Poll::Ready(None);
        }
        if let Some(error) = this.last.take() {
            *this.is_over = true;
            return Poll::Ready(Some(Ok(end_badly(*this.wire, this.call, &error))));
        }
        let waker = this.waker.get_or_insert_with(|| StreamWaker::new(cx.waker()));
        if !waker.take_wake(cx.waker()) {
            return Poll::Pending;
        }
        let cx = &mut Context::from_waker(waker.waker());
        // Polled before the frames: if the stream ends because of the stop, the notice was seen first.
        let is_stopping = this.notice.as_mut().is_some_and(|notice| Pin::new(notice).poll(cx).is_ready());
        let frames = this.frames.as_mut();
        // The stream is never polled again after a panic, so a broken invariant cannot be observed.
        let produced = catch_unwind(AssertUnwindSafe(|| frames.poll_next(cx)));
        let mut late = || lateness(this.deadline, this.call, this.shared, cx);
        let error = match produced {
            Ok(Poll::Ready(Produced::Data(data, then))) => {
                // A stream that is always ready is ended too. One more frame may pass as its goodbye.
                let goodbye = is_stopping && !std::mem::replace(this.is_told, is_stopping);
                *this.last = if is_stopping && !goodbye { Some(going_away()) } else { late() };
                if then == Then::More || is_stopping || this.last.is_some() {
                    waker.stay_woken();
                }
                return Poll::Ready(Some(Ok(Frame::data(web::data(*this.wire, data)))));
            }
            Ok(Poll::Ready(Produced::End(trailers))) => {
                judge_by(this.call, &trailers);
                *this.is_over = true;
                return Poll::Ready(Some(Ok(end(*this.wire, trailers))));
            }
            Ok(Poll::Ready(Produced::Failed(error))) => map_and_log(this.shared, error),
            Ok(Poll::Pending) if is_stopping => going_away(),
            Ok(Poll::Pending) => match late() {
                Some(error) => error,
                None => return Poll::Pending,
            },
            Err(_) => this.shared.panicked("internal error"),
        };
        *this.is_over = true;
        Poll::Ready(Some(Ok(end_badly(*this.wire, this.call, &error))))
    }

    fn is_silent(&self, task: &Waker) -> bool {
        !self.is_over && self.waker.as_ref().is_some_and(|waker| waker.is_silent(task))
    }

    fn listen(self: Pin<&mut Self>, stops: &Stops) {
        *self.project().notice = Some(stops.listen());
    }
}

fn end(wire: Wire, trailers: HeaderMap) -> Frame<Bytes> {
    if wire.is_web() { Frame::data(web::last_frame(wire, &trailers)) } else { Frame::trailers(trailers) }
}

fn end_badly(wire: Wire, call: &Call, error: &Error) -> Frame<Bytes> {
    end(wire, trailers(call, error))
}

/// The error of a stream, once its deadline has passed.
fn lateness<S>(
    deadline: &mut Deadline,
    call: &Call,
    shared: &Shared<S>,
    cx: &mut Context<'_>,
) -> Option<Error> {
    deadline.poll(cx, || shared.deadline(call)).is_ready().then(|| {
        let taken = Instant::now().saturating_duration_since(call.started()).as_secs_f32();
        of_ours(Code::DeadlineExceeded, format!("the stream did not end within {taken:.1} s"))
    })
}

/// The most bytes that are joined before they are sent. Messages that are ready together leave together.
const TOGETHER: usize = 16 * 1024;

pin_project! {
    /// The author's messages, as frames.
    pub(crate) struct Framed<St> {
        #[pin]
        messages: St,
        frames: BytesMut,
        // How the stream ended, kept until the frames are sent.
        end: Option<Result>,
        trailers: HeaderMap,
    }
}

impl<St> Framed<St> {
    pub(crate) fn new(messages: St, trailers: HeaderMap) -> Self {
        Self { messages, frames: BytesMut::new(), end: None, trailers }
    }
}

impl<St, M> Produce for Framed<St>
where
    St: Stream<Item = Result<M>> + Send,
    M: Message,
{
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Produced> {
        let mut this = self.project();
        let mut then = Then::More;
        while this.end.is_none() && this.frames.len() < TOGETHER {
            *this.end = match this.messages.as_mut().poll_next(cx) {
                Poll::Ready(Some(message)) => {
                    message.and_then(|message| frame::append(&message, this.frames)).err().map(Err)
                }
                Poll::Ready(None) => Some(Ok(())),
                Poll::Pending if this.frames.is_empty() => return Poll::Pending,
                Poll::Pending => {
                    then = Then::Silence;
                    break;
                }
            };
        }
        if !this.frames.is_empty() {
            return Poll::Ready(Produced::Data(this.frames.split().freeze(), then));
        }
        Poll::Ready(match this.end.take() {
            Some(Err(error)) => Produced::Failed(error),
            _ => Produced::End(std::mem::take(this.trailers)),
        })
    }
}

pin_project! {
    /// The reply of a generated service.
    pub(crate) struct Passed {
        #[pin]
        pub(crate) body: tonic::body::Body,
    }
}

impl Produce for Passed {
    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Produced> {
        let frame = ready!(http_body::Body::poll_frame(self.project().body, cx));
        Poll::Ready(match frame.map(|frame| frame.map(Frame::into_data)) {
            Some(Ok(Ok(data))) => Produced::Data(data, Then::More),
            Some(Ok(Err(frame))) => {
                let mut trailers = frame.into_trailers().unwrap_or_default();
                percent::encode_anew(&mut trailers);
                Produced::End(trailers)
            }
            Some(Err(status)) => Produced::Failed(status.into()),
            None => Produced::Failed(of_ours(Code::Internal, "the service's reply ended without a status")),
        })
    }
}
