//! The messages of a client that sends several.

use std::fmt;
use std::future::poll_fn;
use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Bytes, BytesMut};
use futures_core::Stream;
use prost::Message;
use tonic::Code;

use crate::budget::Held;
use crate::cancel::Phase;
use crate::error::{Error, Result, StatusError};
use crate::exchange::{Call, too_much_memory};
use crate::grpc::accept::Encoding;
use crate::grpc::frame;
use crate::grpc::status::{broken_body, broken_call, going_away, of_ours};
use crate::grpc::web::RequestBody;
use crate::grpc::wire::Wire;
use crate::stop::StopNotice;
use crate::timer::Timer;

/// The messages of a client that sends several: a `Stream` of results, which [`message`](Self::message) reads one by
/// one.
/// [The example of the module](crate::grpc) sums them.
///
/// Between two messages the client may be silent for as long as the call lasts. Within a message the longest silence is
/// [`At::body_pause`](crate::At::body_pause). A message is at most 6 MiB, inflated, which is the platform's limit;
/// [`At::body_limit`](crate::At::body_limit) can lower it.
///
/// The stream ends with UNAVAILABLE at a stop notice, once no more messages have arrived: see
/// [`Exchange::stop_notice`](crate::Exchange::stop_notice).
#[must_use = "messages do nothing unless they are read"]
pub struct Messages<M> {
    call: Arc<Call>,
    body: RequestBody,
    encoding: Encoding,
    limit: usize,
    /// Bytes that are not decoded yet: a part of a message, or several messages.
    came: Bytes,
    /// The memory of a large, incomplete message.
    held: Option<Held>,
    /// The memory of the last message, if that is large and came compressed. It counts until the next one is asked for.
    inflated: Option<Held>,
    slow: Timer,
    notice: StopNotice,
    is_over: bool,
    of: PhantomData<fn() -> M>,
}

impl<M: Message + Default> Messages<M> {
    pub(crate) fn new(call: &Arc<Call>, wire: Wire, encoding: Encoding, notice: StopNotice) -> Self {
        Self {
            body: RequestBody::new(call.take_patient_body(), wire),
            limit: call.body_limit(),
            call: Arc::clone(call),
            encoding,
            came: Bytes::new(),
            held: None,
            inflated: None,
            slow: Timer::default(),
            notice,
            is_over: false,
            of: PhantomData,
        }
    }

    /// The next message. `None` when the client has sent its last one.
    ///
    /// # Errors
    /// A message that is too large, is not protobuf, or is compressed in an unknown way; a client that left early; a
    /// stop of the instance; no room for a large message in [`App::client_memory`](crate::App::client_memory). After an
    /// error there are no more messages.
    ///
    /// # Cancel safety
    /// Dropping the future loses nothing.
    pub async fn message(&mut self) -> Result<Option<M>, StatusError> {
        poll_fn(|cx| self.poll_message(cx)).await.transpose().map_err(Error::into_std)
    }

    fn poll_message(&mut self, cx: &mut Context<'_>) -> Poll<Option<Result<M>>> {
        if self.is_over {
            return Poll::Ready(None);
        }
        let read = ready!(self.poll_read(cx)).transpose();
        self.is_over = !matches!(read, Some(Ok(_)));
        Poll::Ready(read)
    }

    fn poll_read(&mut self, cx: &mut Context<'_>) -> Poll<Result<Option<M>>> {
        self.inflated = None;
        if self.came.is_empty() {
            self.held = None;
        }
        loop {
            if let Some(frame) = frame::take(&mut self.came, self.limit)? {
                let (peer, inflated) = (&self.call.peer, &mut self.inflated);
                let hold = |length| peer.as_ref().is_none_or(|peer| peer.hold_body(inflated, length));
                return Poll::Ready(frame::decode(frame, self.encoding, self.limit, hold).map(Some));
            }
            match self.body.poll_data(cx) {
                Poll::Ready(Some(Ok(data))) => {
                    self.slow.stop();
                    self.add(data)?;
                }
                Poll::Ready(Some(Err(cause))) => return Poll::Ready(Err(broken_body(&self.call, cause))),
                Poll::Ready(None) if self.came.is_empty() => return Poll::Ready(Ok(None)),
                Poll::Ready(None) => {
                    return Poll::Ready(Err(broken_call("the last message is cut short")));
                }
                Poll::Pending => return self.poll_patience(cx).map(Err),
            }
        }
    }

