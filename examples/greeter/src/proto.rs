//! What the build script has generated.

#![allow(warnings, reason = "generated")]
#![allow(clippy::pedantic, reason = "generated")]

tonic::include_proto!("greeter");

/// What reflection tells.
pub const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("descriptors");
