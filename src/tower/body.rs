//! The bodies that pass between this crate and services of tower, each converted once.

use std::any::Any;
use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes};
use http_body::{Body as HttpBody, Frame, SizeHint};

use crate::error::{BoxError, Error, Result, StatusError};
use crate::exchange::Payload;
use crate::exchange::bulk::WireData;
use crate::reply::{Body, PIECE_MAX, Source, part};
use crate::stage::Outgoing;

/// The body of a reply of this crate, for layers and for services around an app.
///
/// ```
/// use fc_runtime::{App, Payload, http::Request, tower::ReplyBody};
/// use tower_service::Service;
///
/// # fc_runtime::testing::run(async {
/// let app = App::new().get("/", async |_| "tea");
/// let mut app = app.into_service().await.unwrap();
/// let request = Request::get("/").header("host", "shop").body(http_body_util::Empty::new()).unwrap();
/// let body: ReplyBody = app.call(request).await.unwrap().into_body();
/// assert_eq!(http_body_util::BodyExt::collect(body).await.unwrap().to_bytes(), "tea");
/// # });
/// ```
#[must_use = "a body does nothing unless it is sent"]
pub struct ReplyBody(Form);

enum Form {
    /// Of a handler, before the last stages of its reply.
    Made(Body),
    /// As a connection sends it, with the record.
    Sent(Outgoing),
}

impl ReplyBody {
    pub(super) fn made(body: Body) -> Self {
        Self(Form::Made(body))
    }

    pub(super) fn sent(body: Outgoing) -> Self {
        Self(Form::Sent(body))
    }
}

/// An empty body, for layers that answer themselves.
impl Default for ReplyBody {
    fn default() -> Self {
        Self::made(Body::Empty)
    }
}

impl HttpBody for ReplyBody {
    type Data = Bytes;
    type Error = StatusError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<Bytes>, StatusError>>> {
        match &mut self.0 {
            Form::Made(body) => Pin::new(body).poll_frame(cx).map_err(Error::into_std),
            Form::Sent(body) => {
                let frame = ready!(Pin::new(body).poll_frame(cx));
                Poll::Ready(frame.map(|frame| match frame {
                    Ok(frame) => Ok(frame.map_data(WireData::into_bytes)),
                    Err(error) => Err(Error::from(error).into_std()),
                }))
            }
        }
    }

    fn is_end_stream(&self) -> bool {
        match &self.0 {
            Form::Made(body) => body.is_end_stream(),
            Form::Sent(body) => body.is_end_stream(),
        }
    }

    fn size_hint(&self) -> SizeHint {
        match &self.0 {
            Form::Made(body) => body.size_hint(),
            Form::Sent(body) => body.size_hint(),
        }
    }
}

impl fmt::Debug for ReplyBody {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("ReplyBody").field("size_hint", &self.size_hint()).finish_non_exhaustive()
    }
}

/// A request's body, as this crate reads it. One that no layer has wrapped is not boxed.
pub(super) fn payload<B>(body: B) -> Payload
where
    B: HttpBody<Data = Bytes, Error: Into<BoxError>> + Send + 'static,
{
    match unwrapped(body) {
        Ok(payload) => payload,
        Err(body) => Payload::wrapped(Box::pin(Mapped(Box::pin(body)))),
    }
}

/// The value as a `T`, if it is one.
fn unwrapped<T: 'static, B: 'static>(body: B) -> Result<T, B> {
    let mut body = Some(body);
    match (&mut body as &mut dyn Any).downcast_mut::<Option<T>>().and_then(Option::take) {
        Some(own) => Ok(own),
        None => Err(body.expect("a value of another type stays where it is")),
    }
}

/// A body whose errors are boxed.
struct Mapped<B>(Pin<Box<B>>);

impl<B: HttpBody<Error: Into<BoxError>>> HttpBody for Mapped<B> {
    type Data = B::Data;
    type Error = BoxError;

    fn poll_frame(
        mut self: Pin<&mut Self>,
        cx: &mut Context<'_>,
    ) -> Poll<Option<Result<Frame<B::Data>, BoxError>>> {
        self.0.as_mut().poll_frame(cx).map_err(Into::into)
    }

    fn is_end_stream(&self) -> bool {
        self.0.is_end_stream()
    }

    fn size_hint(&self) -> SizeHint {
        self.0.size_hint()
    }
}

