//! Load balancers (ALB): listeners, rules and server groups, as plain data.

mod action;
mod group;
mod listener;
mod place;
mod rule;

pub(crate) use action::{
    Action, ActionKind, AlbCors, FixedResponse, Forward, HeaderSource, Redirect, RewriteTo, SystemValue,
    TrafficLimit, WeightedGroup,
};
pub(crate) use group::{
    AlbHealthCheck, BackendProtocol, GroupId, GroupKind, IpServer, ProbeMethod, ServerGroup, StickySession,
};
pub(crate) use listener::{
    Acl, AclKind, AlbEdition, CertificateField, Listener, ListenerAcl, ListenerProtocol, LoadBalancer,
    SecurityPolicy, XForwarded,
};
pub(crate) use place::Place;
pub(crate) use rule::{Cidr, Condition, ConditionKind, Direction, Pair, Rule};
