//! The port: sockets in, replies out. The only folder that names sockets and hyper's connection builders.

mod connection;
mod door;
mod drain;
mod io;
mod last_resort;
mod run;
mod runtime;
mod signal;
mod sniff;
#[cfg(feature = "websocket")]
mod upgrade;
mod watch;
