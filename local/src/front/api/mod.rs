//! The platform's API, as the official SDK calls it.

mod auth;
mod invoke;
mod manage;

pub(super) use invoke::invoke;
pub(super) use manage::manage;
