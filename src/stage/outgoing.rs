//! The body of a reply while it is sent, with the record that ends with it.

mod direct;

use std::fmt;
use std::panic::{AssertUnwindSafe, catch_unwind};
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::Version;
use http_body::{Body as _, Frame, SizeHint};

#[cfg(feature = "http2")]
use crate::budget::{Gate, SMALL, count_whole};
use crate::error::{BoxError, Error};
use crate::exchange::{Busy, Call, Replying};
use crate::log::current::{self, Entered};
use crate::log::say;
#[cfg(feature = "http2")]
use crate::platform::limits::KIB;
use crate::reply::Body;
use crate::stage::{Record, drain_leftover};
use crate::task::{BoxFuture, Tracker};

/// A reply's body. If it is dropped before its end, the record ends as a client that left.
pub(crate) struct Outgoing {
    body: Body,
    record: Option<Record>,
    /// Keeps the connection's request in progress until this body is dropped.
    busy: Option<Replying>,
    drain: Option<Tracker>,
    /// Whether hyper has polled a body that may leave it.
    is_begun: bool,
    /// Backpressure for a stream whose client does not read. HTTP/2 only: an HTTP/1 connection has one reply at a time,
    /// and is not polled while 48 KiB are unsent, or anything if it has left hyper.
    #[cfg(feature = "http2")]
    gate: Option<Box<Gate>>,
    /// The cost of the small pieces since the stream last had nothing to give, or since those that count were sent.
    #[cfg(feature = "http2")]
    burst: usize,
}

/// The smallest piece that is counted while the client reads, in bytes.
#[cfg(feature = "http2")]
const COUNTED_MIN: usize = 4 * KIB;

/// The most that smaller pieces of one stream cost together while none of them is counted: 32 pieces of a few bytes.
#[cfg(feature = "http2")]
const BURST_MAX: usize = 16 * KIB;

impl Outgoing {
    pub(crate) fn new(body: Body, record: Option<Record>) -> Self {
        Self {
            body,
            record,
            busy: None,
            drain: None,
            is_begun: false,
            #[cfg(feature = "http2")]
            gate: None,
            #[cfg(feature = "http2")]
            burst: 0,
        }
    }

    /// The body of a reply. `drain` is for a stream: the request's body is drained when the reply has ended, because the
    /// stream may read it until then.
    #[allow(clippy::inline_always, reason = "every reply does it")]
    #[inline(always)]
    pub(crate) fn of_reply(
        #[cfg_attr(not(feature = "http2"), allow(unused_mut, reason = "counted in HTTP/2 only"))]
        mut body: Body,
        record: Record,
        busy: Option<Busy>,
        drain: Option<Tracker>,
    ) -> Self {
        #[cfg(feature = "http2")]
        if let Body::Once(bytes) = &mut body
            && bytes.len() > SMALL
        {
            count_large(bytes, busy.as_ref());
        }
        Self {
            body,
            record: Some(record),
            busy: busy.map(Busy::replying),
            drain,
            is_begun: false,
            #[cfg(feature = "http2")]
            gate: None,
            #[cfg(feature = "http2")]
            burst: 0,
        }
    }

    /// Removes the body, as a reply to `HEAD` needs. Gives its length, if that is known.
    pub(crate) fn silence(&mut self) -> Option<u64> {
        let length = http_body::Body::size_hint(&self.body).exact();
        self.body.clear();
        length
    }

    pub(crate) fn set_busy(&mut self, busy: Replying) {
        self.busy = Some(busy);
    }

    fn is_over_http1(&self) -> bool {
        self.busy.as_ref().is_some_and(|busy| !busy.peer().is_http2)
    }

    /// Leaves a stream or a large body to its connection, at hyper's first poll of it. hyper has the head then, and waits.
    ///
    /// hyper has to send a body to HTTP/1.0, and has to be there while the request's body is read.
    #[cold]
    fn leave(&mut self) -> bool {
        let may_be = |call: &Call| {
            call.head.version == Version::HTTP_11 && (!call.has_body || call.body_state().is_whole())
        };
        let Some(peer) = self.busy.as_ref().map(Replying::shared_peer) else { return false };
        let is_direct = peer.may_be_direct()
            && self.body.is_direct()
            && self.record.as_ref().is_some_and(|record| may_be(record.call()));
        if is_direct {
            let waiting = Self::new(Body::Elsewhere, None);
            peer.begin_direct(Box::new(std::mem::replace(self, waiting)));
        }
        is_direct
    }

    /// The call of the record, for a record that continues after this body.
    pub(crate) fn call(&self) -> Option<Arc<Call>> {
        self.record.as_ref().map(|record| Arc::clone(record.call()))
    }

    pub(crate) fn take_record(&mut self) -> Option<Record> {
        self.record.take()
    }

