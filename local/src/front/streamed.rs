//! A streamed reply with the record of its visit. The reply ends with its client and with the function's time, whether hyper asks for
//! more of it or not: hyper does not look at a body while the client takes nothing.

use std::fmt;
use std::pin::Pin;
use std::sync::atomic::{AtomicBool, AtomicUsize, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError, Weak};
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http_body::Frame;

use super::body::Cut;
use super::rpc;
use super::silence::Silence;
use super::under_way::{Ongoing, Remaining, UnderWay};
use super::visit::Visit;
use crate::call::{AnswerStream, BrokenOff};

/// Ready when the client has left.
type Watch = Pin<Box<dyn Future<Output = ()> + Send>>;

/// A streamed body with the record of its visit. hyper holds the body, and the connection keeps an eye on it. Dropping it before
/// its end means that the client left.
#[derive(Debug)]
pub(crate) struct Streamed(Arc<Mutex<State>>);

struct State {
    /// `None` once the reply was cut.
    answer: Option<AnswerStream>,
    visit: Option<Visit>,
    hangup: Option<Watch>,
    /// Ready when the client has what came before a failure. A connection drops what is unsent at an error.
    sent: Option<Watch>,
    /// Whether the reply has failed, and what came before is still being sent.
    is_failing: bool,
    /// Ends a reply in which nothing comes.
    silence: Option<Silence>,
}

impl fmt::Debug for State {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("State").field("answer", &self.answer).finish_non_exhaustive()
    }
}

impl Streamed {
    pub(super) fn new(answer: AnswerStream) -> Self {
        Streamed(Arc::new(Mutex::new(State {
            answer: Some(answer),
            visit: None,
            hangup: None,
            sent: None,
            is_failing: false,
            silence: None,
        })))
    }

    pub(super) fn accompany(&self, visit: Visit) {
        lock(&self.0).visit = Some(visit);
    }

    /// Ends the reply once nothing of it has come for too long.
    pub(super) fn set_idle(&self, silence: Silence) {
        lock(&self.0).silence = Some(silence);
    }

    /// Lets the reply end when its client leaves, which `hangup` says.
    pub(super) fn watch(&self, hangup: impl Future<Output = ()> + Send + 'static) {
        lock(&self.0).hangup = Some(Box::pin(hangup));
    }

    /// Lets what comes before a failure be sent first, which `sent` waits for.
    pub(super) fn flow_out(&self, sent: impl Future<Output = ()> + Send + 'static) {
        lock(&self.0).sent = Some(Box::pin(sent));
    }

    /// Whether the reply is complete.
    pub(super) fn is_over(&self) -> bool {
        let state = lock(&self.0);
        !state.is_failing && state.answer.as_ref().is_some_and(AnswerStream::is_over)
    }

    pub(super) fn poll_frame(&self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        lock(&self.0).poll_frame(context)
    }
}

