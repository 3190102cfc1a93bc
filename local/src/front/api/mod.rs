//! The platform's API, as the official SDK calls it.

mod auth;
mod body;
mod invoke;
mod manage;
mod sessions;

pub(super) use auth::refuse;
pub(super) use invoke::invoke;
pub(super) use manage::manage;
