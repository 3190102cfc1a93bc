//! The platform's API, as the official SDK calls it.

mod auth;
mod body;
mod documents;
mod invoke;
mod local;
mod manage;
mod metering;
mod replay;
mod sessions;
mod tasks;
mod usage;

pub(super) use auth::refuse;
pub(super) use invoke::invoke;
pub(super) use local::{Site, local, replay_of};
pub(super) use manage::manage;
pub(super) use tasks::tasks;
pub(super) use usage::usage;
