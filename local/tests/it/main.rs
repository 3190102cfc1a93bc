//! Tests of the program, from outside.

mod api;
mod cancel;
mod cli;
mod gateway;
mod harness;
mod instances;
mod manifest;
mod start;
mod survivors;
mod watch;

#[path = "../interop/mod.rs"]
mod interop;
