//! Conversion between errors and gRPC statuses.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode};
use tonic::{Code, Status};

use crate::error::{BoxError, Error, StatusError};
use crate::exchange::attached::{Attached, ProtocolStatus};
use crate::exchange::payload::broken;
use crate::exchange::{Call, Shared};
use crate::grpc::percent;
use crate::grpc::web::{self, NotBase64};
use crate::grpc::wire::Wire;
use crate::reply::Reply;
use crate::stage::log_cause;

const STATUS: &str = "grpc-status";

/// Converts an error into a status, so that `?` works in services that `tonic-build` generated.
///
/// The message is the public one. The cause of a 5xx is logged here, with its line of code, and is not sent.
impl From<Error> for Status {
    fn from(error: Error) -> Self {
        log_cause(&error);
        status_of(&error)
    }
}

/// As the conversion of an [`Error`].
impl From<StatusError> for Status {
    fn from(error: StatusError) -> Self {
        Error::from(error).into()
    }
}

/// Converts the status of another service into an error with the matching HTTP status and the same message.
///
/// In a gRPC method `?` alone passes the status on unchanged. In an HTTP handler `?` makes a 500 that hides the
/// message; this function keeps it.
///
/// ```
/// use fc_runtime::{App, grpc};
/// use tonic::Status;
///
/// # fc_runtime::testing::run(async {
/// let app = App::new()
///     .get("/stock", async |_| -> fc_runtime::Result<&'static str> { Err(Status::not_found("no such item"))? })
///     .on_error(|status: &Status| grpc::to_error(status));
/// app.test_client().get("/stock").await.assert_status(404);
/// # });
/// ```
#[track_caller]
pub fn to_error(status: &Status) -> Error {
    Error::new(http_status(status.code()), message(status).to_owned()).with_cause(status.clone())
}

/// An error of this crate, with a code that no HTTP status maps to.
pub(crate) fn of_ours(code: Code, message: impl Into<String>) -> Error {
    let message = message.into();
    let status = StatusCode::from_u16(http_status(code)).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    Error::of_ours(status, message.clone()).with_cause(Status::new(code, message)).reported()
}

/// The error of a call that the client broke. gRPC's table asks for `INTERNAL`, although the function is not at fault.
pub(crate) fn broken_call(what: impl Into<String>) -> Error {
    let what = what.into();
    let status = Status::internal(what.clone());
    Error::of_ours(StatusCode::BAD_REQUEST, what).with_cause(status).reported()
}

/// The error of a body that failed while it was read.
pub(crate) fn broken_body(call: &Call, cause: BoxError) -> Error {
    if call.departure.is_gone() {
        return left_early();
    }
    if cause.is::<NotBase64>() {
        return broken_call(cause.to_string());
    }
    let error = broken(cause);
    if error.status() == StatusCode::BAD_REQUEST { broken_call(error.message().to_owned()) } else { error }
}

pub(crate) fn left_early() -> Error {
    of_ours(Code::Cancelled, "the client left before its last message")
}

/// The error of a stream that ends because of a stop.
pub(crate) fn going_away() -> Error {
    of_ours(Code::Unavailable, "the instance is going away")
}

/// The status of an error. Its cause stays hidden, unless the cause is a status that `?` passed on.
pub(crate) fn status_of(error: &Error) -> Status {
    let passed = error.cause().and_then(|cause| cause.downcast_ref::<Status>());
    let is_passed_on = |status: &&Status| {
        let says_the_same = u16::from(error.status()) == http_status(status.code());
        error.is_plain()
            || error.location().is_none()
            || (says_the_same && message(status) == error.message())
    };
    let status = match passed.filter(is_passed_on) {
        Some(status) => Status::with_details_and_metadata(
            status.code(),
            message(status),
            status.details().to_vec().into(),
            status.metadata().clone(),
        ),
        None => Status::new(code(error.status()), error.message()),
    };
    // An error never becomes OK, even if the other service's status was OK.
    if status.code() == Code::Ok { Status::unknown(status.message()) } else { status }
}

/// The public message of a status. A status made on this side, for a refused connection for example, would reveal
/// internal addresses, and gets a fixed message.
fn message(status: &Status) -> &str {
    let is_remote = std::error::Error::source(status).is_none();
    if is_remote { status.message() } else { "a service that this one needs cannot be reached" }
}

