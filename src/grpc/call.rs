//! One gRPC call: its request is read, its handler runs, its reply is framed.

use std::marker::PhantomData;
use std::pin::Pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::Bytes;
use http::header::CONTENT_TYPE;
use http::{HeaderMap, HeaderName, HeaderValue};
use pin_project_lite::pin_project;
use prost::Message;
use tonic::Code;

use crate::app::{Handler, replying};
use crate::budget::Held;
use crate::error::{Error, Result};
use crate::exchange::read::Reading;
use crate::exchange::{Call, Exchange, Shared};
use crate::grpc::accept::{Encoding, accept, encoding, known};
use crate::grpc::message::{IntoMessage, IntoMessages, WithMetadata};
use crate::grpc::messages::Messages;
use crate::grpc::reply_body::{Framed, One, ReplyBody};
use crate::grpc::status::{broken_call, good_trailers, is_of_status, judge, left_early, of_ours};
use crate::grpc::wire::Wire;
use crate::grpc::{frame, web};
use crate::reply::Reply;
use crate::sealed::Endpoint;
use crate::task::BoxFuture;

/// The call for which a reply is made.
pub(crate) struct Asked<S> {
    pub(crate) call: Arc<Call>,
    pub(crate) shared: Arc<Shared<S>>,
    pub(crate) wire: Wire,
    /// The compression of the request. Generated services handle compression themselves.
    pub(crate) encoding: Encoding,
}

/// Makes a reply from the handler's value.
type MakeReply<S, T> = fn(Asked<S>, T) -> Result<Reply>;

/// The endpoint of a method whose client sends one message.
pub(crate) fn of_one<S, F, M, T>(handler: F, answer: MakeReply<S, T>) -> Endpoint<S>
where
    S: Send + Sync + 'static,
    F: Handler<(Exchange<S>, M), Result<T>>,
    M: Message + Default + 'static,
    T: 'static,
{
    Box::new(move |ex| match asked(&ex) {
        Err(error) => refuse(&ex, error),
        Ok(asked) => {
            let shared = Arc::clone(&asked.shared);
            let reading = Some((handler.clone(), ex, Reading::default()));
            let (asked, of) = (Some(asked), PhantomData);
            replying(Calling { reading, running: None, asked, held: None, answer, of }, shared)
        }
    })
}

/// The endpoint of a method whose client sends several messages.
pub(crate) fn of_many<S, F, M, T>(handler: F, answer: MakeReply<S, T>) -> Endpoint<S>
where
    S: Send + Sync + 'static,
    F: Handler<(Exchange<S>, Messages<M>), Result<T>>,
    M: Message + Default + 'static,
    T: 'static,
{
    Box::new(move |ex| match asked(&ex) {
        Err(error) => refuse(&ex, error),
        Ok(asked) => {
            let shared = Arc::clone(&asked.shared);
            let messages = Messages::new(&asked.call, asked.wire, asked.encoding, shared.stops.listen());
            let future = handler.clone().call((ex, messages));
            replying(Running { future, asked: Some(asked), answer }, shared)
        }
    })
}

fn asked<S>(ex: &Exchange<S>) -> Result<Asked<S>> {
    let wire = accept(ex.call())?;
    let encoding = encoding(ex.headers())?;
    Ok(Asked { call: Arc::clone(ex.call()), shared: Arc::clone(ex.shared()), wire, encoding })
}

pub(crate) fn refuse<S: Send + Sync + 'static>(ex: &Exchange<S>, error: Error) -> BoxFuture<Reply> {
    replying(std::future::ready(error), Arc::clone(ex.shared()))
}

