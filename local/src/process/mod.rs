//! Processes that cannot outlive fc-local: how they are started, limited, listened to and ended.

mod cgroup;
mod contained;
mod disk;
mod engine;
pub(crate) mod guard;
mod guarded;
mod handle;
mod keeper;
mod lines;
mod mounts;
mod network;
mod orders;
pub(crate) mod orphans;
mod output;
mod pipe;
mod port;
mod proc;
pub(crate) mod resolver;
mod role;
mod runner;
mod tool;

pub(crate) use cgroup::{Cgroups, OwnGroup};
pub(crate) use contained::Container;
pub(crate) use engine::{Engine, Plan};
pub(crate) use guarded::Processes;
pub use handle::{Exit, Order, Process, Reporter};
pub(crate) use mounts::{Mounts, kept_in_tmp};
pub(crate) use network::Network;
pub(crate) use output::{Output, Rest};
pub(crate) use port::Port;
pub use proc::Listening;
pub(crate) use proc::{Holder, find_program, holder, ignores_hangup, is_program};
pub use runner::{CommandLine, Pipe, Printed, Runner, Running};
pub(crate) use tool::{HiddenFile, Tool, output_of, run_tool};
