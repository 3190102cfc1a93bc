//! The actions of rules.

use std::time::Duration;

use super::group::GroupId;
use super::place::Place;

/// An action and where it stands.
#[derive(Debug, Clone, PartialEq)]
pub(crate) struct Action {
    /// 1 to 50 000.
    pub(crate) order: u16,
    pub(crate) kind: ActionKind,
    pub(crate) place: Place,
}

/// What a rule does. The first three end a rule.
#[derive(Debug, Clone, PartialEq)]
pub(crate) enum ActionKind {
    Forward(Forward),
    Redirect(Redirect),
    Fixed(FixedResponse),
    Rewrite(RewriteTo),
    InsertHeader {
        name: String,
        value: HeaderSource,
    },
    RemoveHeader {
        name: String,
    },
    Limit(TrafficLimit),
    /// A copy of the request goes to these addresses; the answer is thrown away.
    Mirror(Vec<GroupId>),
    Cors(AlbCors),
}

/// `ForwardGroup`: one of up to five groups, by weight.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Forward {
    pub(crate) groups: Vec<WeightedGroup>,
    /// A client stays with its group for so long.
    pub(crate) sticky: Option<Duration>,
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct WeightedGroup {
    pub(crate) group: GroupId,
    /// 0 to 100.
    pub(crate) weight: u8,
}

/// `Redirect`. Each text may hold variables; a text that is its own variable keeps what the client asked for.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct Redirect {
    pub(crate) status: u16,
    pub(crate) protocol: String,
    pub(crate) host: String,
    pub(crate) port: String,
    pub(crate) path: String,
    pub(crate) query: String,
}

/// `Rewrite`, with variables as a redirect has.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct RewriteTo {
    pub(crate) host: String,
    pub(crate) path: String,
    pub(crate) query: String,
}

/// `FixedResponse`.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct FixedResponse {
    pub(crate) status: u16,
    pub(crate) content_type: Option<String>,
    /// At most 1 KiB.
    pub(crate) content: String,
}

/// The value of an inserted header.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) enum HeaderSource {
    UserDefined(String),
    /// The value of another header of the request.
    Reference(String),
    System(SystemValue),
}

#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum SystemValue {
    ClientSrcPort,
    ClientSrcIp,
    Protocol,
    SlbId,
    SlbPort,
}

/// `TrafficLimit`: requests per second, at least one of both.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) struct TrafficLimit {
    pub(crate) qps: Option<u32>,
    pub(crate) per_ip_qps: Option<u32>,
}

/// `Cors`: the listener answers preflights by itself.
#[derive(Debug, Clone, PartialEq, Eq)]
pub(crate) struct AlbCors {
    /// `*`, or origins in which `*` stands for a part of a host.
    pub(crate) allow_origins: Vec<String>,
    pub(crate) allow_methods: Vec<String>,
    pub(crate) allow_headers: Vec<String>,
    pub(crate) expose_headers: Vec<String>,
    pub(crate) allow_credentials: bool,
    /// Seconds, -1 to 172 800; -1 forbids browsers to keep the answer.
    pub(crate) max_age: Option<i32>,
}
