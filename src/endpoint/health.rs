//! The live check: a process that can answer is alive.

use bytes::Bytes;
use http::{HeaderMap, HeaderValue, Method, Response, StatusCode, header};

use crate::reply::Body;
use crate::stage::{Outgoing, respond};

/// Answers a probe. It is not traffic: no record, no id.
pub(crate) fn answer_health(method: &Method) -> Response<Outgoing> {
    if *method != Method::GET && *method != Method::HEAD {
        let allow = HeaderMap::from_iter([(header::ALLOW, HeaderValue::from_static("GET, HEAD"))]);
        return respond(StatusCode::METHOD_NOT_ALLOWED, allow, Outgoing::new(Body::Empty, None));
    }
    let text =
        HeaderMap::from_iter([(header::CONTENT_TYPE, HeaderValue::from_static("text/plain; charset=utf-8"))]);
    respond(StatusCode::OK, text, Outgoing::new(Body::Once(Bytes::from_static(b"ok")), None))
}
