//! The HTTP trigger: what stands between a client and a function.

mod cors;
mod reply;
mod trigger;

pub(super) use trigger::enter;
