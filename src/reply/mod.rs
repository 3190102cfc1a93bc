//! Replies: the values that handlers return, and their conversion into HTTP responses.

mod body;
mod chunk;
mod event_reply;
mod formats;
pub(crate) mod header_maps;
mod into_reply;
mod location;
mod outcome;
mod part;
mod piece;
mod set_cookie;
mod source;
mod sse;
mod waker;

use std::borrow::Cow;
use std::fmt;
use std::panic::Location;
use std::pin::Pin;

use bytes::Bytes;
use futures_core::Stream;
use http::response::Parts;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, Version};

use crate::error::{Error, Result};
use crate::headers;
use crate::stop::Stops;

pub(crate) use body::Body;
#[cfg(feature = "files")]
pub(crate) use body::DIRECT_MIN;
#[cfg(feature = "tower")]
pub(crate) use body::PIECE_MAX;
pub(crate) use chunk::{CHUNK_END, Chunk, ChunkData, begin_chunk};
pub use event_reply::IntoEventReply;
pub use formats::{Html, Json, Redirect};
pub use into_reply::IntoReply;
pub(crate) use location::encoded_location;
pub use outcome::Outcome;
pub use part::ReplyPart;
pub use piece::IntoPiece;
pub use set_cookie::{SameSite, SetCookie};
use source::Pieces;
pub(crate) use source::Source;
#[cfg(feature = "tower")]
pub(crate) use source::part;
pub use sse::{Broadcast, IntoSseEvent, Sse, SseEvent, SseSender, Subscription};
pub(crate) use waker::StreamWaker;

/// A reply: status, headers and a body that is whole or streamed.
///
/// Handlers rarely name this type: any value that implements [`IntoReply`] becomes a reply.
///
/// ```
/// use fc_runtime::Reply;
///
/// let reply = Reply::new("made").with_status(201).with_header("location", "/orders/7");
/// assert_eq!(reply.status(), 201);
/// assert_eq!(reply.headers()["location"], "/orders/7");
/// ```
#[must_use = "a reply does nothing unless the handler returns it"]
#[doc(alias = "Response")]
#[doc(alias = "HttpResponse")]
#[doc(alias = "res")]
pub struct Reply {
    /// Status and headers in the form hyper takes, so that the reply is moved and not rebuilt.
    pub(crate) head: Parts,
    pub(crate) body: Body,
    error: Option<Error>,
    /// Whether the CORS headers are complete, as in the answer to a preflight.
    has_cors: bool,
    /// Whether the author has set headers. Those are searched for names that the platform reserves.
    has_own_headers: bool,
}

impl Reply {
    /// A 200 with this body.
    pub fn new(body: impl Into<Bytes>) -> Self {
        Self::of(Body::of(body.into()), None)
    }

    /// As [`Reply::new`], with a content type.
    pub(crate) fn typed(body: Bytes, content_type: HeaderValue) -> Self {
        Self::of(Body::of(body), Some(content_type))
    }

    /// Made in one place, with the content type: a reply that is changed after it was made is moved once more.
    fn of(body: Body, content_type: Option<HeaderValue>) -> Self {
        let (mut head, ()) = Response::new(()).into_parts();
        header_maps::reuse(&mut head.headers);
        if let Some(content_type) = content_type {
            // Most replies do it: here the value is made where it stays.
            head.headers.insert(http::header::CONTENT_TYPE, content_type);
        }
        Self { head, body, error: None, has_cors: false, has_own_headers: false }
    }

    /// A reply without a body.
    pub fn empty(status: StatusCode) -> Self {
        let mut reply = Self::of(Body::Empty, None);
        reply.head.status = status;
        reply
    }

    /// A 200 whose body is a stream. Each piece is sent as soon as it is ready, in chunked encoding, without a length.
    ///
    /// A chunked body makes the platform stream to the client. An error ends the reply early: the client sees a body
    /// that was cut, and the error is logged.
    ///
    /// The items may be `Result`s with any error, as streams of other crates give them: files by tokio-util's
    /// `ReaderStream`, rows of a database, the body of a reply of `reqwest`.
    ///
    /// ```
    /// use fc_runtime::Reply;
    ///
    /// let reply = Reply::stream(async_stream::stream! {
    ///     for line in ["one\n", "two\n"] { yield line; }
    /// });
    /// assert_eq!(reply.status(), 200);
    /// ```
    pub fn stream(pieces: impl Stream<Item: IntoPiece> + Send + 'static) -> Self {
        Self::from_source(Pieces::new(pieces))
    }

