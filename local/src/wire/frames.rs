//! The frames of a WebSocket, parsed only for their ends and for the sizes of messages.

/// The longest head without a mask, in bytes: two bytes, and a length of eight.
const HEAD_MAX: usize = 10;

const CONTINUATION: u8 = 0;
const CLOSE: u8 = 8;

/// Parses the frames of one direction while their bytes pass.
#[derive(Debug)]
pub(crate) struct Meter {
    /// The largest message that passes, in bytes.
    most: usize,
    /// The part of the next frame's head that has passed.
    head: [u8; HEAD_MAX],
    head_length: usize,
    /// The bytes of the current frame that have not passed yet, with the mask.
    left: u64,
    /// The payload of the current message so far, over all frames.
    message: u64,
    /// Whether a close frame has passed.
    pub(crate) is_closing: bool,
    pub(crate) passed: Passed,
}

/// The traffic in one direction.
#[derive(Debug, Clone, Copy, Default, PartialEq, Eq)]
pub(crate) struct Passed {
    pub(crate) messages: u64,
    /// Payload bytes of the complete messages.
    pub(crate) bytes: u64,
}

impl Meter {
    /// For messages of at most so many bytes.
    pub(crate) fn new(most: usize) -> Self {
        Meter {
            most,
            head: [0; HEAD_MAX],
            head_length: 0,
            left: 0,
            message: 0,
            is_closing: false,
            passed: Passed::default(),
        }
    }

    /// Parses `bytes`, which are about to pass.
    ///
    /// # Errors
    ///
    /// A message, or a single frame, is larger than what passes. The value is the number of bytes before the
    /// frame.
    pub(crate) fn follow(&mut self, bytes: &[u8]) -> Result<(), usize> {
        let mut at = 0;
        loop {
            let rest = bytes.len() - at;
            match usize::try_from(self.left) {
                Ok(left) if left < rest => {
                    at += left;
                    self.left = 0;
                }
                _ => {
                    self.left -= rest as u64;
                    return Ok(());
                }
            }
            let start = at;
            while self.head_length < self.head_needed() {
                let Some(byte) = bytes.get(at) else { return Ok(()) };
                self.head[self.head_length] = *byte;
                self.head_length += 1;
                at += 1;
            }
            self.begin_frame().map_err(|TooLarge| start)?;
        }
    }

    /// Whether the last frame is complete, so that a frame of the gateway may follow.
    pub(crate) fn is_between_frames(&self) -> bool {
        self.left == 0 && self.head_length == 0
    }

    fn head_needed(&self) -> usize {
        match self.head[1] & 0x7f {
            _ if self.head_length < 2 => 2,
            126 => 4,
            127 => HEAD_MAX,
            _ => 2,
        }
    }

    /// Handles a complete head. The endpoints check the other bits.
    fn begin_frame(&mut self) -> Result<(), TooLarge> {
        let [first, second, ..] = self.head;
        let length = match second & 0x7f {
            126 | 127 => {
                let bytes = &self.head[2..self.head_length];
                bytes.iter().fold(0, |length, byte| length << 8 | u64::from(*byte))
            }
            length => u64::from(length),
        };
        let (is_last, opcode) = (first & 0x80 != 0, first & 0x0f);
        if opcode < CLOSE {
            let before = if opcode == CONTINUATION { self.message } else { 0 };
            self.message = before.saturating_add(length);
        }
        if length.max(self.message) > self.most as u64 {
            return Err(TooLarge);
        }
        if opcode < CLOSE {
            self.passed.bytes += length;
            if is_last {
                self.passed.messages += 1;
                self.message = 0;
            }
        }
        self.is_closing |= opcode == CLOSE;
        self.left = length + if second & 0x80 == 0 { 0 } else { 4 };
        self.head_length = 0;
        Ok(())
    }
}

struct TooLarge;

/// The receiver of a frame of the gateway.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum To {
    Client,
    /// Frames to the function are masked, as frames of a client are.
    Function,
}

/// Why the gateway closes a socket.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub(crate) enum Close {
    /// The other end goes away.
    GoingAway,
    MessageTooBig,
}

