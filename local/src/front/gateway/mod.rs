//! HTTP requests to functions: the checks and changes between a client and a function.

mod auth;
mod cors;
mod event;
mod fc2;
mod policy;
mod reply;
mod trigger;

pub(super) use trigger::{answer, enter};
