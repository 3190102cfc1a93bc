//! What a function answered.

use std::fmt;
use std::future::Future;
use std::pin::Pin;
use std::task::{Context, Poll};
use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::response::Parts;
use http::{HeaderMap, Response, StatusCode};
use http_body::Body;
use http_body_util::{BodyExt, Limited};
use hyper::body::Incoming;
use serde::de::DeserializeOwned;
use tokio::time::{Sleep, sleep, timeout};

use crate::error::Error;
use crate::send::{REQUEST_ID, after};

/// The most that is read into memory: 32 MiB, the most that the platform passes on.
const WHOLE_MAX: usize = 32 * 1024 * 1024;

/// What a function answered. The body is read by one of the methods, whole or piece by piece.
///
/// ```
/// # async fn example(client: &fc_client::Client) -> Result<(), fc_client::Error> {
/// let mut reply = client.invoke("report").payload("2026").send().await?;
/// println!("{} {}", reply.request_id(), reply.status());
/// while let Some(piece) = reply.chunk().await? {
///     println!("{} bytes", piece.len());
/// }
/// # Ok(())
/// # }
/// ```
pub struct Reply {
    head: Parts,
    body: Incoming,
    limit: Duration,
}

impl Reply {
    pub(crate) fn new(reply: Response<Incoming>, limit: Duration) -> Self {
        let (head, body) = reply.into_parts();
        Reply { head, body, limit }
    }

    /// The status. A call by name has 200; an HTTP trigger passes the function's own on.
    pub fn status(&self) -> StatusCode {
        self.head.status
    }

    /// The headers.
    pub fn headers(&self) -> &HeaderMap {
        &self.head.headers
    }

    /// The id of the call; empty if none came.
    pub fn request_id(&self) -> &str {
        self.header(REQUEST_ID.as_str()).unwrap_or_default()
    }

    /// The last 4 KiB of the call's log in base64, if [`Invoke::with_log`](crate::Invoke::with_log) asked for it.
    pub fn log_base64(&self) -> Option<&str> {
        self.header("x-fc-log-result")
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.head.headers.get(name)?.to_str().ok()
    }

    /// The next piece of the body; `None` at its end.
    ///
    /// # Errors
    /// The connection broke, or nothing came within the time limit.
    ///
    /// # Cancel safety
    /// Nothing is lost.
    pub async fn chunk(&mut self) -> Result<Option<Bytes>, Error> {
        loop {
            let Ok(frame) = timeout(self.limit, self.body.frame()).await else {
                return Err(Error::TimedOut { limit: self.limit });
            };
            match frame.transpose().map_err(broken)? {
                None => return Ok(None),
                // A frame may also be trailers.
                Some(frame) => {
                    if let Ok(data) = frame.into_data() {
                        return Ok(Some(data));
                    }
                }
            }
        }
    }

    /// The body as a stream.
    pub fn into_stream(self) -> Pieces {
        Pieces { body: self.body, pause: Box::pin(sleep(self.limit)), limit: self.limit, is_over: false }
    }

    /// The whole body, at most 32 MiB.
    ///
    /// # Errors
    /// The connection broke, the body is larger, or it did not come within the time limit.
    pub async fn bytes(self) -> Result<Bytes, Error> {
        let whole = timeout(self.limit, Limited::new(self.body, WHOLE_MAX).collect()).await;
        match whole {
            Ok(Ok(body)) => Ok(body.to_bytes()),
            Ok(Err(error)) if error.is::<http_body_util::LengthLimitError>() => {
                Err(Error::unreadable("the reply is larger than 32 MiB: read it piece by piece"))
            }
            Ok(Err(source)) => Err(Error::Connection { is_sent: true, source }),
            Err(_) => Err(Error::TimedOut { limit: self.limit }),
        }
    }

    /// The whole body as text.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and the body is not UTF-8.
    pub async fn text(self) -> Result<String, Error> {
        let bytes = self.bytes().await?;
        String::from_utf8(bytes.into()).map_err(|_| Error::unreadable("the reply is not text in UTF-8"))
    }

    /// The whole body, read as JSON.
    ///
    /// # Errors
    /// As [`bytes`](Self::bytes), and the body is other JSON, or none.
    pub async fn json<T: DeserializeOwned>(self) -> Result<T, Error> {
        let bytes = self.bytes().await?;
        serde_json::from_slice(&bytes)
            .map_err(|error| Error::unreadable(format!("the reply is other JSON: {error}")))
    }
}

impl fmt::Debug for Reply {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        out.debug_struct("Reply")
            .field("status", &self.head.status)
            .field("request_id", &self.request_id())
            .finish_non_exhaustive()
    }
}

fn broken(error: hyper::Error) -> Error {
    Error::Connection { is_sent: true, source: error.into() }
}

/// The body of a reply as a stream of its pieces. It ends after an error.
///
/// ```
/// use futures_core::Stream;
///
/// fn pass_on(reply: fc_client::Reply) -> impl Stream<Item = Result<bytes::Bytes, fc_client::Error>> {
///     reply.into_stream()
/// }
/// ```
#[derive(Debug)]
pub struct Pieces {
    body: Incoming,
    pause: Pin<Box<Sleep>>,
    limit: Duration,
    is_over: bool,
}

impl Stream for Pieces {
    type Item = Result<Bytes, Error>;

    fn poll_next(self: Pin<&mut Self>, context: &mut Context<'_>) -> Poll<Option<Self::Item>> {
        let this = self.get_mut();
        if this.is_over {
            return Poll::Ready(None);
        }
        let outcome = loop {
            match Pin::new(&mut this.body).poll_frame(context) {
                Poll::Ready(Some(Ok(frame))) => {
                    if let Ok(data) = frame.into_data() {
                        this.pause.as_mut().reset(after(this.limit));
                        return Poll::Ready(Some(Ok(data)));
                    }
                }
                Poll::Ready(Some(Err(error))) => break Some(Err(broken(error))),
                Poll::Ready(None) => break None,
                Poll::Pending if this.pause.as_mut().poll(context).is_ready() => {
                    break Some(Err(Error::TimedOut { limit: this.limit }));
                }
                Poll::Pending => return Poll::Pending,
            }
        };
        this.is_over = true;
        Poll::Ready(outcome)
    }
}