fn code(status: StatusCode) -> Code {
    match status.as_u16() {
        400 | 414 | 415 | 422 => Code::InvalidArgument,
        401 => Code::Unauthenticated,
        403 => Code::PermissionDenied,
        404 | 410 => Code::NotFound,
        409 => Code::AlreadyExists,
        413 | 429 | 431 => Code::ResourceExhausted,
        416 => Code::OutOfRange,
        405 | 501 | 505 => Code::Unimplemented,
        499 => Code::Cancelled,
        502 | 503 => Code::Unavailable,
        408 | 504 => Code::DeadlineExceeded,
        402 | 406..=499 => Code::FailedPrecondition,
        _ => Code::Internal,
    }
}

fn http_status(code: Code) -> u16 {
    match code {
        Code::InvalidArgument | Code::OutOfRange => 400,
        Code::Unauthenticated => 401,
        Code::PermissionDenied => 403,
        Code::NotFound => 404,
        Code::AlreadyExists | Code::Aborted => 409,
        Code::FailedPrecondition => 412,
        Code::ResourceExhausted => 429,
        Code::Cancelled => 499,
        Code::Unimplemented => 501,
        Code::Unavailable => 503,
        Code::DeadlineExceeded => 504,
        Code::Ok | Code::Unknown | Code::Internal | Code::DataLoss => 500,
    }
}

/// Whether a code means that the function failed: for the platform, and for the level of the log line.
fn is_fault(code: Code) -> bool {
    use Code::{DataLoss, DeadlineExceeded, Internal, Unavailable, Unknown};
    matches!(code, Unknown | DeadlineExceeded | Internal | Unavailable | DataLoss)
}

fn word(code: Code) -> &'static str {
    match code {
        Code::Ok => "OK",
        Code::Cancelled => "CANCELLED",
        Code::Unknown => "UNKNOWN",
        Code::InvalidArgument => "INVALID_ARGUMENT",
        Code::DeadlineExceeded => "DEADLINE_EXCEEDED",
        Code::NotFound => "NOT_FOUND",
        Code::AlreadyExists => "ALREADY_EXISTS",
        Code::PermissionDenied => "PERMISSION_DENIED",
        Code::ResourceExhausted => "RESOURCE_EXHAUSTED",
        Code::FailedPrecondition => "FAILED_PRECONDITION",
        Code::Aborted => "ABORTED",
        Code::OutOfRange => "OUT_OF_RANGE",
        Code::Unimplemented => "UNIMPLEMENTED",
        Code::Internal => "INTERNAL",
        Code::Unavailable => "UNAVAILABLE",
        Code::DataLoss => "DATA_LOSS",
        Code::Unauthenticated => "UNAUTHENTICATED",
    }
}

/// Sets the status for the record. The last call counts, because a middleware (an around) may replace the reply.
pub(crate) fn judge(call: &Call, code: Code) {
    call.attached.set(Attached::Status(ProtocolStatus { word: word(code), failed: is_fault(code) }));
}

/// Records `INTERNAL` as the client's fault, for a generated service that makes the status itself.
pub(crate) fn blame_client(call: &Call) {
    call.attached.set(Attached::Status(ProtocolStatus { word: word(Code::Internal), failed: false }));
}

fn judge_error(call: &Call, code: Code, error: &Error) {
    let failed = is_fault(code) && error.status().is_server_error();
    call.attached.set(Attached::Status(ProtocolStatus { word: word(code), failed }));
}

/// As `judge`, with the status of the trailers, or of the headers of a reply without messages.
pub(crate) fn judge_by(call: &Call, headers: &HeaderMap) {
    let Some(code) = headers.get(STATUS) else { return };
    let code = Code::from_bytes(code.as_bytes());
    let is_blamed = || call.protocol_status().is_some_and(|set| set.word == word(code) && !set.failed);
    if !(is_fault(code) && is_blamed()) {
        judge(call, code);
    }
}

/// The trailers of a successful call.
pub(crate) fn good_trailers() -> HeaderMap {
    let mut trailers = HeaderMap::with_capacity(1);
    trailers.insert(STATUS, HeaderValue::from_static("0"));
    trailers
}

/// The trailers of a failed call: its status, and the error's headers as metadata. Sets the status for the record too.
pub(crate) fn trailers(call: &Call, error: &Error) -> HeaderMap {
    let status = status_of(error);
    judge_error(call, status.code(), error);
    with_metadata(status_headers(&status), error)
}

