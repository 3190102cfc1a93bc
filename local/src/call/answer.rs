//! The answer to a call: the head, and a body that is still being sent.

use std::pin::{Pin, pin};
use std::task::{Context, Poll, ready};
use std::time::Duration;

use bytes::{Bytes, BytesMut};
use fc_runtime::platform::limits::MIB;
use fc_runtime::platform::names::header as fc;
use fc_runtime::platform::names::status;
use http::{header, response};
use http_body::{Body, Frame, SizeHint};
use http_body_util::BodyExt;
use hyper::upgrade::OnUpgrade;

use super::duplex::{self, Duplex};
use super::run::Run;
use super::stream::{AnswerStream, unreadable};
use super::tunnel::AnswerTunnel;
use crate::failure::Failure;
use crate::model::{Edition, SessionId};
use crate::wire::h1::{self, Link};

/// The largest reply that is not streamed, in bytes. The platform states no limit; this limit protects the machine.
const WHOLE_MAX: usize = 256 * MIB;

/// A reply whose body is still being sent.
#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) head: response::Parts,
    pub(crate) body: AnswerBody,
}

/// The body of an answer. The body owns the call's run: a drop before the end means that the client left.
#[derive(Debug)]
pub(crate) struct AnswerBody {
    source: BodySource,
    framing: Framing,
    has_endpoint_event: bool,
    run: Run,
}

/// Where the function's body comes from.
#[derive(Debug)]
pub(super) enum BodySource {
    Http1(Link),
    /// A gRPC call, whose request may still be under way.
    Http2(Box<Duplex>),
    /// The reply was read to its end.
    Over,
}

/// The framing of the function's body, which decides whether the platform buffers or streams.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
enum Framing {
    /// `Content-Length`: the platform buffers the whole body before it sends any byte.
    Length,
    /// Chunked: the platform sends each chunk at once.
    Chunks,
}

/// A body that was read to its end.
#[derive(Debug)]
pub(crate) struct Whole {
    pub(crate) bytes: Bytes,
    /// The last 4 KiB of the call's log, if the caller asked for the log.
    pub(crate) log: Option<String>,
    /// What the call took, in edition 2.0, which tells its client.
    pub(crate) usage: Option<Usage>,
}

/// What a call took.
#[derive(Debug, Clone, Copy)]
pub(crate) struct Usage {
    pub(crate) duration: Duration,
    /// The most memory of the instance so far, in bytes.
    pub(crate) memory: u64,
}

impl Answer {
    pub(super) fn new(head: response::Parts, source: BodySource, run: Run) -> Self {
        let is_chunked = match &source {
            BodySource::Http1(_) => head.headers.contains_key(header::TRANSFER_ENCODING),
            BodySource::Http2(_) | BodySource::Over => true,
        };
        let framing = if is_chunked { Framing::Chunks } else { Framing::Length };
        Answer { head, body: AnswerBody { source, framing, has_endpoint_event: false, run } }
    }

    /// Whether the function marked its reply as a failure. The status of the reply does not decide.
    pub(crate) fn is_function_error(&self) -> bool {
        self.head.headers.get(fc::STATUS).is_some_and(|status| status != status::SUCCESS)
    }
}

impl AnswerBody {
    /// Whether the function sends the body in chunks.
    pub(crate) fn is_streamed(&self) -> bool {
        self.framing == Framing::Chunks
    }

    /// The stream of a gRPC call. `None` if the head was the whole reply, as an error of gRPC is; the call has ended then.
    pub(crate) fn stream_of_call(self) -> Option<AnswerStream> {
        if matches!(&self.source, BodySource::Http2(duplex) if duplex.is_end_stream()) {
            self.run.complete(None);
            return None;
        }
        Some(self.stream())
    }

    /// Streams the body.
    pub(crate) fn stream(self) -> AnswerStream {
        AnswerStream::new(self.source, self.run, self.has_endpoint_event)
    }

    /// The reply named the session of a call that began one.
    pub(crate) fn name_session(&mut self, id: SessionId) {
        self.run.name_session(id);
    }

    /// The stream will name the session in its first event. The session ends with the stream.
    pub(crate) fn find_session_in_event(&mut self) {
        self.has_endpoint_event = true;
    }

    /// Ends the call's session.
    pub(crate) fn close_session(&self) {
        self.run.close_session();
    }

    /// Whether the function accepted the upgrade to WebSocket. A WebSocket has no body.
    pub(crate) fn is_tunnel(&self) -> bool {
        matches!(&self.source, BodySource::Http1(link) if link.is_switched())
    }

    /// Takes the WebSocket between the client's connection and the function's.
    pub(crate) fn tunnel(mut self, client: OnUpgrade) -> AnswerTunnel {
        AnswerTunnel::new(client, self.source.take_link(), self.run)
    }

    /// Streams the body, after a short wait for the first piece.
    ///
    /// # Errors
    /// The function broke off before the first piece.
    pub(crate) async fn stream_begun(self) -> Result<AnswerStream, Failure> {
        self.stream().begun().await
    }

