//! Messages and descriptors of the service, without `protoc`.

fn main() -> std::process::ExitCode {
    fc_runtime_build::compile(&["proto/greeter.proto"])
}
