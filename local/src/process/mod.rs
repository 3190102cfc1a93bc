//! Processes that cannot outlive fc-local: how they are started, limited, listened to and ended.

mod cgroup;
pub(crate) mod guard;
mod handle;
mod lines;
pub(crate) mod orphans;
mod output;
mod port;
pub(crate) mod proc;
mod role;

pub(crate) use cgroup::{Cgroups, OwnGroup};
pub(crate) use handle::{CommandLine, Exit, Order, Process};
pub(crate) use output::Output;
pub(crate) use port::Port;
