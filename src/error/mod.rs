//! Errors: a status, a message for the client, and a hidden cause.

mod or_error;
mod problem;
mod status_error;

use std::borrow::Cow;
use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

use http::{HeaderName, HeaderValue, StatusCode};
use serde_json::Value;

pub use or_error::OrError;
pub use status_error::StatusError;

/// Any error that can be moved between threads.
///
/// ```
/// use fc_runtime::{BoxError, Error};
///
/// fn read(text: &str) -> Result<u16, BoxError> {
///     if text.is_empty() { return Err("there is nothing to read".into()); }
///     Ok(text.parse()?)
/// }
///
/// assert_eq!(read("7").unwrap(), 7);
/// let error = Error::internal(read("").unwrap_err());
/// assert_eq!(error.message(), "internal error");
/// assert_eq!(error.cause().unwrap().to_string(), "there is nothing to read");
/// ```
pub type BoxError = Box<dyn StdError + Send + Sync>;

/// What handlers and hooks give. Shadowing `std`'s is harmless: the second parameter is free.
///
/// ```
/// use fc_runtime::Result;
///
/// fn port(text: &str) -> Result<u16> { Ok(text.parse()?) }
/// fn check(text: &str) -> Result { port(text).map(drop) }
/// fn strict(text: &str) -> Result<u16, std::num::ParseIntError> { text.parse() }
///
/// assert_eq!(port("9000").unwrap(), 9000);
/// assert_eq!(check("no port").unwrap_err().status(), 500);
/// assert!(strict("no port").is_err());
/// ```
pub type Result<T = (), E = Error> = std::result::Result<T, E>;

/// A failed request: a 4xx or 5xx status, a public message and a cause that only the log sees.
///
/// The error is sent as an RFC 9457 `application/problem+json` document with the request's id. `?` turns any standard
/// error into a 500 whose message hides the cause. The cause is logged, with the line of the `?`.
///
/// ```
/// use fc_runtime::{Error, OrError, Result};
///
/// fn find(id: u32) -> Result<&'static str> {
///     let name = [(3, "tea")].iter().find(|(i, _)| *i == id).map(|(_, name)| *name);
///     Ok(name.or_not_found("no such item")?)
/// }
///
/// assert_eq!(find(3).unwrap(), "tea");
/// assert_eq!(find(4).unwrap_err().status(), 404);
/// let hidden = Error::from(std::io::Error::other("password=123"));
/// assert_eq!(hidden.status(), 500);
/// assert!(!hidden.to_string().contains("password"));
/// ```
///
/// `Error` does not implement `std::error::Error`, because otherwise `?` could not convert every other error into it. This
/// crate's readers give a [`StatusError`], which does. It keeps its status and message through `anyhow::Error`,
/// `eyre::Report`, a boxed error or an enum of yours; [`into_std`](Self::into_std) makes one.
///
/// A type of yours chooses its status with `impl From<Mine> for fc_runtime::Error`. If the type is a
/// `std::error::Error`, use [`App::on_error`](crate::App::on_error).
#[doc(alias = "ResponseError")]
#[doc(alias = "HttpError")]
#[doc(alias = "problem+json")]
#[doc(alias = "RFC 9457")]
pub struct Error(Box<Inner>);

struct Inner {
    status: StatusCode,
    message: Cow<'static, str>,
    code: Option<Cow<'static, str>>,
    /// Names and values. The values are JSON text: a `Value` would link its formatter into every function.
    members: Vec<(&'static str, String)>,
    headers: Vec<(HeaderName, HeaderValue)>,
    cause: Option<BoxError>,
    /// `None` for errors of this crate, whose line would not help the author.
    at: Option<&'static Location<'static>>,
    /// Whether the author's mappings were applied.
    mapped: bool,
    /// Whether the error was logged.
    reported: bool,
}

impl Error {
    /// An error with this status and this message for the client.
    ///
    /// A status outside 400–599 does not mean a failure: the error becomes a 500, and the log names the line.
    #[track_caller]
    pub fn new(status: u16, message: impl Into<Cow<'static, str>>) -> Self {
        let at = Location::caller();
        match StatusCode::from_u16(status) {
            Ok(code) if code.is_client_error() || code.is_server_error() => {
                Self::build(code, message.into(), None, Some(at))
            }
            _ => {
                let cause = format!("Error::new was given status {status}, which is not 4xx or 5xx").into();
                Self::build(StatusCode::INTERNAL_SERVER_ERROR, message.into(), Some(cause), Some(at))
            }
        }
    }

    /// 400: the request is malformed.
    #[track_caller]
    pub fn bad_request(message: impl Into<Cow<'static, str>>) -> Self {
        Self::build(StatusCode::BAD_REQUEST, message.into(), None, Some(Location::caller()))
    }

    /// 401: credentials are missing or wrong.
    #[track_caller]
    pub fn unauthorized(message: impl Into<Cow<'static, str>>) -> Self {
        Self::build(StatusCode::UNAUTHORIZED, message.into(), None, Some(Location::caller()))
    }

