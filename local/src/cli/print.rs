//! How events look on a terminal, or as JSON lines.

use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use serde_json::{Map, Value, json};
use tokio::sync::oneshot;

use super::{Colour, time};
use crate::{Event, Events, Kind};

/// How many events are written at once.
const BATCH: usize = 512;

/// How long events are gathered; nobody sees a line that much later.
const GATHER: Duration = Duration::from_millis(10);

/// How long the last lines may take to be written; a terminal that stands still must not keep us.
const FINISH_MAX: Duration = Duration::from_secs(2);

/// One line to the standard output.
#[expect(clippy::print_stdout, reason = "this module is where printing lives")]
pub(super) fn say(text: &str) {
    println!("{text}");
}

/// One line to the standard error.
#[expect(clippy::print_stderr, reason = "this module is where printing lives")]
pub(super) fn complain(text: &str) {
    eprintln!("{text}");
}

/// How lines are written.
#[derive(Debug, Clone, Copy)]
pub(super) enum Style {
    Json,
    Plain,
    Coloured,
}

impl Style {
    pub(super) fn new(json: bool, colour: Colour, out: &impl IsTerminal) -> Self {
        let is_coloured = match colour {
            Colour::Always => true,
            Colour::Never => false,
            Colour::Auto => out.is_terminal() && std::env::var_os("NO_COLOR").is_none(),
        };
        match (json, is_coloured) {
            (true, _) => Style::Json,
            (false, true) => Style::Coloured,
            (false, false) => Style::Plain,
        }
    }
}

/// Writes events on a thread of its own, so that a terminal that stands still holds up nothing else.
pub(super) struct Printer {
    done: oneshot::Receiver<()>,
}

impl Printer {
    pub(super) fn start(mut events: Events, mut out: Box<dyn Write + Send>, style: Style) -> Self {
        let (finished, done) = oneshot::channel();
        std::thread::spawn(move || {
            let mut batch = Vec::with_capacity(BATCH);
            let mut text = String::new();
            while events.wait(&mut batch, BATCH) > 0 {
                pause();
                events.take(&mut batch, BATCH);
                text.clear();
                for event in batch.drain(..) {
                    line(&event, style, &mut text);
                }
                let dropped = events.take_dropped();
                if dropped > 0 {
                    complain(&format!("{dropped} lines are not shown: the output is too slow"));
                }
                // Where nobody reads any more there is nothing to do but to go on serving.
                drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
            }
            // Whoever waited may have given up.
            _ = finished.send(());
        });
        Printer { done }
    }

    /// Waits for the last line. Every [`Log`](crate::Log) must be gone by then.
    pub(super) async fn finish(self) {
        _ = tokio::time::timeout(FINISH_MAX, self.done).await;
    }
}

/// Gathers what comes right after an event: one write for many lines.
#[expect(clippy::disallowed_methods, reason = "the printer's thread has nothing else to do")]
fn pause() {
    std::thread::sleep(GATHER);
}

fn line(event: &Event, style: Style, out: &mut String) {
    match style {
        Style::Json => json_line(event, out),
        Style::Plain => text_line(event, false, out),
        Style::Coloured => text_line(event, true, out),
    }
}

fn json_line(event: &Event, out: &mut String) {
    let mut fields = Map::new();
    fields.insert("time".to_owned(), time::utc(event.time).into());
    for (name, value) in
        [("function", &event.function), ("instance", &event.instance), ("request", &event.request)]
    {
        if let Some(value) = value {
            fields.insert(name.to_owned(), Value::from(&**value));
        }
    }
    let (kind, rest) = match &event.kind {
        Kind::Stdout(text) => ("stdout", json!({ "text": text })),
        Kind::Stderr(text) => ("stderr", json!({ "text": text })),
        Kind::Build(text) => ("build", json!({ "text": text })),
        Kind::Info(text) => ("info", json!({ "text": text })),
        Kind::Warning(text) => ("warning", json!({ "text": text })),
        Kind::Error(text) => ("error", json!({ "text": text })),
        Kind::Request(record) => (
            "request",
            json!({
                "method": record.method, "path": record.path, "status": record.status,
                "ms": record.duration.as_secs_f64() * 1000.0, "cold": record.is_cold,
            }),
        ),
        Kind::Ready(address) => (
            "ready",
            json!({ "url": address.host_url, "portUrl": address.port_url, "trigger": address.has_trigger }),
        ),
    };
    fields.insert("kind".to_owned(), kind.into());
    if let Value::Object(rest) = rest {
        fields.extend(rest);
    }
    // JSON asks for escapes below U+0020 only. What steers a terminal stands in texts alone, and none of it is
    // beyond U+FFFF.
    for c in Value::Object(fields).to_string().chars() {
        if steers(c) {
            // Writing into a string cannot fail.
            _ = write!(out, "\\u{:04x}", u32::from(c));
        } else {
            out.push(c);
        }
    }
    out.push('\n');
}