    /// Polls the stream unless too many bytes are unread, and counts the pieces.
    #[cfg(feature = "http2")]
    fn poll_gated(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if let Some(peer) = self.busy.as_ref().map(Replying::peer)
            && self.gate.is_none()
            && peer.is_full()
        {
            self.gate = Some(Box::new(Gate::new(peer.account())));
        }
        if let Some(gate) = &mut self.gate {
            ready!(gate.poll_open(cx));
        }
        let Poll::Ready(frame) = self.poll_stream(cx) else {
            // The connection has its turn.
            self.burst = 0;
            return Poll::Pending;
        };
        Poll::Ready(match frame {
            Some(Ok(frame)) => Some(Ok(frame.map_data(|data| self.counted(data)))),
            frame => frame,
        })
    }

    /// Counts a piece of a stream. Small ones count only if they may gather behind others.
    #[cfg(feature = "http2")]
    fn counted(&mut self, data: Bytes) -> Bytes {
        let Some(peer) = self.busy.as_ref().map(Replying::peer) else { return data };
        if !peer.is_http2 || data.is_empty() {
            return data;
        }
        if data.len() < COUNTED_MIN && !peer.is_stuck() {
            if self.burst >= BURST_MAX && self.gate.as_ref().is_some_and(|gate| gate.is_all_sent()) {
                self.burst = 0;
            }
            self.burst = self.burst.saturating_add(Gate::cost(&data));
            if self.burst < BURST_MAX {
                return data;
            }
        }
        self.gate.get_or_insert_with(|| Box::new(Gate::new(peer.account()))).count(data)
    }

    /// An empty piece behind all others of a stream over HTTP/2. It counts, since small pieces before it may not: once it was
    /// sent, so were they.
    #[cfg(feature = "http2")]
    #[cold]
    fn end_mark(&mut self) -> Option<Frame<Bytes>> {
        let peer = self.busy.as_ref().map(Replying::peer).filter(|peer| peer.is_http2)?;
        let gate = self.gate.get_or_insert_with(|| Box::new(Gate::new(peer.account())));
        Some(Frame::data(gate.count(Bytes::new())))
    }

    /// Makes the request the current one of the thread, while code of the author runs.
    fn enter(&self) -> Option<Entered> {
        self.record.as_ref().map(|record| current::enter(Arc::clone(record.call()) as _))
    }

    /// Polls the author's stream under the panic guard.
    #[inline]
    fn poll_author<T>(
        &mut self,
        poll: impl FnOnce(&mut Body) -> Poll<Option<crate::Result<T>>>,
    ) -> Poll<Option<crate::Result<T>>> {
        // The stream is never polled again after a panic, so a broken invariant cannot be observed.
        catch_unwind(AssertUnwindSafe(|| poll(&mut self.body))).unwrap_or_else(|_| {
            if let Some(record) = &self.record {
                record.panicked();
            }
            Poll::Ready(Some(Err(Error::of_panic("the reply's stream panicked"))))
        })
    }

    /// Polls the author's stream, which may log and may panic.
    fn poll_stream(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let entered = self.enter();
        let frame = match ready!(self.poll_author(|body| Pin::new(body).poll_frame(cx))) {
            Some(Ok(frame)) => {
                if let (Some(record), Some(data)) = (&mut self.record, frame.data_ref()) {
                    record.add_sent(data.len());
                }
                // hyper does not poll after the trailers, nor after the length of the reply.
                if frame.is_trailers() || self.body.is_complete() {
                    self.body.clear();
                }
                Some(Ok(frame))
            }
            Some(Err(error)) => {
                self.break_off(&error);
                #[cfg(feature = "http2")]
                if let Some(mark) = self.end_mark() {
                    return Poll::Ready(Some(Ok(mark)));
                }
                cx.waker().wake_by_ref();
                return Poll::Pending;
            }
            None => {
                self.body.clear();
                None
            }
        };
        drop(entered);
        if self.body.is_over()
            && let Some(flush) = self.end()
        {
            return self.hold(frame.and_then(Result::ok), flush, cx);
        }
        Poll::Ready(frame)
    }

    /// Ends a stream that has failed. The error that cuts the reply comes later: the connection drops its buffer at an
    /// error, and first has a turn to send the head and the pieces before.
    #[cold]
    fn break_off(&mut self, error: &Error) {
        // A stream that forwards the request's body fails when the client leaves. That is not an error of the stream.
        let has_left = self.record.as_ref().is_some_and(|record| record.call().departure.is_gone());
        if !has_left && !error.is_reported() {
            say::error(format_args!("a reply's stream failed after its head was sent: {error:?}"));
        }
        self.body.break_off();
        if let Some(mut record) = self.record.take() {
            record.end_broken();
        }
    }

    /// Ends the record. Gives what has to be done before the last bytes leave, because the platform may then freeze the
    /// instance.
    #[allow(clippy::inline_always, reason = "every reply does it")]
    #[inline(always)]
    fn end(&mut self) -> Option<BoxFuture<()>> {
        // Ended where it is: a move costs as much as the rest.
        let record = self.record.as_mut()?;
        if let Some(tracker) = self.drain.take() {
            drain_leftover(record.call(), &tracker);
        }
        record.end_sent();
        let flush = record.flush();
        self.record = None;
        flush
    }

    #[cold]
    fn hold(
        &mut self,
        piece: Option<Frame<Bytes>>,
        flush: BoxFuture<()>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        self.body = Body::Held(Box::new((flush, piece)));
        self.poll_without_piece(cx)
    }