    /// 403: the caller is known, and is not allowed to do this.
    #[track_caller]
    pub fn forbidden(message: impl Into<Cow<'static, str>>) -> Self {
        Self::build(StatusCode::FORBIDDEN, message.into(), None, Some(Location::caller()))
    }

    /// 404: the resource does not exist.
    #[track_caller]
    pub fn not_found(message: impl Into<Cow<'static, str>>) -> Self {
        Self::build(StatusCode::NOT_FOUND, message.into(), None, Some(Location::caller()))
    }

    /// 409: the request conflicts with the current state of the resource.
    #[track_caller]
    pub fn conflict(message: impl Into<Cow<'static, str>>) -> Self {
        Self::build(StatusCode::CONFLICT, message.into(), None, Some(Location::caller()))
    }

    /// 422: the request is well formed, but its values are not acceptable.
    #[track_caller]
    pub fn unprocessable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::build(StatusCode::UNPROCESSABLE_ENTITY, message.into(), None, Some(Location::caller()))
    }

    /// 503: the function cannot answer now; the client may try again later.
    #[track_caller]
    pub fn unavailable(message: impl Into<Cow<'static, str>>) -> Self {
        Self::build(StatusCode::SERVICE_UNAVAILABLE, message.into(), None, Some(Location::caller()))
    }

    /// 500: an internal failure. The cause is logged; the client reads "internal error".
    #[track_caller]
    pub fn internal(cause: impl Into<BoxError>) -> Self {
        Self::build(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL, Some(cause.into()), Some(Location::caller()))
    }

    /// Adds a cause, which is logged and never sent.
    #[must_use]
    pub fn with_cause(mut self, cause: impl Into<BoxError>) -> Self {
        self.0.cause = Some(cause.into());
        self
    }

    /// Adds a short identifier that programs can compare. It is the member `code` (`errorType` in event calls).
    #[must_use]
    pub fn with_code(mut self, code: impl Into<Cow<'static, str>>) -> Self {
        self.0.code = Some(code.into());
        self
    }

    /// Adds a member to the problem document. The names of RFC 9457 cannot be replaced.
    #[must_use]
    pub fn with_member(self, name: &'static str, value: impl Into<Value>) -> Self {
        let value: Value = value.into();
        self.with_json(name, value.to_string())
    }

    /// Adds a member whose value is JSON text.
    #[must_use]
    pub(crate) fn with_json(mut self, name: &'static str, json: String) -> Self {
        self.0.members.push((name, json));
        self
    }

    /// Adds a header to the reply, such as `WWW-Authenticate` or `Retry-After`.
    #[must_use]
    pub fn with_header(mut self, name: HeaderName, value: HeaderValue) -> Self {
        self.0.headers.push((name, value));
        self
    }

    /// The status, always 4xx or 5xx.
    pub fn status(&self) -> StatusCode {
        self.0.status
    }

    /// The message that the client reads.
    pub fn message(&self) -> &str {
        &self.0.message
    }

    /// The short identifier, if one was given.
    pub fn code(&self) -> Option<&str> {
        self.0.code.as_deref()
    }

    /// The cause, which is logged and never sent.
    pub fn cause(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.0.cause.as_deref()
    }

    /// The line that made the error, or the `?` that converted it. `None` for errors of this crate.
    pub fn location(&self) -> Option<&'static Location<'static>> {
        self.0.at
    }

