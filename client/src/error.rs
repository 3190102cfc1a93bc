//! Why a call has no result.

use std::fmt;
use std::time::Duration;

use bytes::Bytes;
use http::StatusCode;

/// Why a call has no result, or another one than was hoped for.
///
/// ```
/// use fc_client::{Client, Error};
///
/// # async fn example(client: &Client) -> Result<(), Error> {
/// match client.invoke("resize").payload("{}").send_as_task("photo-7").await {
///     Ok(task) => println!("request {} is on its way", task.request_id),
///     Err(Error::DuplicateTask { id, .. }) => println!("{id} was on its way already"),
///     Err(error) => return Err(error),
/// }
/// # Ok(())
/// # }
/// ```
#[derive(Debug)]
#[non_exhaustive]
pub enum Error {
    /// The function failed: it threw, ended, or exceeded its time.
    #[non_exhaustive]
    Function {
        /// `UnhandledInvocationError` or `HandledInvocationError`.
        error_type: String,
        /// What the function or the platform said of the failure, as it came.
        payload: Bytes,
        /// The id of the call.
        request_id: String,
    },
    /// The platform refused the call.
    #[non_exhaustive]
    Refused {
        /// The status of the reply.
        status: StatusCode,
        /// The platform's word, such as `FunctionNotFound`; empty if it has none.
        code: String,
        /// The platform's sentence.
        message: String,
        /// The id of the call; empty if it has none.
        request_id: String,
    },
    /// There is a task with this id already.
    #[non_exhaustive]
    DuplicateTask {
        /// The id of the task.
        id: String,
        /// The id of the refused call.
        request_id: String,
    },
    /// There are no credentials to sign with: the function has no role, or their injection is switched off.
    NoCredentials,
    /// The call took longer than its time limit, or its body paused for longer.
    #[non_exhaustive]
    TimedOut {
        /// The time limit.
        limit: Duration,
    },
    /// The connection could not be made, or broke.
    #[non_exhaustive]
    Connection {
        /// Whether the call may have arrived.
        is_sent: bool,
        /// The cause.
        source: Box<dyn std::error::Error + Send + Sync>,
    },
    /// The call cannot be sent as it was asked for.
    #[non_exhaustive]
    Invalid {
        /// What is wrong.
        message: String,
    },
    /// The reply cannot be read as it was asked for.
    #[non_exhaustive]
    Unreadable {
        /// What is wrong.
        message: String,
    },
}

impl Error {
    pub(crate) fn invalid(message: impl Into<String>) -> Self {
        Error::Invalid { message: message.into() }
    }

    pub(crate) fn unreadable(message: impl Into<String>) -> Self {
        Error::Unreadable { message: message.into() }
    }

    /// The id of the call, if the platform gave one.
    pub fn request_id(&self) -> Option<&str> {
        match self {
            Error::Function { request_id, .. }
            | Error::Refused { request_id, .. }
            | Error::DuplicateTask { request_id, .. } => {
                Some(request_id).filter(|id| !id.is_empty()).map(String::as_str)
            }
            _ => None,
        }
    }
}

impl fmt::Display for Error {
    fn fmt(&self, out: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Error::Function { error_type, payload, request_id } => {
                const SHOWN: usize = 512;
                let payload = String::from_utf8_lossy(&payload[..payload.len().min(SHOWN)]);
                write!(out, "the function failed with {error_type}: {payload} (request {request_id})")
            }
            Error::Refused { status, code, message, request_id } => {
                write!(out, "the call was refused with {status}")?;
                for (before, text, after) in
                    [(" ", code, ""), (": ", message, ""), (" (request ", request_id, ")")]
                {
                    if !text.is_empty() {
                        write!(out, "{before}{text}{after}")?;
                    }
                }
                Ok(())
            }
            Error::DuplicateTask { id, .. } => write!(out, "there is a task `{id}` already"),
            Error::NoCredentials => out.write_str(
                "there are no credentials to sign the call with: give the function a role, and see `disableInjectCredentials`",
            ),
            Error::TimedOut { limit, .. } => write!(out, "the function did not answer within {limit:?}"),
            Error::Connection { is_sent, source } => {
                let when = if *is_sent { "broke" } else { "cannot be made" };
                write!(out, "the connection {when}: {source}")
            }
            Error::Invalid { message } | Error::Unreadable { message } => out.write_str(message),
        }
    }
}

impl std::error::Error for Error {
    fn source(&self) -> Option<&(dyn std::error::Error + 'static)> {
        match self {
            Error::Connection { source, .. } => Some(&**source),
            _ => None,
        }
    }
}
