//! Faults that are injected on purpose. Which fault comes at which call is decided here, from numbers alone.

mod chaos;
mod faults;

pub use chaos::{Chaos, Fault};
pub(crate) use faults::{CallFaults, FaultPlan, Faults};