impl Close {
    /// The whole frame.
    pub(crate) fn frame(self, to: To) -> Vec<u8> {
        let (code, reason) = match self {
            Close::GoingAway => (1001_u16, "fc-local is stopping this instance"),
            Close::MessageTooBig => (1009, "a message may have 6 MiB"),
        };
        let payload = [&code.to_be_bytes(), reason.as_bytes()].concat();
        let length = u8::try_from(payload.len()).unwrap_or_default();
        let mut frame = vec![0x80 | CLOSE, length];
        if to == To::Function {
            // A mask protects proxies from text that a page chose. The gateway chose this text, so a mask of zeros is
            // enough.
            frame[1] |= 0x80;
            frame.extend([0; 4]);
        }
        frame.extend(payload);
        frame
    }
}

#[cfg(test)]
mod tests {
    use fc_runtime::platform::limits::WEBSOCKET_MESSAGE_MAX;

    use super::*;

    fn meter() -> Meter {
        Meter::new(WEBSOCKET_MESSAGE_MAX)
    }

    const MAX: u64 = WEBSOCKET_MESSAGE_MAX as u64;

    /// A head with a length of eight bytes.
    fn long(first: u8, length: u64) -> Vec<u8> {
        [&[first, 127], &length.to_be_bytes()[..]].concat()
    }

    /// Follows `bytes` in pieces of each possible size, always with the same outcome.
    #[track_caller]
    fn check(bytes: &[u8], messages: u64, payload: u64, is_between: bool) -> Meter {
        let mut last = meter();
        for size in 1..=bytes.len() {
            let mut meter = meter();
            for piece in bytes.chunks(size) {
                assert_eq!(meter.follow(piece), Ok(()), "in pieces of {size}");
            }
            assert_eq!(meter.passed, Passed { messages, bytes: payload }, "in pieces of {size}");
            assert_eq!(meter.is_between_frames(), is_between, "in pieces of {size}");
            last = meter;
        }
        last
    }

    #[test]
    fn messages_are_counted_whatever_pieces_they_come_in() {
        check(b"\x81\x03tea", 1, 3, true);
        check(b"\x82\x83maskabc\x82\x00\x82\x80mask", 3, 3, true);
        // Three frames of a message, with a ping in between.
        check(b"\x01\x02in\x89\x01?\x00\x02 a\x80\x03ll.", 1, 7, true);
        check(&[&b"\x82\x7e\x01\x00"[..], &[b'x'; 256], b"\x81\x01y"].concat(), 2, 257, true);
        check(&[&long(0x82, 300)[..], &[b'x'; 300]].concat(), 1, 300, true);
        assert!(!check(b"\x81\x03te", 1, 3, false).is_closing);
        check(b"\x81\xfe", 0, 0, false);
        assert!(check(b"\x81\x00\x88\x02\x03\xe8", 1, 0, true).is_closing);
    }

    /// The last frame of `bytes`, which begins at `at`, makes the message too large.
    #[track_caller]
    fn check_too_large(bytes: &[u8], at: usize) {
        assert_eq!(meter().follow(bytes), Err(at));
        // A frame that is too large by itself is refused once its head is complete.
        let mut meter = meter();
        let mut bytes = bytes.iter();
        assert!(bytes.any(|byte| meter.follow(&[*byte]).is_err()));
    }

    #[test]
    fn a_message_beyond_the_limit_is_seen_at_the_head_of_the_frame_that_makes_it_so() {
        assert_eq!(meter().follow(&long(0x82, MAX)), Ok(()));
        check_too_large(&long(0x82, MAX + 1), 0);
        check_too_large(&long(0x82, u64::MAX), 0);
        check_too_large(&[b"\x81\x03tea", &long(0x82, MAX + 1)[..]].concat(), 5);
        // Fragments, each of which is small enough.
        check_too_large(&[b"\x01\x02in\x89\x00", &long(0x80, MAX - 1)[..]].concat(), 6);
        // A frame that claims to be a ping.
        check_too_large(&long(0x89, MAX + 1), 0);
        // The count begins anew with the next message.
        let two = [b"\x81\x03tea", &long(0x82, MAX)[..]].concat();
        assert_eq!(meter().follow(&two), Ok(()));
        // Where no limit is known.
        assert_eq!(Meter::new(usize::MAX).follow(&long(0x82, MAX + 1)), Ok(()));
    }

    #[test]
    fn our_own_closes_are_whole_frames() {
        for close in [Close::GoingAway, Close::MessageTooBig] {
            for to in [To::Client, To::Function] {
                let frame = close.frame(to);
                assert_eq!(frame[1] & 0x80 != 0, to == To::Function);
                let mut meter = meter();
                assert_eq!(meter.follow(&frame), Ok(()));
                assert!(meter.is_closing && meter.is_between_frames(), "{close:?} {to:?}");
            }
        }
    }
}
