//! What an account holds, as plain data.

mod function;
mod local;
mod trigger;

pub(crate) use function::{Action, Function, HealthCheck, Hook};
pub(crate) use local::Local;
pub(crate) use trigger::HttpTrigger;
