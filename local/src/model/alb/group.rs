//! Server groups: a function, or addresses.

use std::time::Duration;

use super::place::Place;

/// A position in the configuration's groups.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub(crate) struct GroupId(pub(crate) usize);

/// Whom a rule forwards to.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct ServerGroup {
    pub(crate) name: String,
    pub(crate) place: Place,
    pub(crate) kind: GroupKind,
    /// For addresses alone: a function is asked by HTTP.
    pub(crate) protocol: BackendProtocol,
    /// `None` is off.
    pub(crate) health_check: Option<AlbHealthCheck>,
    /// For addresses alone; `None` is off.
    pub(crate) sticky_session: Option<StickySession>,
}

#[derive(Debug, Clone, PartialEq)]
pub(crate) enum GroupKind {
    /// Exactly one function; `None` has none yet, and answers 503.
    Fc {
        function: Option<String>,
        qualifier: Option<String>,
        /// The service of edition 2.0, if the group names one.
        service: Option<String>,
    },
    /// What listens beside the functions.
    Ip { servers: Vec<IpServer> },
}

/// What the servers of a group speak.
#[derive(Debug, Clone, Copy, PartialEq, Eq, Default)]
pub(crate) enum BackendProtocol {
    #[default]
    Http,
    /// HTTP/2 in plain text, whatever the requests hold.
    Grpc,
}

/// One server of a group of addresses.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct IpServer {
    /// An address, or a host name of this machine.
    pub(crate) host: String,
    pub(crate) port: u16,
    /// 0 to 100; 0 takes no requests.
    pub(crate) weight: u8,
    pub(crate) place: Place,
}

/// `HealthCheckConfig` of a group that checks.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct AlbHealthCheck {
    pub(crate) method: ProbeMethod,
    /// `/` by default.
    pub(crate) path: String,
    /// `None` is the server's own address.
    pub(crate) host: Option<String>,
    /// HTTP/1.1, else HTTP/1.0.
    pub(crate) is_http11: bool,
    /// 0 is the server's own port.
    pub(crate) port: u16,
    /// 2 s by default; 1 s to 50 s.
    pub(crate) interval: Duration,
    /// 5 s by default; 1 s to 300 s.
    pub(crate) timeout: Duration,
    /// 3 by default; 2 to 10.
    pub(crate) healthy_threshold: u8,
    /// 3 by default; 2 to 10.
    pub(crate) unhealthy_threshold: u8,
    /// The first digits of the status codes of health, `[2]` by default; for gRPC whole codes, `[0]` by default.
    pub(crate) codes: Vec<u8>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum ProbeMethod {
    Head,
    Get,
    /// A connection is enough; for addresses alone.
    Connect,
    /// A gRPC call without a message; for addresses alone.
    Grpc,
}

/// `StickySessionConfig`: a client stays with one server of a group.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum StickySession {
    /// The listener sets the cookie `SERVERID` for so long.
    Insert(Duration),
    /// The server sets the cookie of this name, and the listener adds the server's mark to its value.
    Server(String),
}
