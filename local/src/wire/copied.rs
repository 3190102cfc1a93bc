//! The begin of a body that passes, for who looks at it later. The body itself is neither held back nor changed.

use std::sync::{Arc, Mutex, MutexGuard, PoisonError};

/// A bounded copy. Clones are the same one: the body fills it, and its reader takes it.
#[derive(Debug, Clone)]
pub(crate) struct Copied(Arc<Mutex<State>>);

#[derive(Debug)]
struct State {
    /// A copy: the frames of a body share the read buffer of their connection, and would keep it.
    bytes: Vec<u8>,
    most: usize,
    total: u64,
    has_ended: bool,
}

impl Copied {
    /// A copy of at most `most` bytes.
    pub(crate) fn new(most: usize) -> Self {
        Copied(Arc::new(Mutex::new(State { bytes: Vec::new(), most, total: 0, has_ended: false })))
    }

    pub(crate) fn push(&self, data: &[u8]) {
        let mut state = self.lock();
        let room = state.most - state.bytes.len();
        state.bytes.extend_from_slice(&data[..data.len().min(room)]);
        state.total += data.len() as u64;
    }

    /// Keeps no bytes: the rest of the body is counted alone.
    pub(crate) fn keep_nothing(&self) {
        let mut state = self.lock();
        (state.bytes, state.most) = (Vec::new(), 0);
    }

    /// The body has come to its end.
    pub(crate) fn end(&self) {
        self.lock().has_ended = true;
    }

    /// The bytes, the length of the whole so far, and whether it has ended. The copy begins anew.
    pub(crate) fn take(&self) -> (Vec<u8>, u64, bool) {
        let mut state = self.lock();
        (std::mem::take(&mut state.bytes), state.total, state.has_ended)
    }

    /// The same, and the copy goes on.
    pub(crate) fn peek(&self) -> (Vec<u8>, u64, bool) {
        let state = self.lock();
        (state.bytes.clone(), state.total, state.has_ended)
    }

    /// The length of the whole so far.
    pub(crate) fn total(&self) -> u64 {
        self.lock().total
    }

    fn lock(&self) -> MutexGuard<'_, State> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_begin_is_kept_and_the_rest_is_counted() {
        let copied = Copied::new(5);
        copied.push(b"abc");
        assert_eq!(copied.peek(), (b"abc".to_vec(), 3, false));
        copied.push(b"defgh");
        copied.push(b"i");
        copied.end();
        assert_eq!(copied.take(), (b"abcde".to_vec(), 9, true));
        let copied = Copied::new(5);
        copied.push(b"abc");
        copied.keep_nothing();
        copied.push(b"def");
        assert_eq!(copied.peek(), (Vec::new(), 6, false));
    }
}
