//! gRPC frames: a flag, a length, a message.

use std::io::Read;

use bytes::{Buf, BufMut, Bytes, BytesMut};
use flate2::read::MultiGzDecoder;
use prost::Message;
use tonic::Code;

use crate::error::{Error, Result};
use crate::exchange::too_much_memory;
use crate::grpc::accept::Encoding;
use crate::grpc::status::{broken_call, of_ours};
use crate::log::say;
use crate::platform::limits::MESSAGE_MAX;

/// The size of the flag and the length, in bytes.
pub(crate) const HEAD: usize = 5;

/// Takes the first complete frame off the bytes: whether it is compressed, and its message. `None` if the frame is
/// incomplete.
///
/// # Errors
/// A length beyond the limit, or a flag without a meaning. More bytes would not help.
pub(crate) fn take(bytes: &mut Bytes, limit: usize) -> Result<Option<(bool, Bytes)>> {
    let Some((flag, length)) = head(bytes, limit)? else { return Ok(None) };
    if bytes.len() < HEAD + length {
        return Ok(None);
    }
    bytes.advance(HEAD);
    Ok(Some((flag, bytes.split_to(length))))
}

/// Reads the flag and the length: whether the message is compressed, and its size in bytes.
fn head(bytes: &[u8], limit: usize) -> Result<Option<(bool, usize)>> {
    let Some(head) = bytes.first_chunk::<HEAD>() else { return Ok(None) };
    let length = u32::from_be_bytes([head[1], head[2], head[3], head[4]]) as usize;
    match head[0] {
        0 | 1 if length > limit => Err(too_large(limit)),
        0 | 1 => Ok(Some((head[0] == 1, length))),
        flag => Err(broken_call(format!("a message's flag is {flag}, which has no meaning"))),
    }
}

/// Whether the begin of a body can still become the one message of a method: its bytes so far.
///
/// # Errors
/// What [`take`] and [`decode`] would refuse once the rest has come, and bytes behind the message.
pub(crate) fn check_begin(begin: &[u8], encoding: Encoding, limit: usize) -> Result {
    match head(begin, limit)? {
        Some((_, length)) if begin.len() > HEAD + length => Err(more_came()),
        Some((true, _)) if encoding == Encoding::Identity => Err(unannounced()),
        _ => Ok(()),
    }
}

/// Decodes the message of a frame, after inflating it if its flag says so. `hold` counts the inflated bytes, and says
/// whether there is room for them. Others were counted while they came.
pub(crate) fn decode<M: Message + Default>(
    (is_compressed, message): (bool, Bytes),
    encoding: Encoding,
    limit: usize,
    hold: impl FnOnce(usize) -> bool,
) -> Result<M> {
    let message = match (is_compressed, encoding) {
        (false, _) => message,
        (true, Encoding::Gzip) => {
            let message = inflate(&message, limit)?;
            if !hold(message.len()) {
                return Err(too_much_memory());
            }
            message
        }
        (true, Encoding::Identity) => return Err(unannounced()),
    };
    M::decode(message).map_err(|error| broken_call(format!("a message cannot be read: {error}")))
}

/// Inflates one or more members of gzip (RFC 1952). Bytes behind the last member are an error, so that no data is lost
/// in silence.
fn inflate(message: &[u8], limit: usize) -> Result<Bytes> {
    let mut inflated = Vec::with_capacity((message.len() * 2).min(limit));
    let most = u64::try_from(limit).unwrap_or(u64::MAX).saturating_add(1);
    match MultiGzDecoder::new(message).take(most).read_to_end(&mut inflated) {
        Ok(length) if length > limit => Err(too_large(limit)),
        Ok(_) => Ok(inflated.into()),
        Err(error) => Err(broken_call(format!("a message cannot be inflated: {error}"))),
    }
}

fn unannounced() -> Error {
    broken_call("a message is flagged as compressed, but no grpc-encoding was announced")
}

pub(crate) fn more_came() -> Error {
    of_ours(Code::Unimplemented, "this method takes one message, and more came")
}

pub(crate) fn too_large(limit: usize) -> Error {
    of_ours(Code::ResourceExhausted, format!("a message is larger than {limit} bytes"))
}

/// Encodes a message as a frame, in one allocation.
///
/// # Errors
/// The platform passes no message larger than 6 MiB.
pub(crate) fn encode(message: &impl Message) -> Result<Bytes> {
    let length = checked_length(message)?;
    let mut frame = Vec::with_capacity(HEAD + length);
    put(message, length, &mut frame);
    Ok(frame.into())
}

/// Encodes a message as a frame behind other frames.
pub(crate) fn append(message: &impl Message, frames: &mut BytesMut) -> Result {
    let length = checked_length(message)?;
    frames.reserve(HEAD + length);
    put(message, length, frames);
    Ok(())
}

fn checked_length(message: &impl Message) -> Result<usize> {
    let length = message.encoded_len();
    if length <= MESSAGE_MAX {
        return Ok(length);
    }
    let what = format!("the reply is a message of {length} bytes; the platform passes at most {MESSAGE_MAX}");
    // Logged as well, because only the author can fix it.
    say::error(format_args!("{what}"));
    Err(of_ours(Code::ResourceExhausted, what))
}

fn put(message: &impl Message, length: usize, into: &mut impl BufMut) {
    into.put_u8(0);
    into.put_u32(u32::try_from(length).unwrap_or(u32::MAX));
    message.encode_raw(into);
}
