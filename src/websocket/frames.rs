//! Reads frames from a non-blocking socket. Payloads are unmasked in place.

use std::array;
use std::mem::take;
use std::pin::pin;
use std::sync::Arc;
use std::task::{Context, Poll, ready};

use bytes::{Buf, Bytes, BytesMut};
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::error::ProtocolError;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, Data, OpCode};

use crate::budget::Held;
use crate::exchange::Peer;
use crate::exchange::upgrade::UpgradedIo;
use crate::platform::limits::KIB;
use crate::websocket::spare;

/// One frame from the client.
pub(super) struct Frame {
    pub(super) opcode: OpCode,
    pub(super) is_final: bool,
    pub(super) payload: BytesMut,
    /// The number of payload bytes that [`Frames::piece`] has given already.
    pub(super) seen: usize,
}

/// Why no more frames are read.
pub(super) enum Fault {
    /// The client is gone.
    Gone,
    Protocol(ProtocolError),
    TooLarge,
    /// The budget for clients is used up.
    NoMemory,
}

/// What is known about the next data frame before it is read.
#[derive(Clone, Copy)]
pub(super) struct Expected {
    /// The length of the message's earlier fragments, in bytes.
    pub(super) so_far: usize,
    /// The largest allowed payload, in bytes.
    pub(super) most: usize,
    /// Whether the closure waits for a message. Until then a large message is not read.
    pub(super) is_wanted: bool,
}

/// The room that is made for frames of unknown length, in bytes. Most messages are small.
const SMALL: usize = 2 * KIB;

/// The least free room, in bytes. With less, more is reserved.
const ROOM_MIN: usize = KIB / 2;

/// The most bytes that are reserved for a payload before they have arrived.
const LARGE: usize = 64 * KIB;

/// The largest payload of a control frame, in bytes.
const CONTROL_MAX: u64 = 125;

pub(super) struct Frames {
    /// The buffer. It has no memory while the socket is idle: see [`spare`].
    input: BytesMut,
    /// Whether `input` is a buffer for large messages.
    is_large: bool,
    /// The room for the next frame from its first byte on, in bytes: what the last frames needed, so that large messages
    /// that follow each other are each read at once.
    usual: usize,
    /// The connection, whose account counts large messages. `None` in tests.
    peer: Option<Arc<Peer>>,
    /// The memory of a large, incomplete message.
    held: Option<Held>,
    /// The head of a frame whose payload is not complete.
    head: Option<Head>,
    /// Whether bytes came since the last `has_moved`.
    pub(super) moved: bool,
    /// Whether the last read had more room than bytes came: the socket had no more.
    is_drained: bool,
}

#[derive(Clone, Copy)]
struct Head {
    opcode: OpCode,
    is_final: bool,
    /// Rotated so that it begins with the byte for the first masked byte of the payload.
    mask: [u8; 4],
    length: usize,
    unmasked: usize,
}

impl Head {
    fn is_data(&self) -> bool {
        matches!(self.opcode, OpCode::Data(_))
    }
}

/// A large message, with its counted memory.
struct Large {
    message: BytesMut,
    _held: Held,
}

impl AsRef<[u8]> for Large {
    fn as_ref(&self) -> &[u8] {
        &self.message
    }
}

impl Frames {
    /// `read_buf` holds the bytes that were read behind the handshake.
    pub(super) fn new(read_buf: &[u8], peer: Option<Arc<Peer>>) -> Self {
        Self {
            input: BytesMut::from(read_buf),
            is_large: false,
            usual: SMALL,
            peer,
            held: None,
            head: None,
            moved: false,
            is_drained: false,
        }
    }

    /// Whether a large message waits for the closure. A parked connection reads nothing, and its poll registers no
    /// waker.
    pub(super) fn is_parked(&self, expected: Expected) -> bool {
        !expected.is_wanted && expected.so_far + self.data_head().map_or(0, |head| head.length) > LARGE
    }

    /// The head of a fragment or a message whose payload is not complete.
    fn data_head(&self) -> Option<Head> {
        self.head.filter(Head::is_data)
    }

    /// The bytes of a complete message. They stay counted until they are dropped.
    #[allow(clippy::inline_always, reason = "every message does it")]
    #[inline(always)]
    pub(super) fn complete(&mut self, message: BytesMut) -> Bytes {
        if self.held.is_none() { message.freeze() } else { self.complete_large(message) }
    }

    #[cold]
    fn complete_large(&mut self, message: BytesMut) -> Bytes {
        match self.held.take() {
            None => message.freeze(),
            Some(held) => Bytes::from_owner(Large { message, _held: held }),
        }
    }

    /// Frees all buffers. No frames are read afterwards.
    pub(super) fn clear(&mut self) {
        (self.input, self.is_large, self.head, self.held) = (BytesMut::new(), false, None, None);
    }

