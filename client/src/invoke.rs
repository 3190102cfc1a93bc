//! A call of a function by its name.

use std::time::Duration;

use bytes::Bytes;
use fc_runtime::platform::is_task_id;
use fc_runtime::platform::limits::ASYNC_DELAY_MAX;
use http::{HeaderMap, HeaderName, Method, StatusCode, Uri, header};
use serde::Serialize;

use crate::client::Client;
use crate::content::Content;
use crate::error::Error;
use crate::reply::Reply;
use crate::send::{
    DELAY, INVOCATION_TYPE, Outbound, REQUEST_ID, Received, Signing, TASK_ID, VERSION, failure, set,
};
use crate::sign::encode;

/// A call of a function by its name. It is made by [`Client::invoke`], and sent by one of the three last methods.
///
/// ```
/// use std::time::Duration;
///
/// # async fn example(client: &fc_client::Client) -> Result<(), fc_client::Error> {
/// let price: f64 = client.invoke("price").qualifier("prod").payload("tea").send().await?.json().await?;
/// client.invoke("mail").json(&[price]).delay(Duration::from_secs(60)).send_async().await?;
/// let task = client.invoke("report").payload("2026").send_as_task("report-2026").await?;
/// assert_eq!(task.task_id.as_deref(), Some("report-2026"));
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[must_use = "a call is sent by one of its last methods"]
pub struct Invoke<'c> {
    client: &'c Client,
    function: String,
    qualifier: Option<String>,
    payload: Bytes,
    headers: HeaderMap,
    delay: Option<Duration>,
    is_idempotent: bool,
    limit: Duration,
    /// What was wrong with the payload.
    problem: Option<Error>,
}

/// A call that the platform has taken, and will carry out. [`Invoke`] has an example.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct Accepted {
    /// The id of the call.
    pub request_id: String,
    /// The id of the task, if the function is in task mode.
    pub task_id: Option<String>,
}

impl<'c> Invoke<'c> {
    pub(crate) fn new(client: &'c Client, function: String) -> Self {
        Invoke {
            client,
            function,
            qualifier: None,
            payload: Bytes::new(),
            headers: HeaderMap::new(),
            delay: None,
            is_idempotent: false,
            limit: client.limit,
            problem: None,
        }
    }

    /// Calls a version or an alias. Without it the call is for `LATEST`.
    pub fn qualifier(mut self, qualifier: impl Into<String>) -> Self {
        self.qualifier = Some(qualifier.into());
        self
    }

    /// The event: at most 32 MiB, of an asynchronous call 128 KiB. It is signed, so it is no stream;
    /// [`Client::request`] takes one.
    pub fn payload(mut self, payload: impl Into<Bytes>) -> Self {
        self.payload = payload.into();
        self
    }

    /// The event as JSON.
    pub fn json<T: Serialize + ?Sized>(mut self, value: &T) -> Self {
        match serde_json::to_vec(value) {
            Ok(json) => self.payload = json.into(),
            Err(error) => self.problem = Some(Error::invalid(format!("the event cannot be JSON: {error}"))),
        }
        self
    }

    /// Asks for the last 4 KiB of the call's log: [`Reply::log_base64`].
    pub fn with_log(mut self) -> Self {
        self.headers.insert("x-fc-log-type", http::HeaderValue::from_static("Tail"));
        self
    }

    /// Says that the function may be called twice with this event, so that the call is repeated after a broken connection.
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

    /// Calls the function and waits for the head of its reply.
    ///
    /// # Errors
    /// [`Error::Function`] if the function failed; all others but [`Error::DuplicateTask`].
    ///
    /// # Cancel safety
    /// The platform notices that its client left.
    pub async fn send(self) -> Result<Reply, Error> {
        if self.delay.is_some() {
            return Err(Error::invalid("a synchronous call has no delay"));
        }
        let client = self.client;
        client.ask(self.outbound()?, false).await
    }

