//! The platform's limits on requests.

use fc_runtime::platform::limits::{
    CLIENT_HEADERS_MAX, CLIENT_TARGET_MAX, REPLY_HEADERS_MAX, REQUEST_BODY_MAX, TARGET_MAX,
};
use http::uri::PathAndQuery;
use http::{HeaderMap, Request, header};

use super::Seen;
use crate::failure::Failure;
use crate::model::Edition;

/// The largest body of a synchronous call.
pub(crate) const BODY_MAX: usize = REQUEST_BODY_MAX;

/// Checks the limits that do not concern the body. `seen` is what the request has of headers.
pub(crate) fn check<B>(request: &Request<B>, seen: Seen, edition: Edition) -> Result<(), Failure> {
    let size = size(request.headers());
    if size > CLIENT_HEADERS_MAX {
        return Err(Failure::invalid_argument(format!(
            "the request's headers have {size} bytes; {CLIENT_HEADERS_MAX} are allowed"
        )));
    }
    let length = request.uri().path_and_query().map_or(0, |target: &PathAndQuery| target.as_str().len());
    let most = match edition {
        Edition::Fc3 => CLIENT_TARGET_MAX,
        Edition::Fc2 => TARGET_MAX,
    };
    if length > most {
        return Err(Failure::invalid_argument(format!(
            "the request's path and query have {length} bytes; {most} are allowed"
        )));
    }
    if seen.has(Seen::CONTENT_LENGTH) { check_length(request.headers()) } else { Ok(()) }
}

/// Checks the body's length if the client states it.
pub(crate) fn check_length(headers: &HeaderMap) -> Result<(), Failure> {
    check_stated(headers, BODY_MAX)
}

/// As [`check_length`], with another limit.
pub(crate) fn check_stated(headers: &HeaderMap, most: usize) -> Result<(), Failure> {
    let stated =
        headers.get(header::CONTENT_LENGTH).and_then(|value| value.to_str().ok()?.parse::<u64>().ok());
    if stated.is_some_and(|length| length > most as u64) {
        return Err(Failure::entity_too_large(most));
    }
    Ok(())
}

/// Checks the headers of a function's reply.
pub(crate) fn check_reply(headers: &HeaderMap) -> Result<(), Failure> {
    let size = size(headers);
    if size > REPLY_HEADERS_MAX {
        return Err(Failure::bad_response(format!(
            "the function's reply headers have {size} bytes; {REPLY_HEADERS_MAX} are allowed"
        )));
    }
    Ok(())
}

/// All names and values together.
fn size(headers: &HeaderMap) -> usize {
    headers.iter().map(|(name, value)| name.as_str().len() + value.len()).sum()
}