    /// Whether there is nothing to read yet, at the first poll behind a read that has emptied the socket. The task is woken
    /// when bytes come. A session looks in vain behind each message, so no room is made for bytes, and no future.
    #[inline]
    pub(super) fn is_idle(&mut self, io: &dyn UpgradedIo, cx: &mut Context<'_>) -> bool {
        let is_idle = self.head.is_none()
            && self.input.is_empty()
            && take(&mut self.is_drained)
            && io.poll_readable(cx).is_pending();
        if is_idle {
            spare::keep(&mut self.input, take(&mut self.is_large));
        }
        is_idle
    }

    /// Gives up the buffer, if it is empty.
    pub(super) fn give_up_buffer(&mut self) {
        if self.input.is_empty() {
            spare::keep(&mut self.input, take(&mut self.is_large));
        }
    }

    /// The memory of the buffer that is not taken by bytes of a frame.
    #[cfg(test)]
    pub(super) fn capacity(&self) -> usize {
        self.input.capacity()
    }

    pub(super) fn poll_next(
        &mut self,
        io: &mut dyn UpgradedIo,
        cx: &mut Context<'_>,
        expected: Expected,
    ) -> Poll<Result<Frame, Fault>> {
        loop {
            if let Some(head) = self.head.take_if(|head| head.length <= self.input.len()) {
                return Poll::Ready(Ok(self.take(head)));
            }
            if self.head.is_none()
                && !self.input.is_empty()
                && let Some(head) = self.read_head(expected.most)?
            {
                // As nearly always: the head is not kept.
                if head.length <= self.input.len() {
                    return Poll::Ready(Ok(self.take(head)));
                }
                self.head = Some(head);
            }
            if self.is_parked(expected) {
                return Poll::Pending;
            }
            if !self.has_room(expected.so_far) {
                return Poll::Ready(Err(Fault::NoMemory));
            }
            if !ready!(self.poll_fill(io, cx)) {
                return Poll::Ready(Err(Fault::Gone));
            }
        }
    }

    /// Whether the head of a frame is read, and the payload is incomplete.
    pub(super) fn is_mid_payload(&self) -> bool {
        self.head.is_some()
    }

    /// The part of an unfinished payload that was not given before, with its opcode.
    pub(super) fn piece(&mut self) -> Option<(OpCode, &[u8])> {
        let head = self.head.as_mut()?;
        let piece = &mut self.input[head.unmasked..];
        unmask(piece, head.mask);
        head.mask.rotate_left(piece.len() % 4);
        head.unmasked += piece.len();
        Some((head.opcode, piece))
    }

