//! The replies of the console, with the headers that all of them have.

use bytes::Bytes;
use http::header::{
    ALLOW, CACHE_CONTROL, CONTENT_SECURITY_POLICY, CONTENT_TYPE, LOCATION, REFERRER_POLICY,
    X_CONTENT_TYPE_OPTIONS, X_FRAME_OPTIONS,
};
use http::{HeaderMap, HeaderName, HeaderValue, Response, StatusCode};
use maud::{DOCTYPE, Markup, html};

use crate::front::body::{Outgoing, plain};

/// Nothing but the console's own files, and no page around it.
const POLICY: &str = "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; connect-src 'self'; \
                      form-action 'self'; frame-ancestors 'none'; base-uri 'none'";

/// Sets the headers that every reply has.
pub(super) fn guarded<B>(mut response: Response<B>) -> Response<B> {
    let headers = response.headers_mut();
    let mut set = |name: HeaderName, value: &'static str| {
        headers.insert(name, HeaderValue::from_static(value));
    };
    set(CONTENT_SECURITY_POLICY, POLICY);
    set(X_CONTENT_TYPE_OPTIONS, "nosniff");
    set(X_FRAME_OPTIONS, "DENY");
    // With `no-referrer` a browser would send forms with the origin `null`.
    set(REFERRER_POLICY, "same-origin");
    set(HeaderName::from_static("cross-origin-resource-policy"), "same-origin");
    set(HeaderName::from_static("cross-origin-opener-policy"), "same-origin");
    if !headers.contains_key(CACHE_CONTROL) {
        headers.insert(CACHE_CONTROL, HeaderValue::from_static("no-store"));
    }
    response
}

/// A page.
pub(super) fn page(status: StatusCode, page: Markup) -> Response<Outgoing> {
    let kind = HeaderValue::from_static("text/html; charset=utf-8");
    plain(status, HeaderMap::from_iter([(CONTENT_TYPE, kind)]), page.into_string()).map(Outgoing::whole)
}

/// The way on after a form: the browser asks for the page anew, and a reload sends nothing twice.
pub(super) fn see(location: &str) -> Response<Outgoing> {
    let mut headers = HeaderMap::new();
    if let Ok(location) = HeaderValue::from_str(location) {
        headers.insert(LOCATION, location);
    }
    plain(StatusCode::SEE_OTHER, headers, Bytes::new()).map(Outgoing::whole)
}

/// A refusal, as a page without the frame of the others.
pub(super) fn refusal(status: StatusCode, text: &str) -> Response<Outgoing> {
    let refusal = html! {
        (DOCTYPE)
        html lang="en" {
            head { meta charset="utf-8"; title { "fc-local" } }
            body { main { h1 { (status.as_u16()) } p { (text) } } }
        }
    };
    page(status, refusal)
}

/// A method that is not for this page.
pub(super) fn wrong_method(allowed: &'static str) -> Response<Outgoing> {
    let mut reply = refusal(StatusCode::METHOD_NOT_ALLOWED, &format!("this page takes {allowed}"));
    reply.headers_mut().insert(ALLOW, HeaderValue::from_static(allowed));
    reply
}
