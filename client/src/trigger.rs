//! A call of an HTTP trigger or a custom domain by its address.

use std::time::Duration;

use bytes::Bytes;
use futures_core::Stream;
use http::{HeaderMap, HeaderName, HeaderValue, Method, Uri, header};
use serde::Serialize;

use crate::client::Client;
use crate::content::Content;
use crate::error::Error;
use crate::invoke::{Accepted, mark};
use crate::reply::Reply;
use crate::send::{Outbound, Signing};

/// A call of an HTTP trigger or a custom domain. It is made by [`Client::request`], and sent by one of the three last methods.
///
/// ```
/// use http::Method;
///
/// # async fn example(client: &fc_client::Client) -> Result<(), fc_client::Error> {
/// let url = "https://transcode-abcdefghij.cn-hangzhou.fcapp.run/jobs";
/// let reply = client.request(Method::POST, url).json(&["480P.mp4"]).signed().send().await?;
/// assert_eq!(reply.status(), 201);
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a call is sent by one of its last methods"]
pub struct TriggerCall<'c> {
    client: &'c Client,
    method: Method,
    uri: Result<Uri, Error>,
    headers: HeaderMap,
    content: Content,
    is_signed: bool,
    is_idempotent: bool,
    delay: Option<Duration>,
    limit: Duration,
}

impl<'c> TriggerCall<'c> {
    pub(crate) fn new(client: &'c Client, method: Method, url: &str) -> Self {
        let is_idempotent = method.is_idempotent();
        TriggerCall {
            client,
            method,
            uri: read(url),
            headers: HeaderMap::new(),
            content: Content::Whole(Bytes::new()),
            is_signed: false,
            is_idempotent,
            delay: None,
            limit: client.limit,
        }
    }

    /// Adds a header.
    pub fn header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.headers.append(name, value);
        self
    }

    /// The body.
    pub fn body(mut self, body: impl Into<Bytes>) -> Self {
        self.content = Content::Whole(body.into());
        self
    }

    /// The body as JSON, with its content type.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => {
                self.content = Content::Whole(json.into());
                let kind = HeaderValue::from_static("application/json");
                self.headers.insert(header::CONTENT_TYPE, kind);
            }
            Err(error) => self.uri = Err(Error::invalid(format!("the body cannot be JSON: {error}"))),
        }
        self
    }

    /// The body as a stream. The call is sent once, whatever happens.
    pub fn stream<S, E>(mut self, body: S) -> Self
    where
        S: Stream<Item = Result<Bytes, E>> + Send + 'static,
        E: Into<Box<dyn std::error::Error + Send + Sync>>,
    {
        self.content = Content::stream(body);
        self
    }

    /// Signs the call, for a trigger with `authType: function`. The function gets the date and the security token as
    /// headers, so calls are not signed unless it is asked for.
    pub fn signed(mut self) -> Self {
        self.is_signed = true;
        self
    }

    /// Says that the call may arrive twice, so that it is repeated after a broken connection.
    pub fn idempotent(mut self) -> Self {
        self.is_idempotent = true;
        self
    }

    /// How long this call may take: see [`Client::with_time_limit`].
    pub fn time_limit(mut self, limit: Duration) -> Self {
        self.limit = limit;
        self
    }

    /// An asynchronous call is carried out after this time: whole seconds, 1 to 3600.
    pub fn delay(mut self, delay: Duration) -> Self {
        self.delay = Some(delay);
        self
    }

    /// Sends the call and waits for the head of the reply, whatever its status.
    ///
    /// # Errors
    /// [`Error::Function`] if the function failed to answer; all others but [`Error::DuplicateTask`].
    ///
    /// # Cancel safety
    /// The platform notices that its client left.
    pub async fn send(self) -> Result<Reply, Error> {
        if self.delay.is_some() {
            return Err(Error::invalid("a synchronous call has no delay"));
        }
        let client = self.client;
        client.ask(self.outbound()?, true).await
    }

    /// Hands the call over: the platform keeps it, and carries it out later, at least once.
    ///
    /// # Errors
    /// The call was not taken: all but [`Error::Function`] and [`Error::DuplicateTask`].
    pub async fn send_async(mut self) -> Result<Accepted, Error> {
        mark(&mut self.headers, self.delay, None)?;
        // Twice is once too often: what happens later is not told by the method.
        self.is_idempotent = false;
        let client = self.client;
        client.hand_over(self.outbound()?, None).await
    }

    /// Hands the call over as a task with this id: see [`Invoke::send_as_task`](crate::Invoke::send_as_task).
    ///
    /// # Errors
    /// [`Error::DuplicateTask`] if there is a task with this id. Otherwise as [`send_async`](Self::send_async).
    pub async fn send_as_task(mut self, id: impl Into<String>) -> Result<Accepted, Error> {
        let id = id.into();
        mark(&mut self.headers, self.delay, Some(&id))?;
        self.is_idempotent = true;
        let client = self.client;
        client.hand_over(self.outbound()?, Some(id)).await
    }

    fn outbound(self) -> Result<Outbound, Error> {
        Ok(Outbound {
            method: self.method,
            uri: self.uri?,
            headers: self.headers,
            content: self.content,
            signing: if self.is_signed { Signing::Trigger } else { Signing::Unsigned },
            is_idempotent: self.is_idempotent,
            limit: self.limit,
        })
    }
}

fn read(url: &str) -> Result<Uri, Error> {
    let wrong = || Error::invalid(format!("`{url}` is no address such as https://host/path"));
    let uri: Uri = url.parse().map_err(|_| wrong())?;
    let is_http = matches!(uri.scheme_str(), Some("http" | "https"));
    let has_host = uri.authority().is_some_and(|authority| !authority.as_str().contains('@'));
    if is_http && has_host { Ok(uri) } else { Err(wrong()) }
}
