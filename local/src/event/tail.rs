//! The end of a call's log, for a caller that asks for it.

use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};

use fc_runtime::platform::limits::KIB;

/// The most of a call's log that a caller gets, in bytes.
const TAIL: usize = 4 * KIB;

/// The log of one request while it runs.
#[derive(Debug, Clone, Default)]
pub(crate) struct Tail(Arc<State>);

#[derive(Debug, Default)]
struct State {
    text: Mutex<String>,
    keeps_marks: AtomicBool,
}

impl Tail {
    pub(crate) fn push(&self, line: &str) {
        let mut text = self.0.text.lock().unwrap_or_else(PoisonError::into_inner);
        text.push_str(line);
        text.push('\n');
        if text.len() > 2 * TAIL {
            let from = cut(&text);
            text.drain(..from);
        }
    }

    /// Keeps the lines by which the program itself marks the begin and the end of the call. Otherwise fc-local's own lines
    /// stand for them.
    pub(crate) fn keep_marks(&self) {
        self.0.keeps_marks.store(true, Ordering::Relaxed);
    }

    pub(crate) fn keeps_marks(&self) -> bool {
        self.0.keeps_marks.load(Ordering::Relaxed)
    }

    /// The last 4 KiB.
    pub(crate) fn text(&self) -> String {
        let text = self.0.text.lock().unwrap_or_else(PoisonError::into_inner);
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
