//! A web framework that is a Function Compute custom runtime.

pub mod platform;
