//! HTTP without an opinion about functions: bodies, headers, hosts, limits, ids.

mod hangup;
pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod ids;
pub(crate) mod limits;
mod payload;

pub(crate) use hangup::{Hangup, has_unread};
pub(crate) use payload::{BodyFault, Payload};
