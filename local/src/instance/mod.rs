//! Instances: real processes with the platform's environment, started when they are needed and stopped
//! when they are not.

mod connection;
mod environment;
mod generation;
mod health;
mod hooks;
mod instance;
mod pool;
mod slots;
mod start;
mod supervisor;
mod upstream;

pub(crate) use connection::Connection;
pub(crate) use generation::Generation;
pub(crate) use pool::{Lease, Pool, Refusal};