/// The body of a service's reply. A whole one is taken at once, so that only streams stay boxed.
///
/// `length` is what the service has said in a header, for bodies that do not know their own.
///
/// # Errors
/// That of a body that fails before its first byte.
pub(super) fn reply_body<B>(body: B, length: Option<u64>, cx: &mut Context<'_>) -> Result<Body>
where
    B: HttpBody<Data: Buf, Error: Into<BoxError>> + Send + 'static,
{
    let body = match unwrapped::<ReplyBody, B>(body) {
        Ok(ReplyBody(Form::Made(body))) => return Ok(body),
        Ok(body) => return Ok(foreign(Box::pin(body), length)),
        Err(body) => body,
    };
    if body.is_end_stream() {
        return Ok(Body::Empty);
    }
    let Some(exact) = body.size_hint().exact() else { return Ok(foreign(Box::pin(body), length)) };
    let mut body = Box::pin(body);
    let Poll::Ready(frame) = body.as_mut().poll_frame(cx) else { return Ok(foreign(body, length)) };
    match frame {
        None => Ok(Body::Empty),
        Some(Err(error)) => Err(Error::from(error.into())),
        Some(Ok(frame)) => {
            let first = data(frame);
            if first.data_ref().is_some_and(|data| data.len() as u64 == exact) && body.is_end_stream() {
                return Ok(Body::of(first.into_data().unwrap_or_default()));
            }
            let rest = Bytes::new();
            Ok(Body::Stream(Box::pin(Foreign { body, first: Some(first), rest, length: Some(exact) })))
        }
    }
}

/// A body that is not sent, of a reply to `HEAD`: its length alone is.
pub(super) fn silent(length: u64) -> Body {
    Body::Stream(Box::pin(Silent(length)))
}

fn foreign<B>(body: Pin<Box<B>>, length: Option<u64>) -> Body
where
    B: HttpBody<Data: Buf, Error: Into<BoxError>> + Send + 'static,
{
    let length = body.size_hint().exact().or(length);
    Body::Stream(Box::pin(Foreign { body, first: None, rest: Bytes::new(), length }))
}

/// Data that are `Bytes` already are not copied.
fn data<D: Buf>(frame: Frame<D>) -> Frame<Bytes> {
    frame.map_data(|mut data| data.copy_to_bytes(data.remaining()))
}

/// The body of a service, as it is sent.
struct Foreign<B> {
    body: Pin<Box<B>>,
    first: Option<Frame<Bytes>>,
    /// The rest of a piece that is handed over in parts.
    rest: Bytes,
    /// How many bytes are left.
    length: Option<u64>,
}

impl<B> Foreign<B> {
    fn give(&mut self, frame: Frame<Bytes>) -> Frame<Bytes> {
        let frame = frame.map_data(|mut data| {
            // A body may be longer than the length that was said, and the reply must not be.
            if let Some(left) = self.length {
                data.truncate(usize::try_from(left).unwrap_or(usize::MAX));
            }
            if data.len() <= PIECE_MAX {
                return data;
            }
            self.rest = data;
            part(&mut self.rest)
        });
        let given = frame.data_ref().map_or(0, Bytes::len) as u64;
        self.length = self.length.map(|left| left.saturating_sub(given));
        frame
    }
}

impl<B> Source for Foreign<B>
where
    B: HttpBody<Data: Buf, Error: Into<BoxError>> + Send,
{
    fn poll_frame(mut self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        let this = &mut *self;
        loop {
            let frame = if !this.rest.is_empty() {
                Frame::data(part(&mut this.rest))
            } else if let Some(first) = this.first.take() {
                first
            } else {
                match ready!(this.body.as_mut().poll_frame(cx)) {
                    Some(Ok(frame)) => data(frame),
                    Some(Err(error)) => return Poll::Ready(Some(Err(Error::from(error.into())))),
                    None => return Poll::Ready(None),
                }
            };
            // An empty chunk would end the body.
            if frame.data_ref().is_none_or(|data| !data.is_empty()) {
                return Poll::Ready(Some(Ok(this.give(frame))));
            }
        }
    }

    fn length(&self) -> Option<u64> {
        self.length
    }
}

struct Silent(u64);

impl Source for Silent {
    fn poll_frame(self: Pin<&mut Self>, _: &mut Context<'_>) -> Poll<Option<Result<Frame<Bytes>>>> {
        Poll::Ready(None)
    }

    fn length(&self) -> Option<u64> {
        Some(self.0)
    }
}
