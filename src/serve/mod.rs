//! The port: sockets in, replies out. Alone in naming sockets and hyper's connection builders.

mod connection;
mod drain;
mod io;
mod listener;
mod run;
mod runtime;
mod signal;
mod sniff;
