//! Where one message ends and the next begins, in bytes as they pass: the engine keeps that to itself.

/// Follows the frames of a client, which are masked or break the protocol.
#[derive(Default)]
pub(super) struct Boundary {
    head: Head,
    /// Of the payload of the frame that has begun.
    left: u64,
    /// Whether a message in fragments has begun.
    is_open: bool,
    largest: u64,
}

/// The longest head: two bytes, eight of a length, four of a mask.
const HEAD_MAX: usize = 14;

#[derive(Default)]
struct Head {
    bytes: [u8; HEAD_MAX],
    length: usize,
}

impl Head {
    /// Takes one byte in; whether the head is complete.
    fn push(&mut self, byte: u8) -> bool {
        self.bytes[self.length] = byte;
        self.length += 1;
        self.length >= 2 && self.length == 2 + self.extension() + self.mask()
    }

    fn extension(&self) -> usize {
        match self.bytes[1] & 0x7f {
            126 => 2,
            127 => 8,
            _ => 0,
        }
    }

    fn mask(&self) -> usize {
        if self.bytes[1] & 0x80 == 0 { 0 } else { 4 }
    }

    fn payload(&self) -> u64 {
        match self.extension() {
            0 => u64::from(self.bytes[1] & 0x7f),
            extension => {
                self.bytes[2..2 + extension].iter().fold(0, |length, byte| length << 8 | u64::from(*byte))
            }
        }
    }

    fn is_final(&self) -> bool {
        self.bytes[0] & 0x80 != 0
    }

    fn is_data(&self) -> bool {
        self.bytes[0] & 0x08 == 0
    }
}

impl Boundary {
    pub(super) fn pass(&mut self, mut bytes: &[u8]) {
        loop {
            let skipped = self.left.min(bytes.len() as u64);
            self.left -= skipped;
            bytes = &bytes[usize::try_from(skipped).unwrap_or(bytes.len())..];
            let Some((byte, rest)) = bytes.split_first() else { return };
            bytes = rest;
            if self.head.push(*byte) {
                self.left = self.head.payload();
                self.largest = self.largest.max(self.left.saturating_add(self.head.length as u64));
                if self.head.is_data() {
                    self.is_open = !self.head.is_final();
                }
                self.head.length = 0;
            }
        }
    }

    pub(super) fn is_between_messages(&self) -> bool {
        self.left == 0 && self.head.length == 0 && !self.is_open
    }

    /// The largest frame so far, with its head.
    pub(super) fn largest(&self) -> usize {
        usize::try_from(self.largest).unwrap_or(usize::MAX)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Whatever the pieces are, the boundaries are the same.
    #[track_caller]
    fn check(bytes: &[u8], between: bool, largest: usize) {
        for piece in [1, 2, 3, bytes.len()] {
            let mut boundary = Boundary::default();
            for piece in bytes.chunks(piece) {
                boundary.pass(piece);
            }
            assert_eq!((boundary.is_between_messages(), boundary.largest()), (between, largest), "{piece}");
        }
    }

    #[test]
    fn frames_are_followed() {
        check(b"\x81\x83mask123", true, 9);
        check(b"\x81\x83mask12", false, 9);
        check(b"\x81", false, 0);
        check(b"\x81\x83mask123\x81\x80mask", true, 9);
        // A fragment, a ping in between, and the end.
        check(b"\x01\x81maska", false, 7);
        check(b"\x01\x81maska\x89\x80mask", false, 7);
        check(b"\x01\x81maska\x89\x80mask\x80\x81maskb", true, 7);
        check(&[b"\x82\xfe\x01\x00mask".as_slice(), &[0; 256]].concat(), true, 264);
        check(&[b"\x82\xff\0\0\0\0\0\x01\0\0mask".as_slice(), &vec![0; 65_536]].concat(), true, 65_550);
    }
}
