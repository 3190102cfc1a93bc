//! Requests that are answered without a handler.

use http::request::Parts;
use http::{HeaderMap, HeaderValue, Method, StatusCode, Version, header};

use crate::error::Error;
use crate::exchange::too_much_memory;
use crate::headers;
use crate::platform::HeadersSeen;
use crate::platform::limits::{REQUEST_FIELDS_MAX, REQUEST_HEADERS_MAX, TARGET_MAX};
use crate::reply::{IntoReply, Reply};
use crate::request::authority::{is_host, is_same};

/// Why a request does not reach a handler.
pub(crate) enum Refusal {
    NotFound,
    /// 405, with the value of `Allow`.
    WrongMethod(HeaderValue),
    /// The automatic reply to `OPTIONS`, with the value of `Allow`. `None` is for `OPTIONS *`.
    Options(Option<HeaderValue>),
    /// The reply to a preflight, with its headers.
    Preflight(Box<HeaderMap>),
    TargetTooLong,
    HeadersTooLarge,
    TooManyFields,
    /// The head was not complete within the limit.
    TooSlow,
    /// A head that proxies and servers might read differently.
    BadShape(&'static str),
    /// 501: a transfer coding other than `chunked`.
    UnknownCoding,
    /// The cap on requests in flight is reached.
    Busy,
    /// The budget for clients is used up.
    NoMemory,
}

impl Refusal {
    /// Refuses a head that is too large, or that two readers could take for two different requests.
    pub(crate) fn of_shape(head: &Parts, seen: &HeadersSeen<'_>) -> Option<Self> {
        if seen.size > REQUEST_HEADERS_MAX {
            return Some(Self::HeadersTooLarge);
        }
        if head.headers.len() > REQUEST_FIELDS_MAX {
            return Some(Self::TooManyFields);
        }
        let wrong = |why| Some(Self::BadShape(why));
        if head.method == Method::CONNECT {
            return wrong("this is not a proxy");
        }
        if let Some(refusal) = Self::of_ambiguity(head, seen) {
            return Some(refusal);
        }
        match (seen.host, head.uri.authority()) {
            (None, _) if head.version == Version::HTTP_11 => wrong("there is no Host header"),
            (None, None) if head.version > Version::HTTP_11 => wrong("there is no authority"),
            _ => None,
        }
    }

    /// Refuses two hosts, an invalid host, or an unknown transfer coding. Applies to probes too.
    #[allow(clippy::inline_always, reason = "every request asks")]
    #[inline(always)]
    pub(crate) fn of_ambiguity(head: &Parts, seen: &HeadersSeen<'_>) -> Option<Self> {
        let wrong = |why| Some(Self::BadShape(why));
        if seen.is_unknown_coding {
            return Some(Self::UnknownCoding);
        }
        if seen.codings > 1 {
            return wrong("there is more than one Transfer-Encoding header");
        }
        if seen.hosts > 1 {
            return wrong("there is more than one Host header");
        }
        if head.uri.authority().is_some_and(|authority| !is_host(authority.as_str().as_bytes())) {
            return wrong("the request's authority is not a host with an optional port");
        }
        match seen.host.map(HeaderValue::as_bytes) {
            Some(host) if !is_host(host) => wrong("the Host header is not a host with an optional port"),
            Some(host) if !is_same(host, &head.uri) => {
                wrong("the Host header differs from the request's authority")
            }
            _ => None,
        }
    }
}

impl IntoReply for Refusal {
    fn into_reply(self) -> Reply {
        match self {
            Self::NotFound => Reply::from_error(Error::not_found("there is nothing at this path")),
            Self::WrongMethod(allow) => Reply::from_error(
                Error::new(405, "this path does not have this method").with_header(header::ALLOW, allow),
            ),
            Self::Options(allow) => {
                let mut reply = Reply::empty(StatusCode::NO_CONTENT);
                if let Some(allow) = allow {
                    headers::set(reply.headers_mut(), header::ALLOW, allow);
                }
                reply
            }
            Self::Preflight(headers) => {
                let mut reply = Reply::empty(StatusCode::NO_CONTENT);
                *reply.headers_mut() = *headers;
                reply.without_cors()
            }
            Self::TargetTooLong => {
                let message = format!("the path and query are longer than {TARGET_MAX} bytes");
                Reply::from_error(Error::new(414, message))
            }
            Self::HeadersTooLarge => {
                let message = format!("the headers are larger than {REQUEST_HEADERS_MAX} bytes");
                Reply::from_error(Error::new(431, message))
            }
            Self::TooManyFields => {
                let message = format!("there are more than {REQUEST_FIELDS_MAX} headers");
                Reply::from_error(Error::new(431, message))
            }
            Self::TooSlow => {
                Reply::from_error(Error::new(408, "the head of the request was not complete in time"))
            }
            Self::BadShape(why) => Reply::from_error(Error::bad_request(why)),
            Self::UnknownCoding => {
                let message = "the only supported Transfer-Encoding is chunked";
                Reply::from_error(Error::of_ours(StatusCode::NOT_IMPLEMENTED, message).reported())
            }
            Self::Busy => later("this instance already runs as many handlers as it may"),
            Self::NoMemory => Reply::from_error(too_much_memory()),
        }
    }
}

/// A 503 without an error in the log, because the access log already has a line. A second line for each refusal would
/// double the log under overload.
fn later(message: &'static str) -> Reply {
    let error = Error::of_ours(StatusCode::SERVICE_UNAVAILABLE, message).reported();
    Reply::from_error(error.with_header(header::RETRY_AFTER, HeaderValue::from_static("1")))
}
