//! Prints events: as lines for a terminal, or as JSON.

use std::borrow::Cow;
use std::fmt::Write as _;
use std::io::{IsTerminal, Write};
use std::time::Duration;

use serde_json::Value;
use tokio::sync::oneshot;

use super::Colour;
use super::time::Clock;
use crate::event::Source;
use crate::{Event, Events, Kind, Level, Log, shell};

/// The most events in one write.
const BATCH: usize = 512;

/// How long events are collected for one write. Nobody notices the delay of a line.
const GATHER: Duration = Duration::from_millis(10);

/// How long the last lines may take to be written, because the terminal may have stopped.
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

/// Says why `dev` cannot start: on the standard error, and with `json` as an event on the standard output too.
pub(super) fn complain_not_started(error: &str, json: bool) {
    complain(error);
    if json {
        let (log, mut events) = Log::new();
        log.emit(&Source::default(), Kind::NotStarted { error: error.to_owned() });
        let (mut batch, mut text) = (Vec::new(), String::new());
        events.take(&mut batch, 1);
        for event in &batch {
            line(event, Style::Json, &mut Clock::default(), &mut text);
        }
        // Without a reader, the text still stands on the standard error.
        drop(std::io::stdout().write_all(text.as_bytes()));
    }
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
            Colour::Auto => out.is_terminal() && shell::variable("NO_COLOR").is_none(),
        };
        match (json, is_coloured) {
            (true, _) => Style::Json,
            (false, true) => Style::Coloured,
            (false, false) => Style::Plain,
        }
    }
}

/// Writes events on its own thread, so that a stopped terminal blocks nothing else.
pub(super) struct Printer {
    done: oneshot::Receiver<()>,
}

impl Printer {
    pub(super) fn start(mut events: Events, mut out: Box<dyn Write + Send>, style: Style) -> Self {
        let (finished, done) = oneshot::channel();
        std::thread::spawn(move || {
            let mut batch = Vec::with_capacity(BATCH);
            let mut text = String::new();
            let mut clock = Clock::default();
            while events.wait(&mut batch, BATCH) > 0 {
                // No pause while more events are queued than one write takes: a pause could lose events.
                if batch.len() < BATCH {
                    pause();
                    events.take(&mut batch, BATCH);
                }
                text.clear();
                for event in batch.drain(..) {
                    line(&event, style, &mut clock, &mut text);
                }
                // Without a reader on standard output, fc-local goes on serving.
                drop(out.write_all(text.as_bytes()).and_then(|()| out.flush()));
            }
            // The receiver may have been dropped.
            _ = finished.send(());
        });
        Printer { done }
    }

    /// Waits for the last line. Every [`Log`] must be gone by then.
    pub(super) async fn finish(self) {
        _ = tokio::time::timeout(FINISH_MAX, self.done).await;
    }
}

/// Waits for the events that follow at once, so that many lines share one write.
#[expect(clippy::disallowed_methods, reason = "the printer's thread has nothing else to do")]
fn pause() {
    std::thread::sleep(GATHER);
}

fn line(event: &Event, style: Style, clock: &mut Clock, out: &mut String) {
    let time = clock.utc(event.time);
    match style {
        Style::Json => json_line(event, time, out),
        Style::Plain => text_line(event, time, false, out),
        Style::Coloured => text_line(event, time, true, out),
    }
}

fn json_line(event: &Event, time: &str, out: &mut String) {
    let mut fields = event.fields();
    fields.insert("time".to_owned(), time.into());
    // JSON requires escapes only below U+0020. The terminal's control characters occur only in texts, and none is
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
const RESET_AND_END: &str = "\x1b[0m\n";
const DIM: &str = "\x1b[2m";
const RED: &str = "\x1b[31m";
const YELLOW: &str = "\x1b[33m";
const GREEN: &str = "\x1b[32m";

/// Colours that tell functions apart.
const FUNCTIONS: [&str; 5] = ["\x1b[36m", "\x1b[35m", "\x1b[34m", "\x1b[96m", "\x1b[95m"];

fn text_line(event: &Event, time: &str, is_coloured: bool, out: &mut String) {
    let mut part = |before: &str, colour: &str, text: &str| {
        out.push_str(before);
        if is_coloured {
            out.extend([colour, text, RESET]);
        } else {
            out.push_str(text);
        }
    };
    // The time of day; the date does not change often enough to be worth its width.
    part("", DIM, &time[11..23]);
    if let Some(function) = &event.function {
        let sum: usize = function.bytes().map(usize::from).sum();
        part(" ", FUNCTIONS[sum % FUNCTIONS.len()], &neutral(function));
    }
    if let Some(instance) = &event.instance {
        part(" ", DIM, tail(instance, 6));
    }
    if let Some(request) = &event.request {
        part(" ", DIM, request);
    }
    out.push(' ');
    if is_coloured {
        out.push_str(colour(&event.kind));
    }
    out.push_str(mark(&event.kind));
    out.push_str(&neutral(&event.text()));
    out.push_str(if is_coloured { RESET_AND_END } else { "\n" });
}

fn colour(kind: &Kind) -> &'static str {
    match (kind, kind.level()) {
        (Kind::Build(_), _) => DIM,
        (Kind::Ready(_) | Kind::DomainReady(_) | Kind::Request(_), Level::Info) => GREEN,
        (_, Level::Info) => "",
        (_, Level::Warning) => YELLOW,
        (_, Level::Error) => RED,
    }
}

/// The prefix of a line.
fn mark(kind: &Kind) -> &'static str {
    match kind {
        Kind::Stdout(_) => "| ",
        Kind::Stderr(_) => "! ",
        Kind::Build(_) => "> ",
        Kind::Request(_) => "",
        kind if kind.level() == Level::Warning => "warning: ",
        _ => "",
    }
}

fn tail(text: &str, length: usize) -> &str {
    text.get(text.len().saturating_sub(length)..).unwrap_or(text)
}

fn steers(c: char) -> bool {
    c.is_control() && c != '\t' && c != '\n'
        || matches!(c, '\u{61c}' | '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
}

/// `text` without the terminal's control characters: a function must not overwrite the output of other functions.
pub(super) fn neutral(text: &str) -> Cow<'_, str> {
    let is_plain = |byte: u8| matches!(byte, b' '..=b'~');
    if text.bytes().all(is_plain) || !text.contains(steers) {
        return Cow::Borrowed(text);
    }
    let escaped = text.chars().fold(String::with_capacity(text.len()), |mut out, c| {
        if steers(c) {
            out.extend(c.escape_default());
        } else {
            out.push(c);
        }
        out
    });
    Cow::Owned(escaped)
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
        let (log, mut events) = Log::new();
        log.emit(&Source::default(), Kind::Stdout("a\x1b\x7f\u{9b}\u{202e}é".to_owned()));
        let mut event = Vec::new();
        events.take(&mut event, 1);
        let mut out = String::new();
        json_line(&event[0], "", &mut out);
        assert!(out.contains("a\\u001b\\u007f\\u009b\\u202eé"), "{out}");
        let value: Value = serde_json::from_str(&out).unwrap();
        assert_eq!(value["text"], "a\x1b\x7f\u{9b}\u{202e}é");
    }
}
