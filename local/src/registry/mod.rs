//! The functions there are, by name: the one place that knows which generation of each is current.

mod deployed;
mod functions;

pub(crate) use deployed::Deployed;
pub(crate) use functions::{Functions, Registry};
