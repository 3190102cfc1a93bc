//! The ends of requests, for those who observe them: metrics, exporters and subscribers.

#[cfg(feature = "otel")]
use std::net::IpAddr;
use std::time::Duration;

#[cfg(feature = "otel")]
use http::HeaderMap;
use http::{Method, Uri, Version};

use crate::log::current::Tagged;

/// One request that has ended.
pub(crate) struct Ended<'a> {
    pub(crate) request: &'a dyn Tagged,
    pub(crate) method: &'a Method,
    pub(crate) uri: &'a Uri,
    #[cfg(feature = "otel")]
    pub(crate) headers: &'a HeaderMap,
    #[cfg(feature = "otel")]
    pub(crate) version: Version,
    /// The other end of the socket.
    #[cfg(feature = "otel")]
    pub(crate) peer: Option<IpAddr>,
    /// The pattern of the route. `None` if no route matched, and for event calls.
    pub(crate) route: Option<&'a str>,
    pub(crate) is_event: bool,
    /// 499 if the client left.
    pub(crate) status: u16,
    /// Whether the function is at fault.
    pub(crate) has_failed: bool,
    /// Why the request ended early.
    pub(crate) early: Option<&'static str>,
    /// Bytes sent.
    pub(crate) sent: u64,
    pub(crate) lasted: Duration,
}

impl Ended<'_> {
    /// The method, if it is one that everybody knows. A client could else make up names without end.
    pub(crate) fn method_name(&self) -> &'static str {
        known_method(self.method)
    }
}

/// Who observes the ends of requests. Called once a request, on its thread.
pub(crate) trait Observe: Send + Sync {
    fn ended(&self, ended: &Ended<'_>);
}

pub(crate) const OTHER_METHOD: &str = "_OTHER";

/// The name of a method that everybody knows, else [`OTHER_METHOD`].
pub(crate) fn known_method(method: &Method) -> &'static str {
    match *method {
        Method::GET => "GET",
        Method::POST => "POST",
        Method::PUT => "PUT",
        Method::PATCH => "PATCH",
        Method::DELETE => "DELETE",
        Method::HEAD => "HEAD",
        Method::OPTIONS => "OPTIONS",
        Method::CONNECT => "CONNECT",
        Method::TRACE => "TRACE",
        _ => OTHER_METHOD,
    }
}

pub(crate) fn version_name(version: Version) -> &'static str {
    match version {
        Version::HTTP_2 => "2",
        Version::HTTP_10 => "1.0",
        _ => "1.1",
    }
}
