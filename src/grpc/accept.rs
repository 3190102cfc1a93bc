//! Checks of a call's head, before the body is read.

use http::{HeaderMap, HeaderName, HeaderValue, StatusCode, Version};
use tonic::Code;

use crate::error::{Error, Result};
use crate::exchange::Call;
use crate::grpc::status::{broken_call, of_ours};
use crate::grpc::wire::{TIMEOUT, Wire, parse_timeout};

/// The compression of messages whose frame has the compressed flag.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Encoding {
    Identity,
    Gzip,
}

const ENCODING: HeaderName = HeaderName::from_static("grpc-encoding");
const ACCEPTED: HeaderName = HeaderName::from_static("grpc-accept-encoding");

/// Checks the head of a call, before the body is read.
///
/// # Errors
/// 415 if the request is not gRPC. Otherwise a gRPC status.
pub(crate) fn accept(call: &Call) -> Result<Wire> {
    let headers = &call.head.headers;
    let Some((wire, is_protobuf)) = Wire::with_format(headers) else {
        return Err(Error::of_ours(
            StatusCode::UNSUPPORTED_MEDIA_TYPE,
            "this is a gRPC method: its content type is application/grpc or application/grpc-web, with protobuf",
        ));
    };
    if !is_protobuf {
        let what = "the messages of this method are protobuf: application/grpc or application/grpc+proto";
        return Err(of_ours(Code::Unimplemented, what));
    }
    if wire == Wire::Grpc && call.head.version != Version::HTTP_2 {
        return Err(of_ours(Code::Unimplemented, "gRPC needs HTTP/2; over HTTP/1.1 there is gRPC-Web"));
    }
    if let Some(text) = headers.get(TIMEOUT)
        && parse_timeout(text.as_bytes()).is_none()
    {
        return Err(broken_call("grpc-timeout has to be at most 8 digits and a unit: H, M, S, m, u or n"));
    }
    Ok(wire)
}

/// The compression in the call's `grpc-encoding`.
///
/// # Errors
/// `UNIMPLEMENTED` for an unknown compression, with a header that lists the known compressions.
pub(crate) fn encoding(headers: &HeaderMap) -> Result<Encoding> {
    match headers.get(ENCODING).map(HeaderValue::as_bytes) {
        None | Some(b"" | b"identity") => Ok(Encoding::Identity),
        Some(b"gzip") => Ok(Encoding::Gzip),
        Some(_) => {
            let error = of_ours(Code::Unimplemented, "this grpc-encoding is not supported");
            let (name, known) = known();
            Err(error.with_header(name, known))
        }
    }
}

/// The header that lists the known compressions.
pub(crate) fn known() -> (HeaderName, HeaderValue) {
    (ACCEPTED, HeaderValue::from_static("identity,gzip"))
}
