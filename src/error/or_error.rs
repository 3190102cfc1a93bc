//! Conversion of `Option` and `Result` into an error for the client.

use std::borrow::Cow;

use crate::error::{BoxError, Error, StatusError};

/// Converts an `Option` or a `Result` into a result with a status and a message for the client.
///
/// The error of a `Result` becomes the hidden cause. `?` passes the new error through functions with any error type.
///
/// ```
/// use fc_runtime::OrError;
///
/// let absent = None::<u8>.or_not_found("no such item").unwrap_err();
/// assert_eq!((absent.status().as_u16(), absent.message()), (404, "no such item"));
/// assert_eq!(None::<u8>.or_unauthorized("log in first").unwrap_err().status(), 401);
/// assert_eq!(None::<u8>.or_forbidden("for administrators").unwrap_err().status(), 403);
///
/// let broken = "x".parse::<u8>().or_error(502, "the stock service sent nonsense").unwrap_err();
/// assert_eq!(broken.message(), "the stock service sent nonsense");
/// assert_eq!(broken.cause().unwrap().to_string(), "invalid digit found in string");
/// ```
pub trait OrError<T> {
    /// The value, or an error with this status.
    #[track_caller]
    fn or_error(self, status: u16, message: impl Into<Cow<'static, str>>) -> Result<T, StatusError>;

    /// The value, or 404.
    #[track_caller]
    fn or_not_found(self, message: impl Into<Cow<'static, str>>) -> Result<T, StatusError>
    where
        Self: Sized,
    {
        self.or_error(404, message)
    }

    /// The value, or 400.
    #[track_caller]
    fn or_bad_request(self, message: impl Into<Cow<'static, str>>) -> Result<T, StatusError>
    where
        Self: Sized,
    {
        self.or_error(400, message)
    }

    /// The value, or 401.
    #[track_caller]
    fn or_unauthorized(self, message: impl Into<Cow<'static, str>>) -> Result<T, StatusError>
    where
        Self: Sized,
    {
        self.or_error(401, message)
    }

    /// The value, or 403.
    #[track_caller]
    fn or_forbidden(self, message: impl Into<Cow<'static, str>>) -> Result<T, StatusError>
    where
        Self: Sized,
    {
        self.or_error(403, message)
    }
}

impl<T> OrError<T> for Option<T> {
    #[track_caller]
    fn or_error(self, status: u16, message: impl Into<Cow<'static, str>>) -> Result<T, StatusError> {
        match self {
            Some(value) => Ok(value),
            None => Err(Error::new(status, message).into_std()),
        }
    }
}

impl<T, E: Into<BoxError>> OrError<T> for Result<T, E> {
    #[track_caller]
    fn or_error(self, status: u16, message: impl Into<Cow<'static, str>>) -> Result<T, StatusError> {
        match self {
            Ok(value) => Ok(value),
            Err(cause) => Err(Error::new(status, message).with_cause(cause).into_std()),
        }
    }
}
