//! The form of the log: JSON lines for machines, or text on a terminal.

use std::sync::atomic::{AtomicU8, Ordering};

use crate::log::sink;

const JSON: u8 = 0;
const TEXT: u8 = 1;
const COLOURS: u8 = 2;

/// Set once, before the first line.
static FORMAT: AtomicU8 = AtomicU8::new(JSON);

/// Chooses the form: as `FC_LOG_FORMAT` says, else text if stdout is a terminal. Gives a sentence if the setting is wrong.
///
/// Colours are for terminals, unless `NO_COLOR` is set.
pub(crate) fn choose(setting: Option<&str>, no_colour: bool) -> Option<String> {
    let is_terminal = sink::is_terminal();
    let text = if is_terminal && !no_colour { COLOURS } else { TEXT };
    let (format, wrong) = match setting {
        Some("json") => (JSON, None),
        Some("text") => (text, None),
        other => {
            let wrong = other.map(|word| format!("FC_LOG_FORMAT is {word:?}: it has to be json or text"));
            (if is_terminal { text } else { JSON }, wrong)
        }
    };
    FORMAT.store(format, Ordering::Relaxed);
    wrong
}

pub(crate) fn is_text() -> bool {
    FORMAT.load(Ordering::Relaxed) != JSON
}

pub(crate) fn has_colours() -> bool {
    FORMAT.load(Ordering::Relaxed) == COLOURS
}
