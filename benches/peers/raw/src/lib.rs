//! The contract's routes on raw hyper: no router, no stages, unless equal work is asked for.

mod body;
mod connection;
mod equal;
mod routes;
mod runtime;
mod sniff;

pub use body::Body;
pub use connection::{Work, connection, run, serve};
