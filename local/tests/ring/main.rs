//! Tests of the platform in this process: real sockets, real time, and no processes but this one.

#![expect(clippy::unwrap_used, reason = "a test fails by panicking")]

mod cancel;
mod chaos;
mod crash;
mod destinations;
mod fake;
mod function;
mod gate;
mod harness;
mod mute;
mod queue;
mod records;
mod rpc;
mod session_api;
mod sessions;
mod slots;
mod stall;
mod start;
mod stop;
mod swap;
mod tables;
mod task_mode;
mod timers;
