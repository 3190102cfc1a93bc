//! A request's body as a stream.

use std::fmt;
use std::io::ErrorKind;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, Waker, ready};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::{StatusCode, Version};
use http_body::{Body, Frame, SizeHint};

use crate::cancel::Phase;
use crate::error::{BoxError, Error, Result, StatusError};
use crate::exchange::{Busy, Call};
use crate::timer::Timer;

/// The body of a request as a stream: it is a `Stream` of bytes and an `http_body::Body`, with a [`StatusError`] as its
/// error. So it goes where streams of bytes go: into `multer`, a `reqwest` request, tokio-util's `StreamReader`.
///
/// It may be dropped early: the rest is drained, or the connection closes. The body limit of the place does not apply.
///
/// ```
/// use fc_runtime::{App, Reply};
///
/// # fc_runtime::testing::run(async {
/// let client = App::new().post("/echo", async |ex| Reply::stream(ex.body())).test_client();
/// client.post("/echo").body("tea and salt").await.assert_text("tea and salt");
/// # });
/// ```
#[must_use = "a body does nothing unless it is read"]
#[doc(alias = "Body")]
#[doc(alias = "BodyStream")]
pub struct Payload {
    source: Source,
    told: Option<Box<Told>>,
}

/// The additions of `ex.body()`: the call to mark when the client leaves early, and the longest pause between pieces.
struct Told {
    call: Arc<Call>,
    pause: Option<Duration>,
    slow: Timer,
    /// What the connection gave when it was asked for the body.
    first: Option<Polled>,
}

/// What hyper gives for one poll of a body.
type Polled = Option<Result<Frame<Bytes>, hyper::Error>>;

enum Source {
    Nothing,
    Whole(Bytes),
    /// A body on the connection. `Busy` keeps the request in progress until the body has been read.
    Wire(hyper::body::Incoming, Option<Busy>, Version),
    /// A body that a layer of tower has wrapped. The mutex makes it `Sync`, and is never locked.
    #[cfg(feature = "tower")]
    Wrapped(std::sync::Mutex<Pin<Box<dyn WrappedBody>>>),
    /// An earlier `ex.body()` has taken the body. Reading it gives an error, because that is a mistake of the author.
    Taken,
}

/// Any body of a request. Its errors are any errors.
#[cfg(feature = "tower")]
pub(crate) trait WrappedBody: Body<Data = Bytes, Error = BoxError> + Send {}

#[cfg(feature = "tower")]
impl<B: Body<Data = Bytes, Error = BoxError> + Send> WrappedBody for B {}

impl Payload {
    #[cfg(feature = "tower")]
    pub(crate) fn wrapped(body: Pin<Box<dyn WrappedBody>>) -> Self {
        if body.is_end_stream() {
            return Self::from(Source::Nothing);
        }
        Self::from(Source::Wrapped(std::sync::Mutex::new(body)))
    }

    pub(crate) fn whole(bytes: Bytes) -> Self {
        Self::from(if bytes.is_empty() { Source::Nothing } else { Source::Whole(bytes) })
    }

    pub(crate) fn wire(incoming: hyper::body::Incoming, version: Version, busy: &Busy) -> Self {
        if incoming.is_end_stream() {
            return Self::from(Source::Nothing);
        }
        Self::from(Source::Wire(incoming, Some(busy.clone()), version))
    }

    fn from(source: Source) -> Self {
        Self { source, told: None }
    }

    pub(crate) fn tell(&mut self, call: Arc<Call>, pause: Option<Duration>) {
        if matches!(self.source, Source::Wire(..)) {
            let first = if call.expects_continue() { self.ask() } else { None };
            self.told = Some(Box::new(Told { call, pause, slow: Timer::default(), first }));
        }
    }

    /// Asks the connection for the body, so that hyper sends `100 Continue`. hyper does not once the head of the reply is
    /// written, and a reply may be a stream of the body.
    #[cold]
    fn ask(&mut self) -> Option<Polled> {
        let Source::Wire(incoming, ..) = &mut self.source else { return None };
        // The reader registers its own waker.
        match Pin::new(incoming).poll_frame(&mut Context::from_waker(Waker::noop())) {
            Poll::Ready(frame) => Some(frame),
            Poll::Pending => None,
        }
    }

    /// Takes the unread rest, if there is any.
    pub(crate) fn take_rest(&mut self) -> Option<Self> {
        (!Body::is_end_stream(self)).then(|| std::mem::replace(self, Self::taken()))
    }

