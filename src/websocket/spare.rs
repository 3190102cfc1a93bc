//! Buffers for reading, which sockets that idle give up and those that read take again.
//!
//! An idle socket holds no buffer, and a thread reads for all its sockets into memory that it has just used. What was
//! read stays in the buffer's memory until the message is dropped, so small messages have a buffer of their own: one
//! that is kept for long keeps no large buffer.

use std::cell::Cell;

use bytes::BytesMut;

thread_local! {
    /// Empty, and without memory while a socket has the buffer.
    static SMALL: Cell<BytesMut> = Cell::new(BytesMut::new());
    static LARGE: Cell<BytesMut> = Cell::new(BytesMut::new());
}

/// Takes the buffer that the thread keeps, in place of one without memory.
#[allow(clippy::inline_always, reason = "every message does it")]
#[inline(always)]
pub(super) fn take(into: &mut BytesMut, is_large: bool) {
    debug_assert_eq!(into.capacity(), 0, "a buffer with memory of its own would be lost");
    swap(into, is_large);
}

/// Keeps an empty buffer for the next socket of this thread that reads.
#[allow(clippy::inline_always, reason = "every message does it")]
#[inline(always)]
pub(super) fn keep(buffer: &mut BytesMut, is_large: bool) {
    debug_assert!(buffer.is_empty(), "bytes of a client would be lost");
    swap(buffer, is_large);
    // Another socket has given one up meanwhile.
    if buffer.capacity() > 0 {
        *buffer = BytesMut::new();
    }
}

#[allow(clippy::inline_always, reason = "every message does it, twice")]
#[inline(always)]
fn swap(buffer: &mut BytesMut, is_large: bool) {
    let kept = if is_large { &LARGE } else { &SMALL };
    // `try_with`: a socket may be polled while the thread's locals are being destroyed.
    let _ = kept.try_with(|kept| kept.swap(Cell::from_mut(buffer)));
}