impl State {
    fn poll_frame(&mut self, context: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, Cut>>> {
        if self.is_failing
            && let Some(sent) = &mut self.sent
        {
            ready!(sent.as_mut().poll(context));
            self.sent = None;
        }
        if self.is_failing {
            return Poll::Ready(Some(Err(Cut)));
        }
        let Some(answer) = &mut self.answer else { return Poll::Ready(Some(Err(Cut))) };
        let Poll::Ready(frame) = answer.poll_frame(context) else {
            let Some(silence) = &mut self.silence else { return Poll::Pending };
            ready!(silence.poll(context));
            if let Some(visit) = self.visit.take() {
                visit.cut();
            }
            self.answer = None;
            return Poll::Ready(Some(Err(Cut)));
        };
        if let Some(silence) = &mut self.silence {
            silence.end();
        }
        let frame = match frame {
            Some(Err(BrokenOff::Client)) => {
                self.leave();
                return Poll::Ready(Some(Err(Cut)));
            }
            // A client of gRPC is told why.
            Some(Err(BrokenOff::Call)) if answer.is_rpc() => {
                answer.failure().map(|failure| Ok(Frame::trailers(rpc::trailers(failure))))
            }
            frame => frame.map(|frame| frame.map_err(|_| Cut)),
        };
        let is_over = answer.is_over();
        if let Some(Ok(frame)) = &frame
            && let Some(data) = frame.data_ref()
            && let Some(visit) = &self.visit
        {
            visit.copy(data);
        }
        if let Some(Ok(frame)) = &frame
            && let Some(trailers) = frame.trailers_ref()
            && let Some(visit) = &mut self.visit
        {
            visit.set_grpc_status(rpc::code_of(trailers));
        }
        if is_over {
            // The reply is complete, or was cut.
            self.complete_visit();
        }
        if matches!(frame, Some(Err(Cut))) {
            self.is_failing = true;
            return self.poll_frame(context);
        }
        Poll::Ready(frame)
    }

    /// Ready when the client has left or the function's time is over. The call has ended then.
    fn poll_cut(&mut self, context: &mut Context<'_>) -> Poll<()> {
        let Some(answer) = &mut self.answer else { return Poll::Ready(()) };
        if answer.is_over() {
            return Poll::Pending;
        }
        if self.hangup.as_mut().is_some_and(|gone| gone.as_mut().poll(context).is_ready()) {
            self.leave();
            return Poll::Ready(());
        }
        ready!(answer.poll_deadline(context));
        self.complete_visit();
        self.answer = None;
        Poll::Ready(())
    }

    fn break_off(&mut self) {
        if let Some(answer) = &mut self.answer {
            answer.break_off();
            self.complete_visit();
            self.answer = None;
        }
    }

    /// Ends the reply as one whose client left.
    fn leave(&mut self) {
        // The drop of an unfinished answer and visit means that the client left.
        self.answer = None;
        self.visit = None;
    }

    fn complete_visit(&mut self) {
        if let Some(mut visit) = self.visit.take() {
            if let Some(failure) = self.answer.as_ref().and_then(AnswerStream::failure) {
                visit.set_cause(failure);
            }
            visit.complete();
        }
    }
}

/// The latest request of a connection, or the one of an HTTP/2 stream, and its reply while there is one.
#[derive(Debug, Default)]
pub(super) struct Current {
    pub(super) under_way: UnderWay,
    streamed: Mutex<Weak<Mutex<State>>>,
    /// Whether there was a streamed reply. Most connections have none, and are asked whenever they run.
    has_streamed: AtomicBool,
    /// How many pieces of a whole reply were taken, from 1. Zero for other replies.
    pieces: AtomicUsize,
}

impl Current {
    pub(super) fn set(&self, streamed: &Streamed) {
        *lock(&self.streamed) = Arc::downgrade(&streamed.0);
        self.has_streamed.store(true, Ordering::Release);
    }

    /// A piece of a whole reply was taken, or the reply begins.
    pub(super) fn take_piece(&self) {
        self.pieces.fetch_add(1, Ordering::Relaxed);
    }

    pub(super) fn pieces(&self) -> usize {
        self.pieces.load(Ordering::Relaxed)
    }

    /// Ends the reply as one whose instance has ended.
    pub(super) fn break_off(&self) {
        if let Some(state) = lock(&self.streamed).upgrade() {
            lock(&state).break_off();
        }
    }

    pub(super) fn poll_cut(&self, context: &mut Context<'_>) -> Poll<()> {
        if !self.has_streamed.load(Ordering::Acquire) {
            return Poll::Pending;
        }
        match lock(&self.streamed).upgrade() {
            Some(state) => lock(&state).poll_cut(context),
            None => Poll::Pending,
        }
    }
}

impl Ongoing for Current {
    fn remaining(&self) -> Vec<Remaining> {
        self.under_way.remaining().into_iter().collect()
    }
}

/// A connection that also ends when its streamed reply is cut.
#[derive(Debug)]
pub(super) struct Guarded<'a, C> {
    pub(super) connection: C,
    pub(super) current: &'a Current,
}

impl<C: Future<Output = hyper::Result<()>> + Unpin> Future for Guarded<'_, C> {
    type Output = hyper::Result<()>;

    fn poll(mut self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<hyper::Result<()>> {
        match Pin::new(&mut self.connection).poll(context) {
            Poll::Ready(outcome) => Poll::Ready(outcome),
            Poll::Pending => self.current.poll_cut(context).map(Ok),
        }
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
