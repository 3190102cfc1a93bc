//! Lines for people, on a terminal.

use std::io::Write as _;

use crate::log::current::Tagged;
use crate::log::{Level, current, format, sink, stamp};

pub(crate) use crate::log::format::is_text as is_used;

/// Writes one event, whatever its length. `fields` are ` name=value` each.
pub(crate) fn line(level: Level, target: &str, text: &str, fields: &[u8]) {
    current::with(|tag| {
        sink::write(|out| {
            begin(out, level);
            if target != "fc_runtime" {
                let _ = write!(out, "{target}: ");
            }
            out.extend_from_slice(visible(text).as_bytes());
            out.extend_from_slice(visible(&String::from_utf8_lossy(fields)).as_bytes());
            end(out, tag.map(Tagged::request_id));
        });
    });
}

/// Begins a line: the time of day and the level.
pub(crate) fn begin(out: &mut Vec<u8>, level: Level) {
    let at = out.len();
    stamp(out);
    // The date says nothing to somebody who watches.
    out.drain(at..at + "2026-11-21T".len());
    out.pop();
    let colour = match level {
        Level::Error => "31",
        Level::Warn => "33",
        Level::Info => "32",
        #[cfg(feature = "log")]
        Level::Debug | Level::Trace => "2",
    };
    let _ = if format::has_colours() {
        write!(out, " \x1b[{colour}m{:5}\x1b[0m ", level.name())
    } else {
        write!(out, " {:5} ", level.name())
    };
}

/// Ends a line with the request's id.
pub(crate) fn end(out: &mut Vec<u8>, id: Option<&str>) {
    if let Some(id) = id {
        let _ = if format::has_colours() { write!(out, " \x1b[2m{id}\x1b[0m") } else { write!(out, " {id}") };
    }
    out.push(b'\n');
}

/// Text without control characters, with which a client could steer the terminal.
pub(crate) fn visible(text: &str) -> std::borrow::Cow<'_, str> {
    if text.chars().any(is_steering) {
        text.chars()
            .map(|c| if is_steering(c) { char::REPLACEMENT_CHARACTER } else { c })
            .collect::<String>()
            .into()
    } else {
        text.into()
    }
}

fn is_steering(c: char) -> bool {
    c.is_control() && !matches!(c, '\n' | '\t')
}
