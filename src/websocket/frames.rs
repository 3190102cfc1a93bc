//! Frames out of a wire that does not block: read where there is room, unmasked where they lie.

use std::io::Cursor;
use std::pin::pin;
use std::task::{Context, Poll, ready};

use bytes::{Buf, BytesMut};
use tokio::io::AsyncReadExt;
use tokio_tungstenite::tungstenite::error::{Error, ProtocolError};
use tokio_tungstenite::tungstenite::protocol::frame::FrameHeader;
use tokio_tungstenite::tungstenite::protocol::frame::coding::{Control, OpCode};

use crate::exchange::Wire;
use crate::platform::limits::KIB;

/// One frame of a client.
pub(super) struct Frame {
    pub(super) opcode: OpCode,
    pub(super) is_final: bool,
    pub(super) payload: BytesMut,
}

/// Why there are no more.
pub(super) enum Fault {
    /// The client is gone.
    Gone,
    Protocol(ProtocolError),
    TooLarge,
}

/// The room that is made for what comes next. Most messages are small, and most sockets are idle.
const SMALL: usize = 2 * KIB;

/// With less room than this left, more is made.
const ROOM_MIN: usize = KIB / 2;

/// The most room that is made before the bytes for it have come.
const LARGE: usize = 64 * KIB;

/// The most that a control frame carries.
const CONTROL_MAX: u64 = 125;

#[derive(Default)]
pub(super) struct Frames {
    input: BytesMut,
    /// Of the frame whose payload has not come whole.
    head: Option<Head>,
    /// Whether something came since somebody asked.
    pub(super) moved: bool,
}

#[derive(Clone, Copy)]
struct Head {
    opcode: OpCode,
    is_final: bool,
    mask: [u8; 4],
    length: usize,
}

impl Frames {
    /// `ahead`: what was read together with the handshake.
    pub(super) fn new(ahead: &[u8]) -> Self {
        Self { input: BytesMut::from(ahead), head: None, moved: false }
    }

    /// The next frame; `most` is what the payload of one with data may have.
    pub(super) fn poll_next(
        &mut self,
        wire: &mut dyn Wire,
        cx: &mut Context<'_>,
        most: usize,
    ) -> Poll<Result<Frame, Fault>> {
        loop {
            if self.head.is_none() {
                self.head = self.read_head(most)?;
            }
            if let Some(head) = self.head.take_if(|head| head.length <= self.input.len()) {
                return Poll::Ready(Ok(self.take(head)));
            }
            if !ready!(self.poll_fill(wire, cx)) {
                return Poll::Ready(Err(Fault::Gone));
            }
        }
    }

    /// Gives memory back, if nothing is in it.
    pub(super) fn shrink(&mut self) {
        if self.input.is_empty() {
            self.input = BytesMut::new();
        }
    }

    /// `None` when it has not come whole.
    fn read_head(&mut self, most: usize) -> Result<Option<Head>, Fault> {
        let mut cursor = Cursor::new(&self.input[..]);
        let (header, length) = match FrameHeader::parse(&mut cursor) {
            Ok(Some(parsed)) => parsed,
            Ok(None) => return Ok(None),
            Err(Error::Protocol(error)) => return Err(Fault::Protocol(error)),
            // Reading from memory fails in no other way.
            Err(_) => return Err(Fault::Gone),
        };
        let end = usize::try_from(cursor.position()).unwrap_or(usize::MAX);
        if header.rsv1 || header.rsv2 || header.rsv3 {
            return Err(Fault::Protocol(ProtocolError::NonZeroReservedBits));
        }
        let Some(mask) = header.mask else {
            return Err(Fault::Protocol(ProtocolError::UnmaskedFrameFromClient));
        };
        if is_control(header.opcode) {
            if !header.is_final {
                return Err(Fault::Protocol(ProtocolError::FragmentedControlFrame));
            }
            if length > CONTROL_MAX {
                return Err(Fault::Protocol(ProtocolError::ControlFrameTooBig));
            }
        }
        let length = usize::try_from(length).unwrap_or(usize::MAX);
        if length > most && !is_control(header.opcode) {
            return Err(Fault::TooLarge);
        }
        self.input.advance(end);
        Ok(Some(Head { opcode: header.opcode, is_final: header.is_final, mask, length }))
    }

    fn take(&mut self, head: Head) -> Frame {
        let Head { opcode, is_final, mask, length } = head;
        let mut payload = self.input.split_to(length);
        if length > LARGE {
            // Its memory goes with it: what stands behind it moves.
            self.input = BytesMut::from(&self.input[..]);
        }
        unmask(&mut payload, mask);
        Frame { opcode, is_final, payload }
    }

    /// Reads what there is, into room for all that is missing. Whether the wire goes on.
    fn poll_fill(&mut self, wire: &mut dyn Wire, cx: &mut Context<'_>) -> Poll<bool> {
        let missing = self.head.as_ref().map_or(0, |head| head.length - self.input.len());
        let room = self.input.capacity() - self.input.len();
        if room < missing.clamp(ROOM_MIN, LARGE) {
            self.input.reserve(missing.clamp(SMALL, LARGE));
        }
        // It holds nothing of its own, so that one that was not ready can be dropped.
        let read = ready!(pin!(wire.read_buf(&mut self.input)).poll(cx));
        self.moved |= read.as_ref().is_ok_and(|length| *length > 0);
        Poll::Ready(matches!(read, Ok(1..)))
    }
}

fn is_control(opcode: OpCode) -> bool {
    matches!(opcode, OpCode::Control(Control::Close | Control::Ping | Control::Pong | Control::Reserved(_)))
}

/// Eight bytes at a time, which the compiler makes more of.
fn unmask(payload: &mut [u8], mask: [u8; 4]) {
    let [a, b, c, d] = mask;
    let wide = u64::from_ne_bytes([a, b, c, d, a, b, c, d]);
    let (words, rest) = payload.as_chunks_mut::<8>();
    for word in words {
        *word = (u64::from_ne_bytes(*word) ^ wide).to_ne_bytes();
    }
    for (byte, mask) in rest.iter_mut().zip(mask.iter().cycle()) {
        *byte ^= mask;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn every_byte_is_unmasked() {
        for length in 0..40 {
            let mut payload: Vec<u8> = (0..length).collect();
            unmask(&mut payload, *b"mask");
            let expected: Vec<u8> = (0..length).map(|at| at ^ b"mask"[usize::from(at) % 4]).collect();
            assert_eq!(payload, expected);
        }
    }
}
