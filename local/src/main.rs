//! The command line of fc-local.

use std::process::ExitCode;

fn main() -> ExitCode {
    fc_local::cli::run()
}