    /// The first error of type `E` along the chain of causes.
    pub fn find_cause<E: StdError + 'static>(&self) -> Option<&E> {
        self.cause().and_then(|cause| find(cause))
    }

    pub(crate) fn headers(&self) -> &[(HeaderName, HeaderValue)] {
        &self.0.headers
    }

    /// Applies the result of a mapping, if there is one. The cause and its line stay.
    pub(crate) fn or_mapped(mut self, mapped: Option<Error>) -> Error {
        if let Some(mapped) = mapped {
            let cause = mapped.0.cause.or(self.0.cause.take());
            self = Error(Box::new(Inner { cause, at: self.0.at, ..*mapped.0 }));
        }
        self.0.mapped = true;
        self
    }

    /// An error of this crate, without a line: the line would not help the author.
    pub(crate) fn of_ours(status: StatusCode, message: impl Into<Cow<'static, str>>) -> Self {
        Self::build(status, message.into(), None, None)
    }

    /// A mistake of the author that a reader without a line finds. The `?` gives it one.
    pub(crate) fn of_mistake(cause: impl Into<BoxError>) -> Self {
        Self::build(StatusCode::INTERNAL_SERVER_ERROR, INTERNAL, Some(cause.into()), None)
    }

    /// The error with this line, if it is known.
    pub(crate) fn at(mut self, line: Option<&'static Location<'static>>) -> Self {
        self.0.at = line.or(self.0.at);
        self
    }

    /// An error that ends the start, as `main` prints it: there is no client from whom the cause has to be hidden.
    pub(crate) fn of_start(mut self) -> Self {
        if self.is_plain()
            && let Some(cause) = self.cause()
        {
            self.0.message = cause.to_string().into();
        }
        // A line of the runtime says nothing to an author.
        self.0.at = self.0.at.filter(|at| !at.file().starts_with(file!().trim_end_matches("error/mod.rs")));
        self
    }

    /// The error for a handler that panicked. The panic hook has logged the panic, with its line.
    pub(crate) fn of_panic(message: &'static str) -> Self {
        Self::of_ours(StatusCode::INTERNAL_SERVER_ERROR, message).with_code("Panic").reported()
    }

    /// Marks the error as logged.
    pub(crate) fn reported(mut self) -> Self {
        self.0.reported = true;
        self
    }

    /// Whether `?` or `Error::internal` made the error, so that the author chose no message.
    pub(crate) fn is_plain(&self) -> bool {
        self.0.status == StatusCode::INTERNAL_SERVER_ERROR && self.0.message == INTERNAL
    }

    pub(crate) fn is_reported(&self) -> bool {
        self.0.reported
    }

    pub(crate) fn is_mapped(&self) -> bool {
        self.0.mapped
    }

    /// Outlined: errors are rare, and made in many places.
    #[cold]
    #[inline(never)]
    fn build(
        status: StatusCode,
        message: Cow<'static, str>,
        cause: Option<BoxError>,
        at: Option<&'static Location<'static>>,
    ) -> Self {
        let (code, members, headers) = (None, Vec::new(), Vec::new());
        Self(Box::new(Inner {
            status,
            message,
            code,
            members,
            headers,
            cause,
            at,
            mapped: false,
            reported: false,
        }))
    }
}

const INTERNAL: Cow<'static, str> = Cow::Borrowed("internal error");

impl<E: Into<BoxError>> From<E> for Error {
    #[track_caller]
    fn from(cause: E) -> Self {
        Self::adopt(cause.into(), Location::caller())
    }
}

/// Shows the public message only.
impl fmt::Display for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(&self.0.message)
    }
}

/// Shows the message, the chain of causes and the line, for people. `main` prints this form.
impl fmt::Debug for Error {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_chain(&self.0, f)
    }
}

/// The first error of type `E` along a chain of causes.
pub(crate) fn find<'e, E: StdError + 'static>(chain: &'e (dyn StdError + 'static)) -> Option<&'e E> {
    let mut link = Some(chain);
    while let Some(error) = link {
        if let Some(found) = error.downcast_ref() {
            return Some(found);
        }
        // `source` of an `std::io::Error` skips the error that it wraps.
        let made_of = error.downcast_ref::<std::io::Error>().and_then(std::io::Error::get_ref);
        link = made_of.map(|inner| inner as _).or_else(|| error.source());
    }
    None
}

fn write_chain(error: &Inner, f: &mut fmt::Formatter<'_>) -> fmt::Result {
    f.write_str(&error.message)?;
    let mut link: Option<&(dyn StdError + 'static)> = error.cause.as_deref().map(|cause| cause as _);
    while let Some(cause) = link {
        let text = cause.to_string();
        // The message of a failed start is that of its cause.
        if text != error.message {
            write!(f, "\n  caused by: {text}")?;
        }
        link = cause.source();
    }
    match error.at {
        Some(at) => write!(f, "\n  at {at}"),
        None => Ok(()),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_status_that_is_no_error_becomes_500() {
        let error = Error::new(200, "fine");
        assert_eq!(error.status(), 500);
        assert!(error.cause().unwrap().to_string().contains("200"));
    }

    #[test]
    fn the_line_of_the_question_mark_is_kept() {
        fn fails() -> Result {
            Err(std::io::Error::other("disk"))?;
            Ok(())
        }
        let error = fails().unwrap_err();
        assert!(error.location().unwrap().file().ends_with("error/mod.rs"), "{error:?}");
        assert_eq!(error.to_string(), "internal error");
        assert!(format!("{error:?}").contains("caused by: disk"));
    }

    #[test]
    fn a_cause_is_found_along_the_chain() {
        #[derive(Debug)]
        struct Outer(std::num::ParseIntError);
        impl fmt::Display for Outer {
            fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("outer")
            }
        }
        impl StdError for Outer {
            fn source(&self) -> Option<&(dyn StdError + 'static)> {
                Some(&self.0)
            }
        }
        let error = Error::from(Outer("x".parse::<u8>().unwrap_err()));
        assert!(error.find_cause::<std::num::ParseIntError>().is_some());
        assert!(error.find_cause::<fmt::Error>().is_none());
    }

    #[test]
    fn a_failed_start_shows_no_line_of_the_runtime() {
        let error = Error::from(fmt::Error);
        assert!(format!("{error:?}").contains("\n  at "));
        assert!(!format!("{:?}", error.of_start()).contains("\n  at "));
    }
}