    /// As [`stream`](Self::stream), for a stream whose error is left to the compiler, as in `async_stream::try_stream!`:
    /// `?` in it takes any error.
    ///
    /// ```
    /// use fc_runtime::{App, Reply};
    ///
    /// # fc_runtime::testing::run(async {
    /// let client = App::new()
    ///     .get("/sum/{a}/{b}", async |ex| Reply::try_stream(async_stream::try_stream! {
    ///         let sum: u32 = ex.param::<u32>("a")? + "2".parse::<u32>()?;
    ///         yield sum.to_string().into();
    ///     }))
    ///     .test_client();
    /// client.get("/sum/1/2").await.assert_text("3");
    /// # });
    /// ```
    pub fn try_stream(pieces: impl Stream<Item = Result<Bytes>> + Send + 'static) -> Self {
        Self::stream(pieces)
    }

    pub(crate) fn from_source(source: impl Source + 'static) -> Self {
        Self::from_boxed_source(Box::pin(source))
    }

    fn from_boxed_source(source: Pin<Box<dyn Source>>) -> Self {
        Self::of(Body::Stream(source), None)
    }

    /// The reply with another status. A status outside 200–599 is a mistake of the author: the reply becomes a 500, and
    /// the log names the line of code.
    #[track_caller]
    pub fn with_status(self, status: u16) -> Self {
        self.with_status_at(status, Some(Location::caller()))
    }

    fn with_status_at(mut self, status: u16, line: Option<&'static Location<'static>>) -> Self {
        match StatusCode::from_u16(status) {
            Ok(status) if (200..600).contains(&status.as_u16()) => {
                self.head.status = status;
                self
            }
            _ => Self::mistake(format!("a reply cannot have the status {status}"), line),
        }
    }

