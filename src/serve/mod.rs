//! The port: sockets in, replies out. The only folder that names sockets and hyper's connection builders.

mod connection;
mod departure;
mod door;
mod drain;
mod forced_exit;
mod io;
mod link;
mod looks;
mod outbox;
mod places;
mod process;
mod run;
mod runtime;
mod signal;
mod sniff;
#[cfg(any(feature = "tower", feature = "websocket"))]
mod upgrade;
