//! Replies that the load balancer makes itself.

use bytes::Bytes;
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode, header};

use super::port::Port;
use crate::event::AlbVisit;
use crate::front::body::plain;
use crate::front::visit::Visit;
use crate::model::alb::FixedResponse;

/// The status of a request that comes to the same rule again.
pub(super) const LOOP: u16 = 463;

const QPS_LIMITED: HeaderName = HeaderName::from_static("alb-qps-limited");

/// What a status is called on a page. The platform's pages are not documented; these have the usual form.
fn reason(status: StatusCode) -> &'static str {
    match status.as_u16() {
        LOOP => "Loop Detected",
        408 => "Request Time-out",
        413 => "Request Entity Too Large",
        414 => "Request-URI Too Large",
        504 => "Gateway Time-out",
        _ => status.canonical_reason().unwrap_or("Error"),
    }
}

/// A page for `status`, with the reason if there is more to say.
pub(super) fn page(status: u16, why: &str) -> Response<Bytes> {
    let status = StatusCode::from_u16(status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let (code, name) = (status.as_u16(), reason(status));
    let why = if why.is_empty() { String::new() } else { format!("<p>{why}</p>\r\n") };
    let text = format!(
        "<html>\r\n<head><title>{code} {name}</title></head>\r\n<body>\r\n<h1>{code} {name}</h1>\r\n{why}</body>\r\n</html>\r\n"
    );
    let mut headers = HeaderMap::new();
    headers.insert(header::CONTENT_TYPE, HeaderValue::from_static("text/html"));
    plain(status, headers, text)
}

/// The page for requests beyond a traffic limit.
pub(super) fn limited() -> Response<Bytes> {
    let mut response = page(503, "");
    response.headers_mut().insert(QPS_LIMITED, HeaderValue::from_static("Limited"));
    response
}

pub(super) fn fixed(fixed: &FixedResponse) -> Response<Bytes> {
    let status = StatusCode::from_u16(fixed.status).unwrap_or(StatusCode::OK);
    let mut headers = HeaderMap::new();
    let content_type = fixed.content_type.as_deref().unwrap_or("text/plain");
    if let Ok(content_type) = HeaderValue::from_str(content_type) {
        headers.insert(header::CONTENT_TYPE, content_type);
    }
    plain(status, headers, fixed.content.clone())
}

/// A redirect. A location that is no header, which a client's own bytes could make, is refused.
pub(super) fn redirect(status: StatusCode, location: &str) -> Response<Bytes> {
    let Ok(location) = HeaderValue::from_str(location) else { return page(400, "") };
    let mut response = page(status.as_u16(), "");
    response.headers_mut().insert(header::LOCATION, location);
    response
}

/// The reply to a head that cannot be read. `status` is hyper's.
pub(in crate::front) fn unread(port: &Port, status: u16, visit: &mut Visit) -> Response<Bytes> {
    visit.set_alb(AlbVisit::new(Some(&port.name)));
    page(if matches!(status, 408 | 414) { status } else { 400 }, "")
}
