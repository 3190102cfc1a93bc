//! Large pieces of replies over HTTP/1, which are sent from where they are.
//!
//! hyper has one buffer for each connection. It copies heads and pieces into it and writes them at once, which is the
//! cheapest way for what is small. A large piece is not copied: hyper gets a [`WireData::Placeholder`] that has the
//! piece's length and one byte, and the writer of the socket puts the piece in the place of this byte. One piece is on its
//! way at a time, and the body gives nothing more until it has been sent.

use std::fmt;
use std::mem::take;
use std::sync::atomic::{AtomicU8, Ordering};
use std::sync::{Mutex, MutexGuard, PoisonError};

use bytes::{Buf, Bytes};

use crate::platform::limits::KIB;

/// The smallest piece that is not copied, in bytes. A smaller one is copied for less than the second address costs.
pub(crate) const BULK_MIN: usize = 16 * KIB;

/// The byte that stands for a piece. None of [`TAILS`] has it, so that its place is found from the end.
const MARK: u8 = b'*';

/// What hyper may have written behind a piece, while nothing else may follow: the end of a chunk, and with it that of the
/// body; nothing if the length is in the head, or the connection's end is that of the body.
const TAILS: [&[u8]; 3] = [b"\r\n", b"", b"\r\n0\r\n\r\n"];

/// The large piece that is on its way on one connection.
pub(crate) struct Bulk {
    state: AtomicU8,
    /// What is left of it.
    piece: Mutex<Bytes>,
}

/// The writer of this connection knows no placeholders.
const NEVER: u8 = 0;
const EMPTY: u8 = 1;
const FULL: u8 = 2;
/// Full, and the body was asked for the next piece in vain.
const WANTED: u8 = 3;

impl Bulk {
    /// From now on pieces may be put here: the writer of the socket looks for them.
    pub(crate) fn enable(&self) {
        self.state.store(EMPTY, Ordering::Relaxed);
    }

    pub(crate) fn is_enabled(&self) -> bool {
        self.state.load(Ordering::Relaxed) != NEVER
    }

    /// Whether a piece has to be sent in the place of its placeholder.
    pub(crate) fn is_full(&self) -> bool {
        self.state.load(Ordering::Relaxed) >= FULL
    }

    /// Whether the body has to wait. Its task is woken when the piece has been sent.
    pub(crate) fn is_in_the_way(&self) -> bool {
        let is_full = self.is_full();
        if is_full {
            self.state.store(WANTED, Ordering::Relaxed);
        }
        is_full
    }

    /// Gives what hyper gets for a piece. A piece for which the writer has no place yet, or that is small, goes through
    /// hyper's buffer.
    pub(crate) fn put(&self, piece: Bytes) -> WireData {
        if piece.len() < BULK_MIN || self.state.load(Ordering::Relaxed) != EMPTY {
            return WireData::Piece(piece);
        }
        let length = piece.len();
        *self.piece() = piece;
        self.state.store(FULL, Ordering::Relaxed);
        WireData::Placeholder { length }
    }

    /// What is left of the piece.
    pub(crate) fn piece(&self) -> MutexGuard<'_, Bytes> {
        self.piece.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Ends a piece that was sent, or that nobody will send any more. True if the body waits.
    pub(crate) fn clear(&self) -> bool {
        let before = match self.state.load(Ordering::Relaxed) {
            NEVER => NEVER,
            _ => self.state.swap(EMPTY, Ordering::Relaxed),
        };
        let piece = take(&mut *self.piece());
        // Without the lock, since the memory may be a type of the author's.
        drop(piece);
        before == WANTED
    }
}

impl Default for Bulk {
    fn default() -> Self {
        Self { state: AtomicU8::new(NEVER), piece: Mutex::default() }
    }
}

impl fmt::Debug for Bulk {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_struct("Bulk").field("is_full", &self.is_full()).finish_non_exhaustive()
    }
}

/// What a reply's body gives to its connection.
#[derive(Debug)]
pub(crate) enum WireData {
    Piece(Bytes),
    /// Says the length of the piece that waits in [`Bulk`], and gives one byte for it.
    Placeholder {
        length: usize,
    },
}

impl WireData {
    /// What stands before and behind the placeholder, in the bytes that hyper has for the socket. `None` if there is no
    /// placeholder.
    pub(crate) fn around(bytes: &[u8]) -> Option<(&[u8], &[u8])> {
        TAILS.iter().find_map(|tail| {
            let before = bytes.strip_suffix(*tail)?.strip_suffix(&[MARK])?;
            Some((before, &bytes[before.len() + 1..]))
        })
    }
}

#[cfg(any(test, feature = "testing", feature = "tower"))]
impl WireData {
    /// For who is no connection, and gets no placeholders.
    pub(crate) fn into_bytes(self) -> Bytes {
        match self {
            Self::Piece(piece) => piece,
            Self::Placeholder { .. } => Bytes::from_static(&[MARK]),
        }
    }
}

impl Buf for WireData {
    #[inline]
    fn remaining(&self) -> usize {
        match self {
            Self::Piece(piece) => piece.len(),
            Self::Placeholder { length } => *length,
        }
    }

    #[inline]
    fn chunk(&self) -> &[u8] {
        match self {
            Self::Piece(piece) => piece,
            Self::Placeholder { length: 0 } => &[],
            Self::Placeholder { .. } => &[MARK],
        }
    }

    #[inline]
    fn advance(&mut self, count: usize) {
        match self {
            Self::Piece(piece) => piece.advance(count),
            // The one byte stands for all.
            Self::Placeholder { length } => *length = 0,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[track_caller]
    fn check(bytes: &[u8], around: Option<(&str, &str)>) {
        let around = around.map(|(before, behind)| (before.as_bytes(), behind.as_bytes()));
        assert_eq!(WireData::around(bytes), around, "{:?}", String::from_utf8_lossy(bytes));
    }

    #[test]
    fn a_placeholder_is_found_before_what_may_follow() {
        check(b"4000\r\n*\r\n", Some(("4000\r\n", "\r\n")));
        check(b"*\r\n0\r\n\r\n", Some(("", "\r\n0\r\n\r\n")));
        check(b"a: *\r\n\r\n*", Some(("a: *\r\n\r\n", "")));
        check(b"*", Some(("", "")));
        check(b"**\r\n", Some(("*", "\r\n")));
        check(b"\r\n", None);
        check(b"*\r\n0\r\n", None);
        check(b"", None);
    }

    #[test]
    fn one_piece_is_on_its_way_at_a_time() {
        let large = Bytes::from(vec![b'x'; BULK_MIN]);
        let bulk = Bulk::default();
        assert!(matches!(bulk.put(large.clone()), WireData::Piece(_)), "nobody would send it");
        bulk.enable();
        assert!(matches!(bulk.put(large.slice(1..)), WireData::Piece(_)), "it is small");
        assert!(!bulk.is_in_the_way());
        let mut placeholder = bulk.put(large.clone());
        assert_eq!((placeholder.remaining(), placeholder.chunk()), (BULK_MIN, &[MARK][..]));
        placeholder.advance(1);
        assert_eq!((placeholder.remaining(), placeholder.chunk()), (0, &[][..]));
        assert!(bulk.is_full() && bulk.is_in_the_way());
        assert!(matches!(bulk.put(large.clone()), WireData::Piece(_)), "one is before it");
        assert!(bulk.clear(), "the body waits");
        assert!(!bulk.is_full() && bulk.piece().is_empty());
        let _ = bulk.put(large);
        assert!(!bulk.clear(), "nobody has asked for more");
    }
}
