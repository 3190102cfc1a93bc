//! The registry of functions by name. Only the registry knows the current generation of each function.

mod deployed;
mod functions;

pub(crate) use deployed::Deployed;
pub(crate) use functions::{Functions, Registry};