    /// Reads the body to its end, within the function's time.
    pub(crate) async fn collect(mut self, wants_log: bool) -> Result<Whole, Failure> {
        let read = self.run.within(pin!(read(&mut self.source))).await;
        let failure = match read {
            Ok(Ok(bytes)) => {
                self.run.receive(bytes.len());
                let usage = (self.run.edition == Edition::Fc2)
                    .then(|| Usage { duration: self.run.begin.elapsed(), memory: self.run.memory() });
                let link = self.source.take_link();
                let log = if wants_log {
                    Box::pin(self.run.finish(link)).await
                } else {
                    self.run.complete(link);
                    None
                };
                return Ok(Whole { bytes, log, usage });
            }
            Ok(Err(Broken::TooLarge)) => {
                Failure::bad_response(format!("the function's reply has more than {WHOLE_MAX} bytes"))
            }
            Ok(Err(Broken::Cut(error))) => match unreadable(&error) {
                Some(failure) => failure,
                None => self.run.crashed().await,
            },
            Err(failure) => failure,
        };
        self.run.fail(&failure);
        Err(failure)
    }

    /// Drops the body, because the head of the answer breaks a rule of the platform.
    pub(crate) fn refuse(self, failure: &Failure) {
        self.run.fail(failure);
    }
}

/// The reason for a body that ends early.
#[derive(Debug)]
pub(super) enum BodyError {
    Http1(h1::Broken),
    Http2(duplex::Broken),
}

impl std::fmt::Display for BodyError {
    fn fmt(&self, out: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        out.write_str("the function's body broke off")
    }
}

impl std::error::Error for BodyError {}

impl BodySource {
    /// Takes the connection of HTTP/1 behind the end of the reply.
    pub(super) fn take_link(&mut self) -> Option<Link> {
        match std::mem::replace(self, BodySource::Over) {
            BodySource::Http1(link) => Some(link),
            other => {
                *self = other;
                None
            }
        }
    }
}

impl Body for BodySource {
    type Data = Bytes;
    type Error = BodyError;

    fn poll_frame(
        self: Pin<&mut Self>,
        context: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
        match self.get_mut() {
            BodySource::Http1(link) => {
                let frame = ready!(Pin::new(link).poll_frame(context));
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Http1)))
            }
            BodySource::Http2(duplex) => {
                let frame = ready!(duplex.poll_frame(context));
                Poll::Ready(frame.map(|frame| frame.map_err(BodyError::Http2)))
            }
            BodySource::Over => Poll::Ready(None),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match self {
            BodySource::Http1(link) => link.size_hint(),
            BodySource::Http2(_) | BodySource::Over => SizeHint::default(),
        }
    }
}

/// Why a whole body cannot be read.
enum Broken {
    TooLarge,
    Cut(BodyError),
}

async fn read<B>(body: &mut B) -> Result<Bytes, Broken>
where
    B: Body<Data = Bytes, Error = BodyError> + Unpin,
{
    let length = usize::try_from(body.size_hint().exact().unwrap_or(0)).unwrap_or(usize::MAX);
    if length > WHOLE_MAX {
        return Err(Broken::TooLarge);
    }
    let mut first = Bytes::new();
    let mut all: Option<BytesMut> = None;
    while let Some(frame) = body.frame().await {
        let Ok(data) = frame.map_err(Broken::Cut)?.into_data() else { continue };
        match &mut all {
            None if first.is_empty() => first = data,
            None => {
                // With the function's `Content-Length` nothing is moved again.
                let mut joined = BytesMut::with_capacity(length.max(first.len() + data.len()));
                joined.extend_from_slice(&first);
                joined.extend_from_slice(&data);
                all = Some(joined);
            }
            Some(all) if all.len() + data.len() > WHOLE_MAX => return Err(Broken::TooLarge),
            Some(all) => all.extend_from_slice(&data),
        }
    }
    Ok(all.map_or(first, BytesMut::freeze))
}

#[cfg(test)]
mod tests {
    use std::collections::VecDeque;

    use super::*;

    /// Pieces of a body whose length is known.
    struct Pieces(VecDeque<Bytes>, u64);

    impl Body for Pieces {
        type Data = Bytes;
        type Error = BodyError;

        fn poll_frame(
            mut self: Pin<&mut Self>,
            _: &mut Context<'_>,
        ) -> Poll<Option<Result<Frame<Bytes>, BodyError>>> {
            Poll::Ready(self.0.pop_front().map(|piece| Ok(Frame::data(piece))))
        }

        fn size_hint(&self) -> SizeHint {
            SizeHint::with_exact(self.1)
        }
    }

    #[tokio::test]
    async fn a_whole_body_takes_the_memory_of_its_length_and_no_more() {
        const PIECE: usize = 10_000;
        let mut body = Pieces((0..10).map(|_| Bytes::from(vec![7; PIECE])).collect(), 10 * PIECE as u64);
        let Ok(whole) = read(&mut body).await else { panic!("it is whole") };
        assert!(whole.len() == 10 * PIECE && whole.iter().all(|byte| *byte == 7));
        assert_eq!(whole.try_into_mut().unwrap().capacity(), 10 * PIECE);

        // A single piece is not copied.
        let piece = Bytes::from(vec![7; PIECE]);
        let place = piece.as_ptr();
        let Ok(whole) = read(&mut Pieces([piece].into(), PIECE as u64)).await else { panic!("it is whole") };
        assert_eq!(whole.as_ptr(), place);

        let mut body = Pieces(VecDeque::new(), WHOLE_MAX as u64 + 1);
        assert!(matches!(read(&mut body).await, Err(Broken::TooLarge)), "before the first byte");
    }
}
