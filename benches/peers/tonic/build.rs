//! Generates the service with the compiler of protobuf files that is written in Rust: `protoc` need not be there.

fn main() -> Result<(), Box<dyn std::error::Error>> {
    const PROTO: &str = "../../../proto/greeter.proto";
    println!("cargo::rerun-if-changed={PROTO}");
    let descriptors = protox::compile([PROTO], ["../../../proto"])?;
    tonic_prost_build::configure().build_client(false).compile_fds(descriptors)?;
    Ok(())
}
