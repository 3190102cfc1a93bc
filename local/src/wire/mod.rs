//! HTTP without an opinion about functions: bodies, headers, hosts, limits, ids.

mod client_body;
mod hangup;
pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod ids;
pub(crate) mod limits;
mod payload;

pub(crate) use client_body::ClientBody;
pub(crate) use hangup::Hangup;
pub(crate) use payload::{BodyFault, Payload};
