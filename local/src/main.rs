//! The command line of fc-local.

use std::process::ExitCode;

/// Events are made by one thread and dropped by the one that prints them, which the system's allocator pays for with a lock.
#[global_allocator]
static ALLOCATOR: mimalloc::MiMalloc = mimalloc::MiMalloc;

fn main() -> ExitCode {
    fc_local::cli::run()
}
