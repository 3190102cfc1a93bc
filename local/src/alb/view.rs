//! What rules look at: a request and a response.

use std::net::IpAddr;

use http::{HeaderMap, Method, StatusCode};

/// A request as a client sent it to a listener.
#[derive(Debug, Clone, Copy)]
pub(crate) struct RequestView<'a> {
    pub(crate) method: &'a Method,
    /// The host that the client named, without a port. Empty if it named none.
    pub(crate) host: &'a str,
    /// As sent, with its percent signs.
    pub(crate) path: &'a str,
    /// Without the `?`.
    pub(crate) query: Option<&'a str>,
    pub(crate) headers: &'a HeaderMap,
    /// The client: the socket's, or what trusted proxies say of it.
    pub(crate) source: IpAddr,
    /// The port of the client's socket.
    pub(crate) source_port: u16,
}

/// A response as a group gave it.
#[derive(Debug, Clone, Copy)]
pub(crate) struct ResponseView<'a> {
    pub(crate) status: StatusCode,
    pub(crate) headers: &'a HeaderMap,
}

/// The host of a `Host` header, which may name a port.
pub(crate) fn without_port(host: &str) -> &str {
    match host.rsplit_once(':') {
        Some((name, port)) if port.bytes().all(|byte| byte.is_ascii_digit()) => name,
        _ => host,
    }
}
