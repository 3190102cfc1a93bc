//! Messages, the service's trait and the descriptors, without `protoc`.

use std::process::ExitCode;

fn main() -> ExitCode {
    fc_runtime_build::compile(&["../../proto/greeter.proto"])
}
