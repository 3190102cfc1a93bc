//! The contract's routes on raw hyper: no router, no stages.

mod connection;
mod routes;
mod runtime;
mod sniff;

pub use connection::{Record, connection, run, serve};
pub use routes::Body;
