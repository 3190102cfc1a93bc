//! WebSocket (RFC 6455) on the HTTP port, with the same records, limits and drain.

mod connection;
mod engine;
mod frames;
mod handshake;
mod mailbox;
mod message;
mod outbox;
mod ping_timer;
mod session;
mod socket;
mod spare;
mod upgrade;
mod utf8;

pub use message::{Close, Message, Text};
pub use socket::{Sending, Socket, SocketReceiver, SocketSender};
pub use upgrade::Upgrade;
