//! The platform's API, as the official SDK calls it.

mod invoke;

pub(super) use invoke::invoke;
