//! The model: functions and triggers of a manifest, as plain data.

mod function;
mod local;
mod trigger;

pub(crate) use function::{Action, Function, HealthCheck, Hook};
pub(crate) use local::{Lines, Local};
pub(crate) use trigger::HttpTrigger;