    /// Ends the wait for more bytes, at a stop notice or after too long a pause.
    fn poll_patience(&mut self, cx: &mut Context<'_>) -> Poll<Error> {
        if Pin::new(&mut self.notice).poll(cx).is_ready() {
            return Poll::Ready(going_away());
        }
        if self.came.is_empty() {
            return Poll::Pending;
        }
        self.call.phase.advance(Phase::Reading);
        let pause = self.call.body_pause();
        self.slow.poll(cx, pause).map(|()| {
            let what = format!("no more of a message came within {pause:?}");
            of_ours(Code::DeadlineExceeded, what)
        })
    }

    /// Adds bytes. Most messages come in one piece, and are not copied.
    fn add(&mut self, data: Bytes) -> Result {
        if self.came.is_empty() {
            self.came = data;
            return Ok(());
        }
        let length = self.came.len() + data.len();
        if self.call.peer.as_ref().is_some_and(|peer| !peer.hold_body(&mut self.held, length)) {
            return Err(too_much_memory());
        }
        // Joined bytes are in a buffer of our own, with room to grow. The first piece is still in the connection's
        // buffer.
        let came = std::mem::take(&mut self.came);
        let mut came = came.try_into_mut().unwrap_or_else(|came| BytesMut::from(&came[..]));
        came.extend_from_slice(&data);
        self.came = came.freeze();
        Ok(())
    }
}

impl<M: Message + Default> Stream for Messages<M> {
    type Item = Result<M, StatusError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        self.poll_message(cx).map_err(Error::into_std)
    }
}

impl<M> fmt::Debug for Messages<M> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Messages").field("is_over", &self.is_over).finish_non_exhaustive()
    }
}

#[cfg(test)]
mod tests {
    use std::io::Write;
    use std::task::Waker;

    use flate2::{Compression, write::GzEncoder};

    use super::*;
    use crate::budget::{Budget, SMALL};
    use crate::exchange::{Arrival, Payload, Peer};
    use crate::platform::RequestId;
    use crate::stop::Stops;

    fn of_zeros(length: usize) -> Vec<u8> {
        let mut gzip = GzEncoder::new(Vec::new(), Compression::fast());
        gzip.write_all(&vec![0; length].encode_to_vec()).unwrap();
        let gzip = gzip.finish().unwrap();
        [&[1][..], &u32::try_from(gzip.len()).unwrap().to_be_bytes(), &gzip].concat()
    }

    #[test]
    fn an_inflated_message_counts_until_the_next_is_asked_for() {
        let budget = Budget::new(32 * SMALL);
        let peer = Peer::new(([127, 0, 0, 1], 1).into(), true, budget.clone());
        let (head, ()) = http::Request::new(()).into_parts();
        let body = [of_zeros(20 * SMALL), of_zeros(10), of_zeros(25 * SMALL)].concat();
        let (id, body) = (RequestId::generate(), Payload::whole(body.into()));
        let call = Arc::new(Call::new(id, head, body, Some(Arc::new(peer)), None, Arrival::default()));
        let (stops, mut cx) = (Stops::default(), Context::from_waker(Waker::noop()));
        let mut messages = Messages::<Vec<u8>>::new(&call, Wire::Grpc, Encoding::Gzip, stops.listen());
        let is_free = |bytes| budget.account().take(bytes).is_some();
        let Poll::Ready(Some(Ok(first))) = messages.poll_message(&mut cx) else { panic!("a message came") };
        assert_eq!(first.len(), 20 * SMALL);
        assert!(!is_free(12 * SMALL) && is_free(11 * SMALL));
        assert!(matches!(messages.poll_message(&mut cx), Poll::Ready(Some(Ok(_)))));
        assert!(is_free(24 * SMALL));
        let Poll::Ready(Some(Err(error))) = messages.poll_message(&mut cx) else { panic!("no room for it") };
        assert_eq!(error.status(), 503);
        assert!(is_free(24 * SMALL));
    }
}