    pub(crate) fn taken() -> Self {
        Self::from(Source::Taken)
    }
}

impl Payload {
    /// The next frame, with the cause of a failure as it is.
    pub(crate) fn poll_next_frame(
        &mut self,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, BoxError>>> {
        let this = self;
        match &mut this.source {
            Source::Nothing => Poll::Ready(None),
            Source::Whole(bytes) => {
                let bytes = std::mem::take(bytes);
                this.source = Source::Nothing;
                Poll::Ready(Some(Ok(Frame::data(bytes))))
            }
            Source::Wire(incoming, busy, version) => {
                let first = this.told.as_mut().and_then(|told| told.first.take());
                let polled = first.map_or_else(|| Pin::new(&mut *incoming).poll_frame(cx), Poll::Ready);
                let Poll::Ready(frame) = polled else {
                    let Some(told) = &mut this.told else { return Poll::Pending };
                    told.call.phase.advance(Phase::Reading);
                    let Some(pause) = told.pause else { return Poll::Pending };
                    return told
                        .slow
                        .poll(cx, pause)
                        .map(|()| Some(Err(Box::new(Paused(pause)) as BoxError)));
                };
                if let Some(told) = &mut this.told {
                    told.slow.stop();
                    told.call.phase.advance(Phase::Handling);
                }
                if !matches!(frame, Some(Ok(_))) {
                    *busy = None;
                }
                let error = match frame {
                    Some(Ok(frame)) => return Poll::Ready(Some(Ok(frame))),
                    Some(Err(error)) => BoxError::from(error),
                    None if is_cut_short(incoming, *version) => Box::new(CutShort),
                    None => {
                        this.source = Source::Nothing;
                        return Poll::Ready(None);
                    }
                };
                if !is_departure(&*error, *version) {
                    return Poll::Ready(Some(Err(error)));
                }
                if let Some(told) = this.told.take() {
                    told.call.has_left();
                }
                Poll::Ready(Some(Err(Box::new(Departed(error)))))
            }
            #[cfg(feature = "tower")]
            Source::Wrapped(body) => {
                let body = body.get_mut().unwrap_or_else(std::sync::PoisonError::into_inner);
                let frame = ready!(body.as_mut().poll_frame(cx));
                if !matches!(frame, Some(Ok(_))) {
                    this.source = Source::Nothing;
                }
                Poll::Ready(frame.map(|frame| frame.map_err(|error| Box::new(Wrapped(error)) as BoxError)))
            }
            Source::Taken => {
                this.source = Source::Nothing;
                Poll::Ready(Some(Err("the body was taken before, by `ex.body()`".into())))
            }
        }
    }
}

impl Body for Payload {
    type Data = Bytes;
    type Error = StatusError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StatusError>>> {
        self.poll_next_frame(cx).map_err(|cause| broken(cause).into_std())
    }

    fn is_end_stream(&self) -> bool {
        match &self.source {
            Source::Nothing => true,
            Source::Wire(incoming, ..) => incoming.is_end_stream(),
            #[cfg(feature = "tower")]
            Source::Wrapped(body) => {
                body.lock().unwrap_or_else(std::sync::PoisonError::into_inner).is_end_stream()
            }
            Source::Whole(_) | Source::Taken => false,
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.source {
            Source::Nothing => SizeHint::with_exact(0),
            Source::Whole(bytes) => SizeHint::with_exact(bytes.len() as u64),
            Source::Wire(incoming, ..) => incoming.size_hint(),
            #[cfg(feature = "tower")]
            Source::Wrapped(body) => {
                body.lock().unwrap_or_else(std::sync::PoisonError::into_inner).size_hint()
            }
            Source::Taken => SizeHint::default(),
        }
    }
}

/// Gives the unread rest back to the call, which drains it after the reply.
impl Drop for Payload {
    #[inline]
    fn drop(&mut self) {
        if let Some(told) = self.told.take() {
            give_back(self, &told.call);
        }
    }
}

fn give_back(payload: &mut Payload, call: &Call) {
    if let Some(rest) = payload.take_rest() {
        call.body_state().give_back(rest);
    }
}

impl Stream for Payload {
    type Item = Result<Bytes, StatusError>;