const RESET: &str = "\x1b[0m";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const GREEN: &str = "\x1b[32m";

/// Colours that tell functions apart.
const FUNCTIONS: [&str; 5] = ["\x1b[36m", "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[95m"];

fn text_line(event: &Event, is_coloured: bool, out: &mut String) {
    let paint = |colour: &'static str| if is_coloured { colour } else { "" };
    let reset = paint(RESET);
    let clock = time::utc(event.time);
    // The time of day; the date does not change often enough to be worth its width.
    _ = write!(out, "{}{}{reset}", paint(DIM), &clock[11..23]);
    if let Some(function) = &event.function {
        let sum: usize = function.bytes().map(usize::from).sum();
        _ = write!(out, " {}{}{reset}", paint(FUNCTIONS[sum % FUNCTIONS.len()]), neutral(function));
    }
    if let Some(instance) = &event.instance {
        _ = write!(out, " {}{}{reset}", paint(DIM), tail(instance, 6));
    }
    if let Some(request) = &event.request {
        _ = write!(out, " {}{request}{reset}", paint(DIM));
    }
    let (colour, text) = match &event.kind {
        Kind::Stdout(text) => ("", format!("| {}", neutral(text))),
        Kind::Stderr(text) => ("", format!("! {}", neutral(text))),
        Kind::Build(text) => (DIM, format!("> {}", neutral(text))),
        Kind::Info(text) => ("", neutral(text)),
        Kind::Warning(text) => (YELLOW, format!("warning: {}", neutral(text))),
        Kind::Error(text) => (RED, neutral(text)),
        Kind::Request(record) => (
            if record.status < 400 {
                GREEN
            } else if record.status < 500 {
                YELLOW
            } else {
                RED
            },
            format!(
                "{} {} {} {:.1} ms{}",
                neutral(&record.method),
                neutral(&record.path),
                record.status,
                record.duration.as_secs_f64() * 1000.0,
                if record.is_cold { " cold" } else { "" }
            ),
        ),
        Kind::Ready(address) if address.has_trigger => {
            (GREEN, format!("{}  {}", address.host_url, address.port_url))
        }
        Kind::Ready(address) => {
            (GREEN, format!("ready for events: fc-local invoke {}", neutral(&address.function)))
        }
    };
    _ = writeln!(out, " {}{text}{reset}", paint(colour));
}

fn tail(text: &str, length: usize) -> &str {
    text.get(text.len().saturating_sub(length)..).unwrap_or(text)
}

fn steers(c: char) -> bool {
    c.is_control() && c != '\t' && c != '\n'
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` without anything that steers a terminal: a function must not repaint what others wrote.
pub(super) fn neutral(text: &str) -> String {
    if !text.contains(steers) {
        return text.to_owned();
    }
    text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if steers(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_function_cannot_steer_the_terminal() {
        assert_eq!(neutral("a\tb"), "a\tb");
        assert_eq!(neutral("\x1b[2J\x07x\u{9b}1m\u{202e}"), "\\u{1b}[2J\\u{7}x\\u{9b}1m\\u{202e}");
    }

    #[test]
    fn a_json_line_cannot_steer_the_terminal_either() {
        let (log, mut events) = crate::Log::new();
        log.info(&crate::log::Source::default(), "a\x1b\x7f\u{9b}\u{202e}é");
        let mut event = Vec::new();
        events.take(&mut event, 1);
        let mut out = String::new();
        json_line(&event[0], &mut out);
        assert!(out.contains("a\\u001b\\u007f\\u009b\\u202eé"), "{out}");
        let value: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(value["text"], "a\x1b\x7f\u{9b}\u{202e}é");
    }
}