/// Makes a reply with one message.
pub(crate) fn with_one<S, R: IntoMessage>(asked: Asked<S>, message: R) -> Result<Reply> {
    let WithMetadata { value, headers, trailers } = message.into_parts();
    let frame = frame::encode(&value)?;
    let trailers = with_status(trailers);
    let reply = if asked.wire.is_web() {
        judge(&asked.call, Code::Ok);
        let status = web::last_frame(Wire::Web, &trailers);
        Reply::new(web::data(asked.wire, [frame, status].concat().into()))
    } else {
        Reply::from_source(One::new(asked.call, frame, trailers))
    };
    Ok(with_headers(reply.with_type(asked.wire.content_type()), headers, asked.encoding))
}

/// Makes a reply with a stream of messages.
#[allow(clippy::unnecessary_wraps, reason = "the shape of an `MakeReply`")]
pub(crate) fn with_many<S, R>(asked: Asked<S>, messages: R) -> Result<Reply>
where
    S: Send + Sync + 'static,
    R: IntoMessages,
{
    let WithMetadata { value, headers, trailers } = messages.into_parts();
    let frames = Framed::new(value, with_status(trailers));
    let reply = Reply::from_source(ReplyBody::new(frames, asked.call, asked.shared, asked.wire));
    Ok(with_headers(reply.with_type(asked.wire.content_type()), headers, asked.encoding))
}

fn with_status(own: HeaderMap) -> HeaderMap {
    let mut trailers = good_trailers();
    if !own.is_empty() {
        trailers.extend(without_status(own));
    }
    trailers
}

/// The author's metadata without the headers of the runtime: the status, and the content type.
fn without_status(own: HeaderMap) -> impl Iterator<Item = (Option<HeaderName>, HeaderValue)> {
    let mut is_kept = true;
    own.into_iter().filter(move |(name, _)| {
        // `HeaderMap::into_iter` gives the name with the first value only.
        if let Some(name) = name {
            is_kept = *name != CONTENT_TYPE && !is_of_status(name);
        }
        is_kept
    })
}

fn with_headers(mut reply: Reply, headers: HeaderMap, encoding: Encoding) -> Reply {
    if encoding == Encoding::Gzip {
        let (name, value) = known();
        reply.headers_mut().insert(name, value);
    }
    if !headers.is_empty() {
        reply.headers_mut().extend(without_status(headers));
    }
    reply
}

pin_project! {
    /// Reads the message, calls the handler, and frames its reply.
    struct Calling<S, F, M, T>
    where
        F: Handler<(Exchange<S>, M), Result<T>>,
    {
        // `None` once the message is complete.
        reading: Option<(F, Exchange<S>, Reading)>,
        #[pin]
        running: Option<F::Future>,
        asked: Option<Asked<S>>,
        // The memory of a large message that came compressed.
        held: Option<Held>,
        answer: MakeReply<S, T>,
        of: PhantomData<fn() -> M>,
    }
}

impl<S, F, M, T> Future for Calling<S, F, M, T>
where
    S: Send + Sync + 'static,
    F: Handler<(Exchange<S>, M), Result<T>>,
    M: Message + Default,
{
    type Output = Result<Reply>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Reply>> {
        let mut this = self.project();
        let Some(asked) = this.asked.as_ref() else { return Poll::Pending };
        if let Some((_, _, reading)) = this.reading {
            let message = ready!(poll_message(reading, asked, this.held, cx))
                .map_err(|error| failed(asked.encoding, error))?;
            if let Some((handler, ex, _)) = this.reading.take() {
                this.running.set(Some(handler.call((ex, message))));
            }
        }
        let Some(running) = this.running.as_mut().as_pin_mut() else { return Poll::Pending };
        let value = ready!(running.poll(cx));
        Poll::Ready(answer(this.asked, *this.answer, value))
    }
}

/// Makes the reply of a handler that has returned. `asked` is `None` only if the future is polled after its end.
fn answer<S, T>(asked: &mut Option<Asked<S>>, make: MakeReply<S, T>, value: Result<T>) -> Result<Reply> {
    let Some(asked) = asked.take() else { return Err(of_ours(Code::Internal, "a call was answered twice")) };
    let encoding = asked.encoding;
    value.and_then(|value| make(asked, value)).map_err(|error| failed(encoding, error))
}

