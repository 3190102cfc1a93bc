//! The HTTP trigger: the checks and changes between a client and a function.

mod cors;
mod reply;
mod trigger;

pub(super) use trigger::enter;
