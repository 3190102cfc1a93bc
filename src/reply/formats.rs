//! Replies with a format: JSON, HTML, redirects.

use std::borrow::Cow;

use bytes::Bytes;
use http::{HeaderValue, StatusCode, header};
use serde::Serialize;

use crate::error::Error;
use crate::headers;
use crate::reply::{IntoReply, Reply, encoded_location};

const JSON: HeaderValue = HeaderValue::from_static("application/json");
const HTML: HeaderValue = HeaderValue::from_static("text/html; charset=utf-8");

/// A JSON body: `application/json`.
///
/// ```
/// use fc_runtime::{IntoReply, Json};
///
/// let reply = Json(["tea", "salt"]).into_reply();
/// assert_eq!(reply.headers()["content-type"], "application/json");
/// ```
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[must_use = "a reply does nothing unless the handler returns it"]
#[allow(clippy::exhaustive_structs, reason = "a plain wrapper, made and taken apart by hand")]
pub struct Json<T>(pub T);

impl<T: Serialize> IntoReply for Json<T> {
    fn into_reply(self) -> Reply {
        // One allocation for most replies. 128 bytes is also the first buffer of serde_json.
        let mut text = Vec::with_capacity(128);
        match serde_json::to_writer(&mut text, &self.0) {
            Ok(()) => Reply::typed(text.into(), JSON),
            Err(cause) => Reply::from_error(Error::internal(cause)),
        }
    }
}

/// An HTML body: `text/html; charset=utf-8`.
///
/// ```
/// use fc_runtime::{Html, IntoReply};
///
/// let page = Html("<h1>Tea</h1>").into_reply();
/// assert_eq!(page.headers()["content-type"], "text/html; charset=utf-8");
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a reply does nothing unless the handler returns it"]
#[allow(clippy::exhaustive_structs, reason = "a plain wrapper, made and taken apart by hand")]
pub struct Html<T>(pub T);

impl<T: Into<Bytes>> IntoReply for Html<T> {
    fn into_reply(self) -> Reply {
        Reply::typed(self.0.into(), HTML)
    }
}

/// A redirect. Blanks and characters beyond ASCII are percent-encoded. A target with a control character, such as a line
/// break, becomes a 500.
///
/// ```
/// use fc_runtime::{IntoReply, Redirect};
///
/// assert_eq!(Redirect::to("/new").into_reply().status(), 303);
/// assert_eq!(Redirect::to("/green tea").into_reply().headers()["location"], "/green%20tea");
/// assert_eq!(Redirect::to("/a\r\nset-cookie: x").into_reply().status(), 500);
/// ```
#[derive(Debug, Clone, PartialEq, Eq)]
#[must_use = "a reply does nothing unless the handler returns it"]
pub struct Redirect {
    status: StatusCode,
    location: Cow<'static, str>,
}

impl Redirect {
    /// 303: the client fetches the target with `GET`. The usual reply to the `POST` of a form.
    pub fn to(location: impl Into<Cow<'static, str>>) -> Self {
        Self { status: StatusCode::SEE_OTHER, location: location.into() }
    }

    /// 307: the client repeats the request, with its method and body, at the target. Later requests come here again.
    pub fn temporary(location: impl Into<Cow<'static, str>>) -> Self {
        Self { status: StatusCode::TEMPORARY_REDIRECT, location: location.into() }
    }

    /// 308: the client repeats the request at the target, and sends later requests there too.
    pub fn permanent(location: impl Into<Cow<'static, str>>) -> Self {
        Self { status: StatusCode::PERMANENT_REDIRECT, location: location.into() }
    }
}

impl IntoReply for Redirect {
    fn into_reply(self) -> Reply {
        match HeaderValue::try_from(&*self.location) {
            Ok(location) => {
                let location = encoded_location(&location).unwrap_or(location);
                let mut reply = Reply::empty(self.status);
                headers::set(reply.headers_mut(), header::LOCATION, location);
                reply
            }
            Err(cause) => Reply::from_error(Error::internal(cause)),
        }
    }
}
