//! The traits of values that gRPC methods may return.

use std::fmt;
use std::pin::Pin;
use std::task::{Context, Poll};

use futures_core::Stream;
use http::{HeaderMap, HeaderName, HeaderValue};
use pin_project_lite::pin_project;
use prost::Message;

use crate::error::{Error, Result};
use crate::grpc::Messages;

/// A value that a method with one reply message may return: a protobuf message, or one [with metadata](WithMetadata).
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a protobuf message",
    label = "has to be a message",
    note = "return what `prost` derives or generates, as in `Ok(HelloReply::default())`; to fail, let `?` convert the error"
)]
pub trait IntoMessage {
    #[doc(hidden)]
    type Message: Message;

    #[doc(hidden)]
    fn into_parts(self) -> WithMetadata<Self::Message>;
}

#[diagnostic::do_not_recommend]
impl<M: Message> IntoMessage for M {
    type Message = M;

    fn into_parts(self) -> WithMetadata<M> {
        WithMetadata::new(self)
    }
}

impl<M: Message> IntoMessage for WithMetadata<M> {
    type Message = M;

    fn into_parts(self) -> Self {
        self
    }
}

/// A value that a method with a stream of reply messages may return: a `Stream` of `Result`s of messages, or one
/// [with metadata](WithMetadata). [`replies`] takes streams with other errors.
#[diagnostic::on_unimplemented(
    message = "`{Self}` is not a stream of protobuf messages",
    label = "has to be a `Stream` of `fc_runtime::Result`s of messages",
    note = "`async_stream::try_stream!` makes one, and lets `?` end it with an error",
    note = "`fc_runtime::grpc::replies(stream)` makes one of a stream with another error"
)]
pub trait IntoMessages {
    #[doc(hidden)]
    type Message: Message;

    #[doc(hidden)]
    type Messages: Stream<Item = Result<Self::Message>> + Send + 'static;

    #[doc(hidden)]
    fn into_parts(self) -> WithMetadata<Self::Messages>;
}

#[diagnostic::do_not_recommend]
impl<St, M> IntoMessages for St
where
    St: Stream<Item = Result<M, Error>> + Send + 'static,
    M: Message,
{
    type Message = M;
    type Messages = St;

    fn into_parts(self) -> WithMetadata<St> {
        WithMetadata::new(self)
    }
}

/// The messages of the client, sent back.
#[diagnostic::do_not_recommend]
impl<M: Message + Default + 'static> IntoMessages for Messages<M> {
    type Message = M;
    type Messages = Replies<Self>;

    fn into_parts(self) -> WithMetadata<Replies<Self>> {
        WithMetadata::new(replies(self))
    }
}

/// Makes a stream of reply messages of a stream whose error is another than this crate's, such as rows of a database or
/// the messages of another service.
///
/// ```
/// use fc_runtime::{App, grpc};
/// use std::num::ParseIntError;
///
/// #[derive(Clone, PartialEq, prost::Message)]
/// struct Number { #[prost(int64, tag = "1")] value: i64 }
///
/// fn read(text: &str) -> Result<Number, ParseIntError> { Ok(Number { value: text.parse()? }) }
///
/// # fc_runtime::testing::run(async {
/// let app = App::new().server_stream("/numbers.Numbers/All", async |_, _: Number| {
///     Ok(grpc::replies(async_stream::stream! { yield read("1"); yield read("2"); }))
/// });
/// let all = app.test_client().grpc("/numbers.Numbers/All", [Number { value: 0 }]).await;
/// assert_eq!(all.messages::<Number>().len(), 2);
/// # });
/// ```
pub fn replies<St>(messages: St) -> Replies<St> {
    Replies { messages }
}

pin_project! {
    /// The stream of [`replies`]: its errors are this crate's.
    #[must_use = "a stream does nothing unless the method returns it"]
    pub struct Replies<St> {
        #[pin]
        messages: St,
    }
}

impl<St, M, E> Stream for Replies<St>
where
    St: Stream<Item = Result<M, E>>,
    E: Into<Error>,
{
    type Item = Result<M>;

    fn poll_next(self: Pin<&mut Self>, cx: &mut Context<'_>) -> Poll<Option<Result<M>>> {
        self.project().messages.poll_next(cx).map_err(Into::into)
    }
}

impl<St> fmt::Debug for Replies<St> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Replies").finish_non_exhaustive()
    }
}

#[diagnostic::do_not_recommend]
impl<St, M> IntoMessages for WithMetadata<St>
where
    St: Stream<Item = Result<M, Error>> + Send + 'static,
    M: Message,
{
    type Message = M;
    type Messages = St;

    fn into_parts(self) -> Self {
        self
    }
}

/// A message, or a stream of messages, with metadata before and after it.
///
/// Binary metadata has a name that ends in `-bin`, and a value in base64. To read the metadata of the request, use
/// [`Exchange::header`](crate::Exchange::header). To add metadata to an error, use [`Error::with_header`]. The headers
/// `grpc-status`, `grpc-message` and `content-type` are the runtime's, and are left out.
///
/// ```
/// use fc_runtime::http::{HeaderName, HeaderValue};
/// use fc_runtime::{App, grpc::WithMetadata};
///
/// #[derive(Clone, PartialEq, prost::Message)]
/// struct Number { #[prost(int64, tag = "1")] value: i64 }
///
/// # fc_runtime::testing::run(async {
/// let app = App::new().unary("/numbers.Numbers/Double", async |_, number: Number| {
///     let reply = WithMetadata::new(Number { value: number.value * 2 });
///     Ok(reply.with_trailer(HeaderName::from_static("x-cost"), HeaderValue::from_static("1")))
/// });
/// let doubled = app.test_client().grpc("/numbers.Numbers/Double", [Number { value: 21 }]).await;
/// assert_eq!(doubled.messages::<Number>()[0].value, 42);
/// assert_eq!(doubled.trailers()["x-cost"], "1");
/// # });
/// ```
#[derive(Debug)]
#[must_use = "a reply does nothing unless the method returns it"]
pub struct WithMetadata<T> {
    pub(crate) value: T,
    pub(crate) headers: HeaderMap,
    pub(crate) trailers: HeaderMap,
}

impl<T> WithMetadata<T> {
    /// Wraps the value, without metadata.
    pub fn new(value: T) -> Self {
        Self { value, headers: HeaderMap::new(), trailers: HeaderMap::new() }
    }

    /// Adds metadata that is sent before the first message.
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// Adds metadata that is sent after the messages, with the status. It is sent only if the status is OK.
    pub fn with_trailer(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.trailers.append(name, value);
        self
    }
}