    fn poll_next(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        loop {
            let frame = match ready!(self.as_mut().poll_frame(cx)) {
                Some(Ok(frame)) => frame,
                Some(Err(error)) => return Poll::Ready(Some(Err(error))),
                None => return Poll::Ready(None),
            };
            // A stream of bytes has no place for trailers.
            if let Ok(data) = frame.into_data() {
                return Poll::Ready(Some(Ok(data)));
            }
        }
    }
}

impl fmt::Debug for Payload {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Payload").field("size_hint", &Body::size_hint(self)).finish_non_exhaustive()
    }
}

/// The client left before its body was complete.
#[derive(Debug)]
pub(crate) struct Departed(BoxError);

impl fmt::Display for Departed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the client left before its request was complete")
    }
}

impl std::error::Error for Departed {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// A body that hyper reports as complete, although bytes are missing.
#[derive(Debug)]
struct CutShort;

impl fmt::Display for CutShort {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("the body stopped before its stream had ended or its length had come")
    }
}

impl std::error::Error for CutShort {}

/// The client paused for longer than the place allows.
#[derive(Debug)]
struct Paused(Duration);

impl fmt::Display for Paused {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "no more of the request's body came within {:?}", self.0)
    }
}

impl std::error::Error for Paused {}

/// The error of a body that a layer of tower has wrapped.
#[cfg(feature = "tower")]
#[derive(Debug)]
struct Wrapped(BoxError);

#[cfg(feature = "tower")]
impl fmt::Display for Wrapped {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a layer's body failed")
    }
}

#[cfg(feature = "tower")]
impl std::error::Error for Wrapped {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        Some(&*self.0)
    }
}

/// The error of a layer's body: that of the connection's body within, the status of a limit, or broken bytes.
#[cfg(feature = "tower")]
fn wrapped(Wrapped(cause): Wrapped) -> Error {
    use crate::error::{StatusError, find};
    if find::<StatusError>(&*cause).is_some() {
        Error::from(cause)
    } else if find::<http_body_util::LengthLimitError>(&*cause).is_some() {
        let message = "the request's body is larger than its layer allows";
        Error::of_ours(StatusCode::PAYLOAD_TOO_LARGE, message).with_cause(cause)
    } else {
        Error::of_ours(StatusCode::BAD_REQUEST, "the request's body is broken").with_cause(cause)
    }
}

/// The error for the reader of a body that failed.
pub(crate) fn broken(cause: BoxError) -> Error {
    #[cfg(feature = "tower")]
    let cause = match cause.downcast::<Wrapped>() {
        Ok(cause) => return wrapped(*cause),
        Err(cause) => cause,
    };
    if cause.is::<Paused>() {
        Error::of_ours(StatusCode::REQUEST_TIMEOUT, cause.to_string())
    } else if cause.is::<Departed>() {
        Error::of_ours(StatusCode::BAD_REQUEST, "the client left before its request was complete")
            .with_cause(cause)
    } else if cause.is::<hyper::Error>() {
        Error::of_ours(StatusCode::BAD_REQUEST, "the request's body is broken").with_cause(cause)
    } else {
        Error::of_mistake(cause)
    }
}

/// Whether a body is incomplete although hyper reports its end.
///
/// hyper treats a stream that the client reset with `NO_ERROR` as complete. That code has a meaning only when a server
/// sends it (RFC 9113, section 8.1). Whether the stream has ended is known from the stream itself; a body with a length
/// also knows how many bytes are missing.
fn is_cut_short(incoming: &hyper::body::Incoming, version: Version) -> bool {
    let is_short = incoming.size_hint().exact().is_some_and(|left| left > 0);
    is_short || (version == Version::HTTP_2 && !incoming.is_end_stream())
}

/// Whether a body failed because the client left, and not because its bytes were invalid.
fn is_departure(error: &(dyn std::error::Error + 'static), version: Version) -> bool {
    // In HTTP/2 every error of a body ends its stream, so that no reply can be read.
    if version == Version::HTTP_2 || error.is::<CutShort>() {
        return true;
    }
    let mut link = Some(error);
    while let Some(error) = link {
        if let Some(hyper) = error.downcast_ref::<hyper::Error>() {
            if hyper.is_incomplete_message() || hyper.is_canceled() || hyper.is_closed() {
                return true;
            }
        } else if let Some(io) = error.downcast_ref::<std::io::Error>() {
            use ErrorKind::{BrokenPipe, ConnectionAborted, ConnectionReset, UnexpectedEof};
            return matches!(io.kind(), UnexpectedEof | ConnectionReset | ConnectionAborted | BrokenPipe);
        }
        link = error.source();
    }
    false
}
