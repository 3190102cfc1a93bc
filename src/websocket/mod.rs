//! WebSocket (RFC 6455) on the port of HTTP, with the same records, limits and drain.

mod boundary;
mod connection;
mod engine;
mod handshake;
mod mailbox;
mod message;
mod outbox;
mod pulse;
mod session;
mod sha1;
mod socket;
mod upgrade;

pub use message::{Close, Message, Text};
pub use socket::{Sending, Socket, SocketReceiver, SocketSender};
pub use upgrade::Upgrade;
