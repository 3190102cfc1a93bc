//! The platform's CORS defaults ("HTTP triggers, overview" in the platform's manual).

use bytes::Bytes;
use fc_runtime::platform::names::header as fc;
use http::header::{
    ACCESS_CONTROL_ALLOW_CREDENTIALS, ACCESS_CONTROL_ALLOW_HEADERS, ACCESS_CONTROL_ALLOW_METHODS,
    ACCESS_CONTROL_ALLOW_ORIGIN, ACCESS_CONTROL_EXPOSE_HEADERS, ACCESS_CONTROL_MAX_AGE,
    ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_REQUEST_METHOD,
};
use http::{HeaderMap, HeaderValue, Response, StatusCode};

use crate::front::body::plain;
use crate::model::Edition;

/// The headers that a page may read, beside the safelisted ones.
const EXPOSED: HeaderValue = HeaderValue::from_static("Date,x-fc-request-id");

/// As [`EXPOSED`], in edition 2.0.
const EXPOSED_FC2: HeaderValue = HeaderValue::from_static(
    "Date,x-fc-request-id,x-fc-error-type,x-fc-code-checksum,x-fc-invocation-duration,x-fc-max-memory-usage,x-fc-log-result,x-fc-invocation-code-version",
);

fn exposed(edition: Edition) -> HeaderValue {
    match edition {
        Edition::Fc3 => EXPOSED,
        Edition::Fc2 => EXPOSED_FC2,
    }
}

/// Fills in the default headers unless the function set any header of CORS itself.
pub(crate) fn fill(headers: &mut HeaderMap, origin: Option<&HeaderValue>, edition: Edition) {
    if headers.keys().any(|name| name.as_str().starts_with("access-control-")) {
        return;
    }
    if let Some(origin) = origin {
        headers.insert(ACCESS_CONTROL_ALLOW_ORIGIN, origin.clone());
        headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    }
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed(edition));
}

/// The answer to an `OPTIONS` request that the trigger does not pass on.
pub(crate) fn preflight(request: &HeaderMap, id: &str, edition: Edition) -> Response<Bytes> {
    let mut headers = HeaderMap::new();
    for (asked, answered) in [
        (http::header::ORIGIN, ACCESS_CONTROL_ALLOW_ORIGIN),
        (ACCESS_CONTROL_REQUEST_METHOD, ACCESS_CONTROL_ALLOW_METHODS),
        (ACCESS_CONTROL_REQUEST_HEADERS, ACCESS_CONTROL_ALLOW_HEADERS),
    ] {
        if let Some(value) = request.get(asked) {
            headers.insert(answered, value.clone());
        }
    }
    headers.insert(ACCESS_CONTROL_ALLOW_CREDENTIALS, HeaderValue::from_static("true"));
    headers.insert(ACCESS_CONTROL_MAX_AGE, HeaderValue::from_static("3600"));
    headers.insert(ACCESS_CONTROL_EXPOSE_HEADERS, exposed(edition));
    if let Ok(id) = HeaderValue::from_str(id) {
        headers.insert(fc::REQUEST_ID, id);
    }
    plain(StatusCode::OK, headers, Bytes::new())
}
