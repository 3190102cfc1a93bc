//! The platform's API, as the official SDK calls it.

mod account;
mod auth;
mod body;
mod bucket;
mod documents;
mod exec;
mod invoke;
mod local;
mod logs;
mod manage;
mod metering;
mod replay;
mod sessions;
mod signed;
mod tasks;
mod usage;

pub(super) use account::account;
pub(super) use auth::refuse;
pub(super) use bucket::bucket;
pub(super) use exec::exec;
pub(super) use invoke::invoke;
pub(crate) use local::PROGRAM;
pub(super) use local::{Site, local, replay_of};
pub(super) use logs::Known;
pub(super) use manage::manage;
pub(super) use tasks::tasks;
pub(super) use usage::usage;
