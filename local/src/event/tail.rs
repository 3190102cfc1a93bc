//! The end of a call's log, for a caller that asks for it.

use std::sync::{Arc, Mutex, PoisonError};

use fc_runtime::platform::limits::KIB;

/// The most of a call's log that a caller gets, in bytes.
const TAIL: usize = 4 * KIB;

/// The log of one request while it runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail(Arc<Mutex<String>>);

impl Tail {
    pub(crate) fn push(&self, line: &str) {
        let mut text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
        if text.len() > 2 * TAIL {
            let from = cut(&text);
            text.drain(..from);
        }
    }

    /// The last 4 KiB.
    pub(crate) fn text(&self) -> String {
        let text = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        text[cut(&text)..].to_owned()
    }
}

/// Where the last 4 KiB of `text` begin.
fn cut(text: &str) -> usize {
    let mut from = text.len().saturating_sub(TAIL);
    while !text.is_char_boundary(from) {
        from += 1;
    }
    from
}
