//! Instances: real processes with the platform's environment, started when calls need them and stopped when they
//! are idle.

mod beside;
mod chaos;
mod connection;
mod contained;
mod diagnosis;
mod environment;
mod exec;
mod generation;
mod health;
mod hooks;
mod instance;
mod layout;
mod multiplexed;
mod network;
mod opening;
mod pool;
mod slots;
mod start;
mod supervisor;
mod unfit;

pub(crate) use connection::{Connection, is_last};
pub(crate) use exec::{Executed, Input};
pub(crate) use generation::Generation;
pub(crate) use instance::Instance;
pub(crate) use layout::{Layout, MountFolders};
pub(crate) use multiplexed::Ended;
pub(crate) use network::Networks;
pub(crate) use pool::{Lease, Pool, Refusal};
