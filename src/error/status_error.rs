//! The error of the readers, which implements `std::error::Error`.

use std::error::Error as StdError;
use std::fmt;
use std::panic::Location;

use http::StatusCode;

use crate::error::{BoxError, Error, Inner, find, write_chain};

/// A failure with a status and a public message, as this crate's readers give it. It implements `std::error::Error`.
///
/// `?` passes it through any error type: `anyhow`, `eyre`, `Box<dyn Error>`, a `thiserror` enum of yours. Once the
/// handler's `?` makes an [`Error`] of such an error, status, message and headers are found along the chain of causes,
/// and the reply has them.
///
/// ```
/// use fc_runtime::{App, BoxError, Exchange};
///
/// /// Knows nothing of this crate's `Error`.
/// async fn number(ex: &Exchange) -> Result<u32, BoxError> { Ok(ex.text().await?.parse()?) }
///
/// # fc_runtime::testing::run(async {
/// let client = App::new()
///     .post(fc_runtime::at("/").body_limit(4), async |ex| Ok(number(&ex).await?.to_string()))
///     .test_client();
/// client.post("/").body("7").await.assert_status(200).assert_text("7");
/// client.post("/").body("12345").await.assert_status(413);
/// client.post("/").body("tea").await.assert_status(500);
/// # });
/// ```
///
/// A function with another error type chooses a status with [`Error::into_std`].
#[doc(alias = "Error")]
#[doc(alias = "Rejection")]
#[doc(alias = "anyhow")]
#[doc(alias = "eyre")]
pub struct StatusError(Mark);

/// The inner link of a [`StatusError`]. `anyhow`, `eyre` and `#[error(transparent)]` hide the type of the error that they
/// wrap, and pass its source on: so the source is what is looked for.
pub(super) struct Mark(pub(super) Box<Inner>);

impl StatusError {
    /// The status, always 4xx or 5xx.
    pub fn status(&self) -> StatusCode {
        self.0.0.status
    }

    /// The message that the client reads.
    pub fn message(&self) -> &str {
        &self.0.0.message
    }

    /// The short identifier, if one was given.
    pub fn code(&self) -> Option<&str> {
        self.0.0.code.as_deref()
    }

    /// The cause, which is logged and never sent.
    pub fn cause(&self) -> Option<&(dyn StdError + Send + Sync + 'static)> {
        self.0.0.cause.as_deref()
    }

    /// The first error of type `E` along the chain of causes.
    pub fn find_cause<E: StdError + 'static>(&self) -> Option<&E> {
        self.cause().and_then(|cause| find(cause))
    }
}

impl Error {
    /// The same error as a type that implements `std::error::Error`, for functions with another error type.
    ///
    /// ```
    /// use fc_runtime::{BoxError, Error};
    ///
    /// fn take(stock: u32) -> Result<u32, BoxError> {
    ///     stock.checked_sub(1).ok_or(Error::conflict("sold out").into_std().into())
    /// }
    ///
    /// let error = Error::from(take(0).unwrap_err());
    /// assert_eq!((error.status().as_u16(), error.message()), (409, "sold out"));
    /// ```
    #[doc(alias = "anyhow")]
    pub fn into_std(self) -> StatusError {
        StatusError(Mark(self.0))
    }

    /// As [`into_std`](Self::into_std), for readers that are `async`: the known line is one of this crate. The `?` of the
    /// author gives the error another.
    pub(crate) fn without_line(mut self) -> StatusError {
        self.0.at = None;
        self.into_std()
    }

