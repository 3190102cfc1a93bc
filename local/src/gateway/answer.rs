//! The gateway's own error replies.

use bytes::Bytes;
use fc_runtime::platform::names::header as fc;
use http::{HeaderMap, HeaderName, HeaderValue, Response, header};

use crate::failure::Failure;

pub(crate) const ERROR_TYPE: HeaderName = HeaderName::from_static("x-fc-error-type");

/// A failure in the platform's form.
pub(crate) fn failure(failure: &Failure, id: &str) -> Response<Bytes> {
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("application/json"));
    headers.insert(ERROR_TYPE, HeaderValue::from_static(failure.error_type));
    if let Ok(value) = HeaderValue::from_str(id) {
        headers.insert(fc::REQUEST_ID, value);
    }
    super::plain(failure.status, headers, failure.json(id))
}
