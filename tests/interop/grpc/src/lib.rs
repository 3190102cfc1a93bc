//! What both servers of gRPC's interoperability cases share: messages, payloads, statuses, metadata.

use std::time::Duration;

use fc_runtime::HeaderName;
use fc_runtime::http::HeaderMap;
use tonic::{Code, Status};

#[allow(warnings, reason = "generated")]
#[allow(clippy::pedantic, reason = "generated")]
mod generated {
    tonic::include_proto!("grpc.testing");
}

pub use generated::*;

/// What reflection tells.
pub const DESCRIPTORS: &[u8] = tonic::include_file_descriptor_set!("descriptors");

/// Metadata that is given back, before the first message.
pub const ECHO_INITIAL: HeaderName = HeaderName::from_static("x-grpc-test-echo-initial");
/// Metadata that is given back, with the status.
pub const ECHO_TRAILING: HeaderName = HeaderName::from_static("x-grpc-test-echo-trailing-bin");

/// So many zeros.
///
/// # Errors
/// A negative size.
pub fn payload(size: i32) -> Result<Payload, Status> {
    let size = usize::try_from(size).map_err(|_| Status::invalid_argument("a size is negative"))?;
    Ok(Payload { r#type: PayloadType::Compressable.into(), body: vec![0; size] })
}

/// # Errors
/// The status that is asked for.
pub fn end_with(status: Option<&EchoStatus>) -> Result<(), Status> {
    match status {
        Some(EchoStatus { code, message }) if *code != 0 => Err(Status::new(Code::from(*code), message)),
        _ => Ok(()),
    }
}

/// # Errors
/// The client wants its message to come compressed, and its call announces no compression. Neither closures nor
/// generated services learn which of several messages was compressed.
pub fn check_compressed(expected: Option<BoolValue>, headers: &HeaderMap) -> Result<(), Status> {
    let is_compressed = headers.get("grpc-encoding").is_some_and(|encoding| encoding != "identity");
    if expected.is_some_and(|expected| expected.value) && !is_compressed {
        return Err(Status::invalid_argument("the message came uncompressed"));
    }
    Ok(())
}

/// The pause before a reply.
pub async fn pause(reply: &ResponseParameters) {
    let pause = Duration::from_micros(u64::try_from(reply.interval_us).unwrap_or(0));
    if !pause.is_zero() {
        tokio::time::sleep(pause).await;
    }
}

/// The sum of sizes as the reply has it.
pub fn total(sizes: usize) -> StreamingInputCallResponse {
    StreamingInputCallResponse { aggregated_payload_size: i32::try_from(sizes).unwrap_or(i32::MAX) }
}