    /// What the `?` of a handler makes of an error: a [`StatusError`] anywhere along its chain gives its status.
    #[cold]
    #[inline(never)]
    pub(super) fn adopt(cause: BoxError, line: &'static Location<'static>) -> Self {
        let cause = match cause.downcast::<StatusError>() {
            Ok(error) => {
                let mut inner = error.0.0;
                // An error of this crate's that is not logged has no line: so gRPC knows that the status within is the answer.
                if !inner.reported {
                    inner.at.get_or_insert(line);
                }
                return Self(inner);
            }
            Err(cause) => cause,
        };
        let Some(Mark(found)) = find::<Mark>(&*cause) else {
            return Self::build(StatusCode::INTERNAL_SERVER_ERROR, super::INTERNAL, Some(cause), Some(line));
        };
        let mut inner = Box::new(Inner {
            status: found.status,
            message: found.message.clone(),
            code: found.code.clone(),
            members: found.members.clone(),
            headers: found.headers.clone(),
            cause: None,
            at: found.at.or(Some(line)),
            mapped: false,
            reported: found.reported,
        });
        inner.cause = Some(cause);
        Self(inner)
    }
}

impl From<Error> for StatusError {
    fn from(error: Error) -> Self {
        error.into_std()
    }
}

/// For readers by tokio's traits, such as `tokio_util::io::StreamReader`.
impl From<StatusError> for std::io::Error {
    fn from(error: StatusError) -> Self {
        Self::other(error)
    }
}

impl StdError for StatusError {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        Some(&self.0)
    }
}

impl StdError for Mark {
    fn source(&self) -> Option<&(dyn StdError + 'static)> {
        self.0.cause.as_deref().map(|cause| cause as _)
    }
}

/// Shows the public message only.
impl fmt::Display for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(self.message())
    }
}

/// Shows the message, the chain of causes and the line, for people.
impl fmt::Debug for StatusError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write_chain(&self.0.0, f)
    }
}

/// Shows the status, because the message stands before it in every chain.
impl fmt::Display for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.status.fmt(f)
    }
}

impl fmt::Debug for Mark {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        fmt::Display::fmt(self, f)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// A wrapper as `thiserror`, `anyhow` and `eyre` make them, which hides the type of what it wraps.
    #[derive(Debug)]
    struct Transparent(StatusError);

    impl fmt::Display for Transparent {
        fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
            fmt::Display::fmt(&self.0, f)
        }
    }

    impl StdError for Transparent {
        fn source(&self) -> Option<&(dyn StdError + 'static)> {
            self.0.source()
        }
    }

    fn refused() -> StatusError {
        let cause = "x".parse::<u8>().unwrap_err();
        let error = Error::new(422, "a number, please").with_code("number").with_cause(cause);
        error.with_member("field", "age").with_header(http::header::RETRY_AFTER, 1.into()).into_std()
    }

    #[track_caller]
    fn check(error: &Error) {
        assert_eq!((error.status().as_u16(), error.message()), (422, "a number, please"), "{error:?}");
        assert_eq!((error.code(), error.headers().len()), (Some("number"), 1));
        assert!(error.find_cause::<std::num::ParseIntError>().is_some(), "{error:?}");
        assert!(error.to_problem("1").contains("\"field\":\"age\""));
    }

    #[test]
    fn status_message_and_cause_are_found_again_behind_other_types() {
        check(&Error::from(refused()));
        check(&Error::from(Box::new(refused()) as BoxError));
        check(&Error::from(Transparent(refused())));
        check(&Error::from(std::io::Error::from(refused())));
        check(&Error::from(std::io::Error::other(Transparent(refused()))));
    }

    /// `anyhow` hides the type of what it wraps, and no longer once there is a context.
    #[test]
    fn a_type_behind_anyhow_is_found_with_a_context() {
        let hidden = || anyhow::Error::from("x".parse::<u8>().unwrap_err());
        let found =
            |error: anyhow::Error| Error::from(error).find_cause::<std::num::ParseIntError>().is_some();
        assert_eq!((found(hidden()), found(hidden().context("the age"))), (false, true));
    }

    #[test]
    fn the_line_of_the_first_question_mark_is_given_to_an_error_without_one() {
        let ours = || Error::of_ours(StatusCode::BAD_REQUEST, "no");
        assert!(ours().location().is_none());
        for error in [Error::from(ours().into_std()), Error::from(Transparent(ours().into_std()))] {
            assert!(error.location().is_some_and(|at| at.file().ends_with("status_error.rs")), "{error:?}");
        }
    }
}