/// Adds the known compressions to the error of a call whose client compresses.
fn failed(encoding: Encoding, error: Error) -> Error {
    if encoding == Encoding::Identity {
        return error;
    }
    let (name, value) = known();
    error.with_header(name, value)
}

/// Reads the only message of a body.
fn poll_message<S, M: Message + Default>(
    reading: &mut Reading,
    asked: &Asked<S>,
    held: &mut Option<Held>,
    cx: &mut Context<'_>,
) -> Poll<Result<M>> {
    let limit = asked.call.body_limit();
    let frame = limit + frame::HEAD;
    let most = if asked.wire == Wire::WebText { frame.div_ceil(3) * 4 } else { frame };
    let Poll::Ready(read) = reading.poll(cx, &asked.call, most) else {
        return match check_begin(asked, limit) {
            Ok(()) => Poll::Pending,
            Err(error) => Poll::Ready(Err(error)),
        };
    };
    let body = match read {
        Ok(body) => body,
        Err(_) if asked.call.departure.is_gone() => return Poll::Ready(Err(left_early())),
        Err(error) => {
            return Poll::Ready(Err(match error.status().as_u16() {
                413 => frame::too_large(limit),
                400 => broken_call(error.message().to_owned()),
                _ => error,
            }));
        }
    };
    let count = |length| asked.call.peer.as_ref().is_none_or(|peer| peer.hold_body(held, length));
    Poll::Ready(only_message(body, asked.wire, asked.encoding, limit, count))
}

/// Refuses a body whose begin is wrong, while more of it may come: the client may keep its stream open for long.
fn check_begin<S>(asked: &Asked<S>, limit: usize) -> Result {
    let body = asked.call.body_state();
    match body.so_far() {
        [] => Ok(()),
        begin if asked.wire != Wire::WebText => frame::check_begin(begin, asked.encoding, limit),
        // Of text only what holds the head: padding may stand within the rest, which would have to be decoded each time.
        begin => match begin.first_chunk::<WEB_TEXT_HEAD>() {
            Some(begin) => {
                let head = web::decode(Wire::WebText, Bytes::copy_from_slice(begin))
                    .map_err(|error| not_base64(&error))?;
                frame::check_begin(&head[..head.len().min(frame::HEAD)], asked.encoding, limit)
            }
            None => Ok(()),
        },
    }
}

/// The size of a frame's head in base64, in bytes.
const WEB_TEXT_HEAD: usize = frame::HEAD.div_ceil(3) * 4;

fn not_base64(error: &web::NotBase64) -> Error {
    broken_call(error.to_string())
}

fn only_message<M: Message + Default>(
    body: Bytes,
    wire: Wire,
    encoding: Encoding,
    limit: usize,
    hold: impl FnOnce(usize) -> bool,
) -> Result<M> {
    let mut frames = web::decode(wire, body).map_err(|error| not_base64(&error))?;
    if frames.is_empty() {
        return Err(of_ours(Code::Unimplemented, "this method takes one message, and none came"));
    }
    match frame::take(&mut frames, limit)? {
        None => Err(broken_call("the message is cut short")),
        Some(_) if !frames.is_empty() => Err(frame::more_came()),
        Some(frame) => frame::decode(frame, encoding, limit, hold),
    }
}

pin_project! {
    /// Runs the handler, and frames its reply.
    struct Running<S, Fut, T> {
        #[pin]
        future: Fut,
        asked: Option<Asked<S>>,
        answer: MakeReply<S, T>,
    }
}

impl<S, Fut, T> Future for Running<S, Fut, T>
where
    Fut: Future<Output = Result<T>>,
{
    type Output = Result<Reply>;

    fn poll(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Result<Reply>> {
        let this = self.project();
        let value = ready!(this.future.poll(cx));
        Poll::Ready(answer(this.asked, *this.answer, value))
    }
}
