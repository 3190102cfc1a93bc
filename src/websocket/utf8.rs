//! Checks UTF-8 that comes in pieces. Refuses the first byte that no later byte can complete.

use std::str::from_utf8;

/// The state of the check between two pieces.
#[derive(Default)]
pub(super) struct Utf8 {
    /// The first bytes of an incomplete character.
    begun: [u8; 4],
    length: usize,
}

impl Utf8 {
    /// Checks the next piece. False if the text cannot become valid any more.
    pub(super) fn push(&mut self, mut piece: &[u8]) -> bool {
        while self.length > 0 {
            let Some((&byte, rest)) = piece.split_first() else { return true };
            piece = rest;
            self.begun[self.length] = byte;
            self.length += 1;
            match from_utf8(&self.begun[..self.length]) {
                Ok(_) => self.length = 0,
                Err(error) if error.error_len().is_some() => return false,
                Err(_) => {}
            }
        }
        match from_utf8(piece) {
            Ok(_) => true,
            Err(error) if error.error_len().is_some() => false,
            Err(error) => {
                let begun = &piece[error.valid_up_to()..];
                self.begun[..begun.len()].copy_from_slice(begun);
                self.length = begun.len();
                true
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Checks the text byte by byte. `expected` is the index of the byte that makes it invalid.
    #[track_caller]
    fn check(text: &[u8], expected: Option<usize>) {
        let mut utf8 = Utf8::default();
        let broken = text.chunks(1).position(|byte| !utf8.push(byte));
        assert_eq!(broken, expected, "{text:x?} byte by byte");
        for cut in 0..=text.len() {
            let mut utf8 = Utf8::default();
            let (first, second) = text.split_at(cut);
            let is_good = utf8.push(first) && utf8.push(second);
            assert_eq!(is_good, expected.is_none(), "{text:x?} cut at {cut}");
        }
    }

    #[test]
    fn the_byte_that_breaks_a_text_is_found() {
        check("κόσμε, €, 𤭢".as_bytes(), None);
        check(b"\xed\x9f\xbf\xee\x80\x80\xf4\x8f\xbf\xbf", None);
        check(b"tea\x80", Some(3));
        check(b"\xc0\xaf", Some(0));
        check(b"\xe0\x80\x80", Some(1));
        check(b"\xed\xa0\x80", Some(1));
        check(b"\xf4\x90\x80\x80", Some(1));
        check(b"\xf8\x88\x80\x80\x80", Some(0));
        check(b"\xe2\x82 ", Some(2));
        // An incomplete character may still be completed.
        check(b"\xf0\x90\x80", None);
    }
}
