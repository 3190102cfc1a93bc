//! The registry of functions by name. Only the registry knows the current generation of each function.

mod callee;
mod deployed;
mod functions;
mod releases;

pub(crate) use callee::Callee;
pub(crate) use deployed::{Deployed, State};
pub(crate) use functions::{Functions, Registry};
pub(crate) use releases::Release;
