//! The registry of functions by name. It alone knows the current generation of each.

mod deployed;
mod functions;

pub(crate) use deployed::Deployed;
pub(crate) use functions::{Functions, Registry};
