//! Messages, the service's trait and the descriptors.

use std::process::ExitCode;

fn main() -> ExitCode {
    fc_runtime_build::compile(&["test.proto"])
}
