//! What a load balancer does: its part in the record of a request, and news of listeners and backends.

use std::net::SocketAddr;
use std::sync::Arc;

use serde_json::{Value, json};

use super::level::Level;

/// The load balancer's part in a request. [The example of the crate](crate) takes the events whose records hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub struct AlbVisit {
    /// The name of the listener; `None` for a health check.
    pub listener: Option<Arc<str>>,
    /// The rule that was followed; `None` for the listener's default action.
    pub rule: Option<Arc<str>>,
    /// The server group, once one was chosen.
    pub group: Option<Arc<str>>,
    /// The status of the backend; `None` if it gave none.
    pub upstream_status: Option<u16>,
    /// Who made the status of the request.
    pub by: Maker,
    /// Whether the request is a health check.
    pub is_probe: bool,
}

/// Who made the status of a request through a load balancer. [The example of the crate](crate) takes the events whose records
/// hold it.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
#[non_exhaustive]
pub enum Maker {
    /// The load balancer.
    Alb,
    /// Function Compute, without or in place of the function.
    FunctionCompute,
    /// The function.
    Function,
    /// A server of a group of type `Ip`.
    Server,
}

impl Maker {
    /// The name, which stays as it is.
    pub fn name(self) -> &'static str {
        match self {
            Maker::Alb => "alb",
            Maker::FunctionCompute => "function_compute",
            Maker::Function => "function",
            Maker::Server => "server",
        }
    }
}

impl AlbVisit {
    pub(crate) fn new(listener: Option<&Arc<str>>) -> Self {
        AlbVisit {
            listener: listener.cloned(),
            rule: None,
            group: None,
            upstream_status: None,
            by: Maker::Alb,
            is_probe: false,
        }
    }

    /// Adds what is told of it to the text of a request, without the detour of a format: there is one for each request.
    pub(super) fn write(&self, text: &mut String) {
        let AlbVisit { listener, rule, group, .. } = self;
        if self.is_probe {
            text.extend([", health check of ", group.as_deref().unwrap_or("a group")]);
            return;
        }
        text.extend([", ", listener.as_deref().unwrap_or("a closed listener"), " by "]);
        match rule {
            Some(rule) => text.extend(["rule ", rule]),
            None => text.push_str("its default"),
        }
        if let Some(group) = group {
            text.extend([" to ", group]);
        }
        if self.by == Maker::Alb {
            text.push_str(", status by the load balancer");
            if let Some(status) = self.upstream_status {
                text.extend([" in place of ", itoa::Buffer::new().format(status)]);
            }
        }
    }

    pub(super) fn json(&self) -> Value {
        json!({
            "listener": self.listener.as_deref(), "rule": self.rule.as_deref(), "group": self.group.as_deref(),
            "upstreamStatus": self.upstream_status, "statusBy": self.by.name(), "probe": self.is_probe,
        })
    }
}

/// What becomes of a load balancer. [The example of the crate](crate) takes the events that hold it.
#[derive(Debug, Clone, PartialEq, Eq)]
#[non_exhaustive]
pub enum AlbNews {
    /// A listener takes requests from now on.
    Listening {
        /// The name of the listener.
        listener: String,
        /// The port of the listener in the cloud.
        port: u16,
        /// Where it is bound here.
        address: SocketAddr,
        /// A URL for clients of this machine.
        url: String,
    },
    /// A listener is no longer in the configuration. Its port is closed.
    Closed {
        /// The name of the listener.
        listener: String,
    },
    /// A listener cannot be opened.
    NotListening {
        /// The name of the listener.
        listener: String,
        /// Why not.
        error: String,
    },
    /// A backend passes its health checks again, or for the first time.
    Healthy {
        /// The server group.
        group: String,
        /// The function or the address.
        target: String,
    },
    /// A backend failed its health checks. It gets requests only if all others have failed too.
    Unhealthy {
        /// The server group.
        group: String,
        /// The function or the address.
        target: String,
        /// How the last check failed.
        error: String,
    },
    /// A gRPC call came to a group of a function. The function gets it as a request of HTTP/1.1. Told once for each group.
    GrpcToFunction {
        /// The server group.
        group: String,
        /// The function.
        target: String,
    },
}

impl AlbNews {
    pub(super) fn level(&self) -> Level {
        match self {
            AlbNews::Listening { .. } | AlbNews::Closed { .. } | AlbNews::Healthy { .. } => Level::Info,
            AlbNews::Unhealthy { .. } | AlbNews::GrpcToFunction { .. } => Level::Warning,
            AlbNews::NotListening { .. } => Level::Error,
        }
    }

    pub(super) fn bytes(&self) -> usize {
        match self {
            AlbNews::Listening { listener, url, .. } => listener.capacity() + url.capacity(),
            AlbNews::Closed { listener } => listener.capacity(),
            AlbNews::NotListening { listener, error } => listener.capacity() + error.capacity(),
            AlbNews::Healthy { group, target } | AlbNews::GrpcToFunction { group, target } => {
                group.capacity() + target.capacity()
            }
            AlbNews::Unhealthy { group, target, error } => {
                group.capacity() + target.capacity() + error.capacity()
            }
        }
    }

    pub(super) fn text(&self) -> String {
        match self {
            AlbNews::Listening { listener, port, url, .. } => {
                format!("load balancer: {listener} (port {port} in the cloud) answers at {url}")
            }
            AlbNews::Closed { listener } => format!("load balancer: {listener} is closed"),
            AlbNews::NotListening { listener, error } => {
                format!("load balancer: {listener} cannot be opened: {error}")
            }
            AlbNews::Healthy { group, target } => {
                format!("load balancer: {target} of {group} passes its health checks")
            }
            AlbNews::Unhealthy { group, target, error } => {
                format!("load balancer: {target} of {group} fails its health checks: {error}")
            }
            AlbNews::GrpcToFunction { group, target } => format!(
                "load balancer: gRPC does not reach {target} of {group}: a function behind a load balancer is asked by HTTP/1.1"
            ),
        }
    }

    pub(super) fn json(&self) -> Value {
        let (what, listener, group, error) = match self {
            AlbNews::Listening { listener, .. } => ("listening", Some(listener), None, None),
            AlbNews::Closed { listener } => ("closed", Some(listener), None, None),
            AlbNews::NotListening { listener, error } => ("not_listening", Some(listener), None, Some(error)),
            AlbNews::Healthy { group, target } => ("healthy", None, Some((group, target)), None),
            AlbNews::Unhealthy { group, target, error } => {
                ("unhealthy", None, Some((group, target)), Some(error))
            }
            AlbNews::GrpcToFunction { group, target } => {
                ("grpc_to_function", None, Some((group, target)), None)
            }
        };
        let place = match self {
            AlbNews::Listening { port, address, url, .. } => Some((port, address.to_string(), url)),
            _ => None,
        };
        json!({
            "what": what, "listener": listener, "error": error,
            "port": place.as_ref().map(|(port, _, _)| port), "address": place.as_ref().map(|(_, address, _)| address),
            "url": place.as_ref().map(|(_, _, url)| url),
            "group": group.map(|(group, _)| group), "target": group.map(|(_, target)| target),
        })
    }
}
