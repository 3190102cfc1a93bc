//! HTTP without knowledge of functions: bodies, headers, hosts, limits, ids, and WebSocket bytes after an upgrade.

mod client_body;
mod client_certificate;
mod early;
mod frames;
pub(crate) mod gather;
pub(crate) mod h1;
mod hangup;
pub(crate) mod headers;
pub(crate) mod host;
pub(crate) mod ids;
pub(crate) mod limits;
mod messages;
mod outflow;
pub(crate) mod outgoing;
mod payload;
mod relay;
mod socket;
mod stream;
mod ticks;
mod tls;
pub(crate) mod upgrade;
pub(crate) mod websocket;
mod whole_body;

pub(crate) use client_body::{BrokenBody, ClientBody};
pub(crate) use early::{Early, final_reply};
pub(crate) use frames::{Close, Passed};
pub(crate) use hangup::{Hangup, has_unread};
pub(crate) use messages::Messages;
pub(crate) use outflow::{Outflow, Piece};
pub(crate) use payload::{BodyFault, Fault, Payload};
pub(crate) use relay::{Over, Relay};
pub(crate) use socket::{STALL_MAX, Socket, Turn, Turns};
pub(crate) use stream::Stream;
pub(crate) use ticks::Ticks;
pub(crate) use tls::{Alpn, Identities, ServerSettings, TlsServer, Versions};