    /// Hands the call over: the platform keeps it, and carries it out later, at least once.
    ///
    /// # Errors
    /// The call was not taken: all but [`Error::Function`] and [`Error::DuplicateTask`].
    pub async fn send_async(mut self) -> Result<Accepted, Error> {
        mark(&mut self.headers, self.delay, None)?;
        let client = self.client;
        client.hand_over(self.outbound()?, None).await
    }

    /// Hands the call over as a task with this id, which no other task of the function may have: a letter or `_`, then
    /// letters, digits, `_` and `-`, at most 128. The function has to be in task mode.
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

    fn outbound(mut self) -> Result<Outbound, Error> {
        if let Some(problem) = self.problem.take() {
            return Err(problem);
        }
        let path = format!("/functions/{}/invocations", encode(&self.function));
        let query = self.qualifier.iter().map(|qualifier| ("qualifier", qualifier.as_str()));
        set(&mut self.headers, header::CONTENT_TYPE, "application/octet-stream")?;
        Ok(Outbound {
            method: Method::POST,
            uri: api(self.client, &path, query)?,
            headers: self.headers,
            content: Content::Whole(self.payload),
            signing: Signing::Api("InvokeFunction"),
            is_idempotent: self.is_idempotent,
            limit: self.limit,
        })
    }
}

/// The address of an operation of the API.
pub(crate) fn api<'q>(
    client: &Client,
    path: &str,
    query: impl IntoIterator<Item = (&'q str, &'q str)>,
) -> Result<Uri, Error> {
    let mut uri = format!("{}/{VERSION}{path}", client.endpoint());
    let mut separator = '?';
    for (key, value) in query {
        uri.push(separator);
        uri.extend([key, "=", &encode(value)]);
        separator = '&';
    }
    uri.parse().map_err(|error| Error::invalid(format!("`{uri}` is no address: {error}")))
}

/// Sets the headers of an asynchronous call.
pub(crate) fn mark(
    headers: &mut HeaderMap,
    delay: Option<Duration>,
    task: Option<&str>,
) -> Result<(), Error> {
    set(headers, INVOCATION_TYPE, "Async")?;
    if let Some(delay) = delay {
        if delay.is_zero() || delay > ASYNC_DELAY_MAX || delay.subsec_nanos() != 0 {
            return Err(Error::invalid(format!(
                "the delay has to be 1 to 3600 whole seconds but is {delay:?}"
            )));
        }
        set(headers, DELAY, &delay.as_secs().to_string())?;
    }
    if let Some(id) = task {
        check_task_id(id)?;
        set(headers, TASK_ID, id)?;
    }
    Ok(())
}

pub(crate) fn check_task_id(id: &str) -> Result<(), Error> {
    if is_task_id(id) {
        return Ok(());
    }
    let form = "a letter or `_`, then letters, digits, `_` and `-`, at most 128 characters";
    Err(Error::invalid(format!("`{id}` is no id of a task: {form}")))
}

impl Client {
    /// Sends an asynchronous call, and reads whether the platform took it.
    pub(crate) async fn hand_over(&self, call: Outbound, task: Option<String>) -> Result<Accepted, Error> {
        let limit = call.limit;
        let Received { reply, is_repeated } = self.send(call).await?;
        let text = |name: HeaderName| {
            let value = reply.headers().get(name).and_then(|value| value.to_str().ok());
            value.map(str::to_owned)
        };
        let (request_id, sent_task) = (text(REQUEST_ID).unwrap_or_default(), text(TASK_ID));
        if let (StatusCode::CONFLICT, Some(id)) = (reply.status(), &task) {
            // The first try had arrived, though its reply had not.
            if is_repeated {
                return Ok(Accepted { request_id, task_id: task });
            }
            return Err(Error::DuplicateTask { id: id.clone(), request_id });
        }
        let status = failure(reply, false, limit).await?.status();
        if status != StatusCode::ACCEPTED {
            return Err(Error::unreadable(format!("the call was answered with {status} in place of 202")));
        }
        Ok(Accepted { request_id, task_id: sent_task.or(task) })
    }
}