    /// Polls a whole body that has no piece: one that is over, that has failed, or whose last piece waits.
    #[cold]
    fn poll_without_piece(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        match &mut self.body {
            Body::Held(_) => self.body.poll_held(cx).map(|frame| frame.map(Ok)),
            Body::Broken(_) => {
                #[cfg(feature = "http2")]
                if let Some(gate) = &mut self.gate {
                    ready!(gate.poll_sent(cx));
                }
                ready!(self.body.poll_broken(cx));
                // An HTTP/1 connection polls again when the client has taken what is written.
                let peer = self.busy.as_ref().map(Replying::peer);
                if peer.is_some_and(|peer| !peer.is_http2 && peer.is_stuck()) {
                    return Poll::Pending;
                }
                self.body.clear();
                Poll::Ready(Some(Err("the reply's stream failed".into())))
            }
            Body::Elsewhere => Poll::Pending,
            Body::Empty | Body::Once(_) | Body::Stream(_) => {
                let flush = self.end();
                flush.map_or(Poll::Ready(None), |flush| self.hold(None, flush, cx))
            }
        }
    }
}

/// Counts the large body of a reply, which its client may not read. An HTTP/1 connection has one reply at a time.
#[cfg(feature = "http2")]
#[cold]
fn count_large(bytes: &mut Bytes, busy: Option<&Busy>) {
    if let Some(peer) = busy.map(Busy::peer).filter(|peer| peer.is_http2) {
        count_whole(peer.account(), bytes);
    }
}

impl http_body::Body for Outgoing {
    type Data = Bytes;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        if self.body.is_silent(cx.waker()) {
            return Poll::Pending;
        }
        let is_stream = matches!(self.body, Body::Stream(_));
        if (is_stream || self.body.is_direct())
            && !std::mem::replace(&mut self.is_begun, true)
            && self.is_over_http1()
            && self.leave()
        {
            return Poll::Pending;
        }
        if is_stream {
            #[cfg(feature = "http2")]
            return self.poll_gated(cx);
            #[cfg(not(feature = "http2"))]
            return self.poll_stream(cx);
        }
        let Some(piece) = self.body.take_piece() else { return self.poll_without_piece(cx) };
        if let Some(record) = &mut self.record {
            record.add_sent(piece.len());
        }
        if self.body.is_over()
            && let Some(flush) = self.end()
        {
            return self.hold(Some(Frame::data(piece)), flush, cx);
        }
        Poll::Ready(Some(Ok(Frame::data(piece))))
    }

    fn is_end_stream(&self) -> bool {
        self.body.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.body.size_hint()
    }
}

impl Drop for Outgoing {
    fn drop(&mut self) {
        if self.record.is_none() {
            return;
        }
        // hyper never polls a body that is empty from the start.
        if self.body.is_over() {
            self.end();
        }
        // A stream may hold drop guards of the author's, which may log.
        if matches!(self.body, Body::Stream(_)) {
            let entered = self.enter();
            self.body.clear();
            drop(entered);
        }
    }
}

impl fmt::Debug for Outgoing {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Outgoing").field("body", &self.body).finish_non_exhaustive()
    }
}

#[cfg(feature = "http2")]
#[cfg(test)]
mod tests {
    use std::task::Waker;

    use super::*;
    use crate::budget::Budget;
    use crate::exchange::Peer;
    use crate::reply::Source;

    /// Small pieces without end, so many before each pause.
    struct Ready {
        at_once: usize,
        given: usize,
    }

    impl Source for Ready {
        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<crate::Result<Frame<Bytes>>>> {
            self.given += 1;
            if self.given.is_multiple_of(self.at_once + 1) {
                return Poll::Pending;
            }
            Poll::Ready(Some(Ok(Frame::data(Bytes::from(vec![b'x'; 50])))))
        }
    }

    /// The pieces that a stream gives in so many polls while none is sent, and whether any of them counts.
    fn pieces(at_once: usize, polls: usize) -> (Vec<Bytes>, bool) {
        let budget = Budget::new(SMALL);
        let peer = Arc::new(Peer::new(([127, 0, 0, 1], 1).into(), true, budget.clone()));
        let mut body = Outgoing::new(Body::Stream(Box::pin(Ready { at_once, given: 0 })), None);
        body.set_busy(peer.begin().replying());
        let mut pieces = Vec::new();
        for _ in 0..polls {
            let polled =
                http_body::Body::poll_frame(Pin::new(&mut body), &mut Context::from_waker(Waker::noop()));
            if let Poll::Ready(piece) = polled {
                pieces.push(piece.unwrap().unwrap().into_data().unwrap());
            }
        }
        (pieces, !budget.is_unused())
    }

    #[test]
    fn small_pieces_that_are_ready_at_once_are_held_back_too() {
        let (all, is_counted) = pieces(usize::MAX - 1, 2000);
        assert!(is_counted && (100..200).contains(&all.len()), "{}", all.len());
        // Those that come now and then are free.
        let (few, is_counted) = pieces(5, 600);
        assert!(!is_counted && few.len() == 500, "{}", few.len());
    }
}
