//! HTTP requests to functions: the checks and changes between a client and a function.

mod auth;
mod cors;
mod policy;
mod reply;
mod trigger;

pub(super) use trigger::enter;