    /// The reply with this header. A header of the same name is replaced.
    ///
    /// A name or a value with bytes that HTTP forbids, such as a line break, is refused. The reply becomes a 500, and
    /// the log names the line of code.
    #[track_caller]
    #[doc(alias = "set")]
    #[doc(alias = "insert_header")]
    pub fn with_header<K, V>(mut self, name: K, value: V) -> Self
    where
        K: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match part::header(name, value) {
            Ok((name, value)) => {
                headers::set(self.headers_mut(), name, value);
                self
            }
            Err(what) => Self::mistake(what, Some(Location::caller())),
        }
    }

    /// The reply with one more header of this name, as `Set-Cookie` needs. Names and values are refused as in
    /// [`with_header`](Self::with_header).
    #[track_caller]
    #[doc(alias = "append")]
    #[doc(alias = "append_header")]
    #[doc(alias = "Set-Cookie")]
    pub fn with_added_header<K, V>(mut self, name: K, value: V) -> Self
    where
        K: TryInto<HeaderName>,
        V: TryInto<HeaderValue>,
    {
        match part::header(name, value) {
            Ok((name, value)) => {
                headers::add(self.headers_mut(), name, value);
                self
            }
            Err(what) => Self::mistake(what, Some(Location::caller())),
        }
    }

    /// The status code.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The headers so far. Before the reply is sent, the runtime adds length and date, and drops headers that the
    /// platform reserves.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The headers, for changes in place.
    pub fn headers_mut(&mut self) -> &mut HeaderMap {
        self.has_own_headers = true;
        &mut self.head.headers
    }

    /// The error that this reply was made from, with its cause. A middleware (an around) can read it.
    pub fn error(&self) -> Option<&Error> {
        self.error.as_ref()
    }

    /// Whether the body is streamed.
    pub fn is_stream(&self) -> bool {
        matches!(self.body, Body::Stream(_))
    }

    /// A reply of parts that a service of tower has made.
    #[cfg(feature = "tower")]
    pub(crate) fn from_parts(head: Parts, body: Body, error: Option<Error>) -> Self {
        Self { head, body, error, has_cors: false, has_own_headers: true }
    }

    #[cfg(feature = "tower")]
    pub(crate) fn into_parts(self) -> (Parts, Body, Option<Error>) {
        (self.head, self.body, self.error)
    }

    /// Registers a stream for stop notices, so that it can end by itself.
    pub(crate) fn listen(&mut self, stops: &Stops) {
        if let Body::Stream(source) = &mut self.body {
            source.as_mut().listen(stops);
        }
    }

    pub(crate) fn from_error(error: Error) -> Self {
        let has_own_headers = !error.headers().is_empty();
        let mut reply = Self { has_own_headers, ..Self::empty(error.status()) };
        for (name, value) in error.headers() {
            headers::add(&mut reply.head.headers, name.clone(), value.clone());
        }
        reply.error = Some(error);
        reply
    }

    /// Sets the content type. `content_type` is a constant, whose bytes are checked at compile time.
    pub(crate) fn with_type(mut self, content_type: HeaderValue) -> Self {
        headers::set(&mut self.head.headers, http::header::CONTENT_TYPE, content_type);
        self
    }

    pub(crate) fn take_unmapped_error(&mut self) -> Option<Error> {
        self.error.take_if(|error| !error.is_mapped())
    }

    pub(crate) fn set_error(&mut self, error: Error) {
        self.head.status = error.status();
        for (name, value) in error.headers() {
            headers::set(self.headers_mut(), name.clone(), value.clone());
        }
        self.error = Some(error);
    }

    /// The headers, for names that this crate sets. Unlike `headers_mut` it does not mark the headers as the author's.
    pub(crate) fn our_headers_mut(&mut self) -> &mut HeaderMap {
        &mut self.head.headers
    }

    pub(crate) fn without_body(&mut self) {
        self.body.clear();
    }

    /// Removes the body, and sets `content-length` if the length is known. hyper omits the body of a reply to `HEAD` in
    /// HTTP/1 only.
    pub(crate) fn silence(&mut self) {
        if let Some(length) = http_body::Body::size_hint(&self.body).exact() {
            headers::set(&mut self.head.headers, http::header::CONTENT_LENGTH, length.into());
        }
        self.body.clear();
    }

    /// Closes the connection of a client of HTTP/1.0 behind the body, unless the length of the body is told. hyper would promise
    /// to keep the connection, and close the connection all the same, since HTTP/1.0 has no chunks.
    pub(crate) fn end_with_connection(&mut self) {
        let is_told = self.head.headers.contains_key(http::header::CONTENT_LENGTH);
        if !is_told && http_body::Body::size_hint(&self.body).exact().is_none() {
            self.head.version = Version::HTTP_10;
        }
    }

    /// Marks the CORS headers as complete. Used for the answer to a preflight.
    pub(crate) fn without_cors(mut self) -> Self {
        self.has_cors = true;
        self
    }

    pub(crate) fn has_own_headers(&self) -> bool {
        self.has_own_headers
    }

    pub(crate) fn has_cors(&self) -> bool {
        self.has_cors
    }

    pub(crate) fn set_body(&mut self, body: Bytes, content_type: &'static str) {
        headers::set(
            &mut self.head.headers,
            http::header::CONTENT_TYPE,
            HeaderValue::from_static(content_type),
        );
        self.body = Body::Once(body);
    }

    /// Replaces status and body, and keeps the headers.
    pub(crate) fn say(&mut self, status: StatusCode, body: Bytes) {
        self.head.status = status;
        self.body = Body::of(body);
    }

    /// A 500 for a mistake in the author's code. The log names the line, or that of the route if the line is not known.
    pub(crate) fn mistake(
        what: impl Into<Cow<'static, str>>,
        line: Option<&'static Location<'static>>,
    ) -> Self {
        let what: Cow<'static, str> = what.into();
        Self::from_error(Error::of_mistake(what).at(line))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Reply")
            .field("status", &self.head.status)
            .field("body", &self.body)
            .finish_non_exhaustive()
    }
}