    /// Reads a frame's head. `None` if it is not complete.
    fn read_head(&mut self, most: usize) -> Result<Option<Head>, Fault> {
        let [first, second, rest @ ..] = &self.input[..] else { return Ok(None) };
        let (length, rest) = match second & 0x7f {
            126 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from(u16::from_be_bytes(*length)), rest),
                None => return Ok(None),
            },
            127 => match rest.split_first_chunk() {
                Some((length, rest)) => (u64::from_be_bytes(*length), rest),
                None => return Ok(None),
            },
            length => (u64::from(length), rest),
        };
        let (is_final, opcode) = (first & 0x80 != 0, OpCode::from(first & 0x0f));
        let fault = |error| Err(Fault::Protocol(error));
        if matches!(opcode, OpCode::Control(Control::Reserved(_)) | OpCode::Data(Data::Reserved(_))) {
            return fault(ProtocolError::InvalidOpcode(first & 0x0f));
        }
        if first & 0x70 != 0 {
            return fault(ProtocolError::NonZeroReservedBits);
        }
        if second & 0x80 == 0 {
            return fault(ProtocolError::UnmaskedFrameFromClient);
        }
        let is_control = matches!(opcode, OpCode::Control(_));
        if is_control && !is_final {
            return fault(ProtocolError::FragmentedControlFrame);
        }
        if is_control && length > CONTROL_MAX {
            return fault(ProtocolError::ControlFrameTooBig);
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > most && !is_control {
            return Err(Fault::TooLarge);
        }
        let Some((&mask, rest)) = rest.split_first_chunk() else { return Ok(None) };
        let end = self.input.len() - rest.len();
        self.input.advance(end);
        Ok(Some(Head { opcode, is_final, mask, length, unmasked: 0 }))
    }

    fn take(&mut self, head: Head) -> Frame {
        let Head { opcode, is_final, mask, length, unmasked } = head;
        let mut payload = self.input.split_to(length);
        if length > LARGE || self.input.capacity() == 0 {
            // The payload keeps the buffer's memory, so the bytes behind it are copied to a new buffer. Without room the buffer
            // would pass for one without memory.
            self.input = BytesMut::from(&self.input[..]);
        }
        if self.usual.max(length + ROOM_MIN) > SMALL {
            // It shrinks slowly: a small message may stand between large ones.
            self.usual = (length + ROOM_MIN).clamp((self.usual - self.usual / 8).max(SMALL), LARGE);
        }
        unmask(&mut payload[unmasked..], mask);
        Frame { opcode, is_final, payload, seen: unmasked }
    }

    /// Counts the message, its earlier fragments too, with the bytes that are read next. False if there is no room.
    fn has_room(&mut self, so_far: usize) -> bool {
        let length = so_far + self.data_head().map_or(0, |head| head.length.min(self.input.len() + LARGE));
        self.peer.as_ref().is_none_or(|peer| peer.hold_body(&mut self.held, length))
    }

    /// Reads available bytes, with room for the missing part of the payload. False at the end of the stream.
    fn poll_fill(&mut self, io: &mut dyn UpgradedIo, cx: &mut Context<'_>) -> Poll<bool> {
        let (least, wanted) = match &self.head {
            None if self.usual == SMALL => (ROOM_MIN, SMALL),
            None => (self.usual, self.usual),
            // With more room than is missing, a read that gets all of it has emptied the socket too.
            Some(head) => {
                let missing = (head.length - self.input.len()).saturating_add(ROOM_MIN).min(LARGE);
                (missing, missing.max(SMALL))
            }
        };
        if self.input.capacity() == 0 {
            self.is_large = wanted > SMALL;
            spare::take(&mut self.input, self.is_large);
        }
        if self.input.capacity() - self.input.len() < least {
            self.make_room(wanted);
        }
        let room = self.input.capacity() - self.input.len();
        // The future holds no data, so that it can be dropped while it is pending.
        let Poll::Ready(read) = pin!(io.read_buf(&mut self.input)).poll(cx) else {
            self.give_up_buffer();
            return Poll::Pending;
        };
        let length = read.unwrap_or(0);
        self.moved |= length > 0;
        self.is_drained = length < room;
        Poll::Ready(length > 0)
    }

    /// Makes room for so many bytes more. What has come of a large message moves to a buffer for such messages.
    #[cold]
    fn make_room(&mut self, wanted: usize) {
        if wanted > SMALL && !self.is_large {
            let mut small = take(&mut self.input);
            spare::take(&mut self.input, true);
            self.input.reserve(small.len() + wanted);
            self.input.extend_from_slice(&small);
            small.clear();
            spare::keep(&mut small, false);
            self.is_large = true;
        } else {
            self.input.reserve(wanted);
        }
    }
}

/// Begins a frame from the server, unfragmented and without a mask. The payload follows it.
#[allow(clippy::inline_always, reason = "every message does it")]
#[inline(always)]
pub(super) fn put_head(opcode: OpCode, length: usize, into: &mut Vec<u8>) {
    let first = 0x80 | u8::from(opcode);
    match u8::try_from(length) {
        Ok(length @ ..126) => into.extend_from_slice(&[first, length]),
        _ => put_long_head(first, length, into),
    }
}

fn put_long_head(first: u8, length: usize, into: &mut Vec<u8>) {
    if let Ok(length) = u16::try_from(length) {
        into.extend_from_slice(&[first, 126]);
        into.extend_from_slice(&length.to_be_bytes());
    } else {
        into.extend_from_slice(&[first, 127]);
        into.extend_from_slice(&(length as u64).to_be_bytes());
    }
}

/// Unmasks blocks, for which the compiler has instructions, and then four bytes at a time.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let wide: [u8; 32] = array::from_fn(|at| mask[at % 4]);
    let (blocks, rest) = payload.as_chunks_mut::<32>();
    for block in blocks {
        for (byte, mask) in block.iter_mut().zip(wide) {
            *byte ^= mask;
        }
    }
    let (words, rest) = rest.as_chunks_mut::<4>();
    for word in words {
        *word = (u32::from_ne_bytes(*word) ^ u32::from_ne_bytes(mask)).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check_head(length: usize, expected: &[u8]) {
        let mut head = Vec::new();
        put_head(OpCode::Data(Data::Binary), length, &mut head);
        assert_eq!(head, expected);
    }

    #[test]
    fn a_length_takes_the_room_that_it_needs() {
        check_head(0, b"\x82\x00");
        check_head(125, b"\x82\x7d");
        check_head(126, b"\x82\x7e\x00\x7e");
        check_head(65_535, b"\x82\x7e\xff\xff");
        check_head(65_536, b"\x82\x7f\0\0\0\0\0\x01\0\0");
    }

    #[test]
    fn every_byte_is_unmasked() {
        for length in 0..140 {
            let mut payload: Vec<u8> = (0..length).collect();
            unmask(&mut payload, *b"mask");
            let expected: Vec<u8> = (0..length).map(|at| at ^ b"mask"[usize::from(at) % 4]).collect();
            assert_eq!(payload, expected);
        }
    }
}