/// Whether `name` is a header of the call's status.
pub(crate) fn is_of_status(name: &HeaderName) -> bool {
    name == STATUS || name == percent::MESSAGE
}

/// Appends the error's headers to its status.
fn with_metadata(mut trailers: HeaderMap, error: &Error) -> HeaderMap {
    for (name, value) in error.headers().iter().filter(|(name, _)| !is_of_status(name)) {
        trailers.append(name.clone(), value.clone());
    }
    trailers
}

fn status_headers(status: &Status) -> HeaderMap {
    let mut headers = HeaderMap::new();
    if status.add_header(&mut headers).is_err() {
        headers.insert(STATUS, HeaderValue::from_static("13"));
    }
    if !status.message().is_empty() {
        headers.insert(percent::MESSAGE, percent::encode(status.message().as_bytes()));
    }
    headers
}

/// Turns an error reply into a gRPC reply. In gRPC the status is in the headers, without a body. In gRPC-Web the status
/// and its metadata are the body, which pages can read without exposed headers.
pub(crate) fn say_error(call: &Call, reply: &mut Reply) {
    let (Some(wire), Some(error)) = (Wire::of(&call.head.headers), reply.error()) else { return };
    let status = if call.scope.is_none() { of_refusal(error) } else { status_of(error) };
    judge_error(call, status.code(), error);
    let said = status_headers(&status);
    let (body, in_headers) = match wire {
        Wire::Grpc => (bytes::Bytes::new(), said),
        web => (web::last_frame(web, &with_metadata(said, error)), HeaderMap::new()),
    };
    reply.say(StatusCode::OK, body);
    let headers = reply.headers_mut();
    headers.insert(http::header::CONTENT_TYPE, wire.content_type());
    headers.extend(in_headers);
}

/// The status of a call that reached no method, with a code that gRPC leaves to libraries. So a client knows that
/// `INVALID_ARGUMENT`, `NOT_FOUND` and `OUT_OF_RANGE` come from a method.
fn of_refusal(error: &Error) -> Status {
    match error.status().as_u16() {
        404 | 405 => Status::unimplemented("there is no such method here"),
        400 | 414 => Status::internal(error.message()),
        _ => status_of(error),
    }
}

/// Maps and logs the error that ended a stream of messages.
pub(crate) fn map_and_log<S>(shared: &Shared<S>, error: Error) -> Error {
    let error = shared.map_error(error);
    log_cause(&error);
    error
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(error: &Error, code: Code, message: &str) {
        let status = status_of(error);
        assert_eq!((status.code(), status.message()), (code, message));
    }

    #[test]
    fn errors_are_statuses_with_the_public_message() {
        check(&Error::bad_request("a name, please"), Code::InvalidArgument, "a name, please");
        check(&Error::not_found("no such item"), Code::NotFound, "no such item");
        check(&Error::conflict("there is one"), Code::AlreadyExists, "there is one");
        check(&Error::new(412, "not yet"), Code::FailedPrecondition, "not yet");
        check(&Error::new(418, "a teapot"), Code::FailedPrecondition, "a teapot");
        check(&Error::new(429, "slowly"), Code::ResourceExhausted, "slowly");
        check(&Error::new(499, "gone"), Code::Cancelled, "gone");
        check(&Error::internal("password=123"), Code::Internal, "internal error");
        check(&Error::new(507, "full"), Code::Internal, "full");
    }

    #[test]
    fn a_status_is_passed_on_by_the_question_mark_and_hidden_as_a_cause() {
        check(&Error::from(Status::aborted("try again")), Code::Aborted, "try again");
        check(&Error::not_found("no item").with_cause(Status::aborted("secret")), Code::NotFound, "no item");
        check(&Error::from(Status::ok("fine")), Code::Unknown, "fine");
        let refused = Status::from_error(Box::new(std::io::Error::other("10.0.0.7 refused")));
        let status = status_of(&Error::from(refused));
        assert!(!status.message().contains("10.0.0.7"), "{status:?}");
    }

    #[test]
    fn codes_survive_the_way_to_an_error_and_back() {
        for code in 1..=16 {
            let code = Code::from(code);
            check(&to_error(&Status::new(code, "why")), code, "why");
        }
    }
}
